"""What a trainer needs of the science. Tests of the machinery put a toy in its place."""

from pathlib import Path
from typing import Any, NoReturn

from snnlab.learning import machine, parallel
from snnlab.learning.checkpoint import Checkpoint, load, save, weights_digest
from snnlab.learning.kept import keep
from snnlab.learning.machine import prepare
from snnlab.learning.spec import Spec
from snnlab.learning.train import Step
from snnlab.learning.work import work


__all__ = [
    "Checkpoint",
    "Step",
    "apart",
    "environment",
    "hand",
    "last",
    "load",
    "parse",
    "prepare",
    "save",
    "together",
    "weights_digest",
    "work",
]


def environment(device: str) -> dict[str, Any]:
    """All that a result has to name of where it was made: machine, packages and code."""
    return machine.environment(device) | {"snnlab": machine.code()}


def parse(definition: dict[str, Any]) -> Spec:
    """Raises SpecError."""
    return Spec.parse(definition)


def together(device: str) -> None:
    """Train with the other processes of this run."""
    parallel.start(device)


def apart() -> NoReturn:
    """End this process, which has trained with others."""
    parallel.stop()


def hand(path: Path) -> None:
    """Let a run find the training of another run, instead of doing it itself."""
    keep(load(path))


def last(spec: Spec) -> int:
    """The number of the checkpoint after which nothing is left to do."""
    return spec.task.checkpoints(spec)
