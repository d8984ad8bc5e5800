"""A sweep whose workers, and whose sweeper, are killed: each point and seed has one run."""

import psutil
import pytest

from snnlab.experiments import actions_sweeps
from snnlab.experiments.models import Run, Sweep
from snnlab.teams.actions import ensure_first_team
from tests.chaos.conftest import Lab, Worker
from tests.experiments.sweeps import define
from tests.experiments.waiting import until, words


pytestmark = [pytest.mark.chaos, pytest.mark.thorough]


def sweeper(worker: Worker) -> psutil.Process | None:
    """The process that looks after open sweeps, if this worker has started it."""
    found = (p for p in worker.trainers() if "workers.sweeper" in words(p))
    return next(found, None)


def test_a_sweep_ends_complete_whoever_dies(lab: Lab) -> None:
    _, team = ensure_first_team()
    space = {"epochs": [2, 3, 4], "batch_size": [10, 20]}
    definition = define(space, seeds=[1, 2], parallel=3)
    made = actions_sweeps.create(team=team, actor="admin", name="sweep", sweep=definition)
    first = lab.start()
    until(lambda: sweeper(first), 60).kill()
    second = lab.start()
    until(lambda: Run.objects.filter(state="succeeded").count() > 1, 120)
    first.kill()
    until(lambda: Run.objects.filter(state="succeeded").count() > 5, 120)
    second.kill()
    lab.start()
    until(lambda: Sweep.objects.get(pk=made.pk).state == "done", 120)
    runs = list(Run.objects.all())
    assert sorted((run.definition["epochs"], run.definition["batch_size"], run.seed)
                  for run in runs) == sorted(
        (epochs, size, seed) for epochs in (2, 3, 4) for size in (10, 20) for seed in (1, 2)
    )  # fmt: skip
    assert {run.state for run in runs} == {"succeeded"}
    found = lab.check(*runs)
    assert found.told[made.pk]["succeeded"] == 12
