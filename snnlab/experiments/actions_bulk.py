"""One change to many runs at once: each by its own action, and what was refused is told."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from snnlab.experiments import actions, actions_queue
from snnlab.experiments.asking import Refused


MOST = 1000
CHANGES: dict[str, Callable[[int, str], str]] = {
    "cancel": actions.cancel,
    "retry": actions.retry,
    "hold": actions_queue.pause,
    "release": actions.unhold,
}


class Outcome(NamedTuple):
    """How many runs were changed, and why the others were not."""

    done: int
    refused: list[str]


def change(name: str, runs: Sequence[int], actor: str) -> Outcome:
    """Change runs, the oldest first; each is changed whole or not at all."""
    refused = []
    for run in sorted(runs):
        try:
            CHANGES[name](run, actor)
        except Refused as error:
            refused.append(str(error))
    return Outcome(len(runs) - len(refused), refused)
