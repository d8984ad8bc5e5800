"""Sweeps of the sample preset, and workers that make up their numbers."""

from collections.abc import Callable
from typing import Any

from snnlab.experiments import actions_sweeps, queue, recording
from snnlab.experiments.models import Run, Sweep
from snnlab.experiments.sweep_steps import step
from snnlab.learning.presets import presets
from snnlab.learning.sweep import Sweep as Definition
from snnlab.teams.actions import ensure_first_team
from tests.experiments.toys import fresh


BASE = presets()["mnist-sample"].definition
Score = Callable[[dict[str, Any], int], float]


def define(space: dict[str, Any] | None = None, **fields: Any) -> Definition:
    return Definition.parse({"base": BASE, "space": space or {}} | fields)


def create(space: dict[str, Any] | None = None, *, look: bool = True, **fields: Any) -> Sweep:
    """A sweep of the first team, looked at once."""
    named = {name: fields.pop(name) for name in ("key", "name") if name in fields}
    _, team = ensure_first_team()
    made = actions_sweeps.create(
        team=team, actor="admin", sweep=define(space, **fields), **{"name": "sweep", **named}
    )
    if look:
        assert step(made.pk)
        made.refresh_from_db()
    return made


def begin(score: Score, steps: int = 1) -> queue.Claim | None:
    """Claim a run and write `accuracy` so far."""
    claim = queue.claim("w1", ["cpu"])
    if claim:
        measure(claim, score, range(1, steps + 1))
    return claim


def measure(claim: queue.Claim, score: Score, steps: range) -> None:
    points = [("accuracy", at, score(claim.definition, claim.seed)) for at in steps]
    recording.record(claim, [*points, *(("energy", at, 10.0) for at in steps)])


def finish(claim: queue.Claim, steps: int = 1) -> None:
    recording.record(claim, [], fresh(steps, final=True, content=f"run {claim.run_id}"))
    queue.finish(claim)


def work(score: Score, most: int = 10_000) -> int:
    """Train whatever waits; gives how many runs."""
    for done in range(most):
        claim = begin(score)
        if claim is None:
            return done
        finish(claim)
    return most


def states(sweep: Sweep) -> list[str]:
    runs = Run.objects.filter(experiment=sweep.experiment_id).order_by("point__number", "seed")
    return [f"{state} {reason}".strip() for state, reason in runs.values_list("state", "reason")]
