"""A run of two devices: two real processes under torchrun, of which the first reports."""

from collections.abc import Callable

import psutil
import pytest

from snnlab.experiments import actions, queries
from snnlab.experiments.actions import Ask
from snnlab.experiments.models import Run
from snnlab.learning.spec import Spec
from tests.experiments.waiting import ends, gone, recorded, state, until, words
from tests.learning.test_parallel import SMALL
from tests.web import lab
from workers.slots import Slots


Start = Callable[..., Slots]
REAL = {"engine": "workers.engine", "grace": 10, "start": 60, "fence": 20, "heartbeat": 1}


def queued(epochs: int) -> Run:
    ada = lab.person("ada", "lab")
    experiment = actions.submit(
        team=ada.teams.get(),
        actor="ada",
        name="together",
        specs=[Spec.from_toml(SMALL.replace("epochs = 2", f"epochs = {epochs}"))],
        seeds=[3],
        ask=Ask(devices=2),
    )
    return experiment.runs.get()


def ranks() -> list[psutil.Process]:
    """The processes that train together, without torchrun."""
    found = psutil.Process().children(recursive=True)
    return [p for p in found if "workers.rank" in words(p) and "torch.distributed" not in words(p)]


@pytest.fixture(autouse=True)
def long_lease(settings) -> None:
    settings.SNNLAB_LEASE = 60


def test_a_run_of_two_devices_is_trained_by_two_processes(slots: Start) -> None:
    slots(slots=2, **REAL)
    run = ends(queued(2), seconds=120)
    environment = run.attempt_set.get().environment
    assert (environment["processes"], environment["threads"]) == (2, 1)
    points = run.measurements.filter(metric="loss")
    assert [point.step for point in points.order_by("step")] == [1, 2], "only one of them reports"
    assert run.score > 20
    assert any("epoch 2" in line for line in queries.log_tail(run.pk))


def test_a_cancelled_run_of_two_devices_leaves_no_process_behind(slots: Start) -> None:
    slots(slots=2, **REAL)
    run = queued(1000)
    until(recorded(run, 1), 120)
    until(lambda: len(ranks()) == 2)
    both = ranks()
    actions.cancel(run.pk, "ada")
    until(lambda: state(run) == "cancelled", 30)
    until(lambda: all(map(gone, both)), 30)


def test_a_run_of_two_devices_waits_for_a_worker_that_has_two(slots: Start) -> None:
    slots(slots=1, **REAL)
    run = queued(1)
    until(lambda: queries.events(run.pk))
    assert state(run) == "queued"
