"""A machine that shares no folder with the lab: its checkpoints go through the web server.

The lab has its home, the joined worker another one; a real web server is the door between them.
"""

import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from snnlab.experiments import joining
from snnlab.experiments.models import Run, Worker, WorkerKey
from tests.chaos.conftest import Lab
from tests.chaos.web import Web
from tests.experiments.toys import Toy, submit
from tests.experiments.waiting import ends, recorded, state, stored, until


pytestmark = pytest.mark.chaos

LONG = Toy(epochs=14, batches=10, pause=0.02)


@pytest.fixture
def joined(lab: Lab, web: Web, tmp_path: Path) -> Callable[[], object]:
    """Start a worker with a home of its own, which knows the lab's only through the door."""

    def start() -> object:
        key = joining.make_key(joining.invite("ada"), "elsewhere")
        address = f"http://127.0.0.1:{web.port}/store/"
        place = {"SNNLAB_HOME": str(tmp_path / "elsewhere"), "SNNLAB_STORE": address}
        return lab.start(**place, SNNLAB_STORE_KEY=key)

    return start


def took_over(run: Run) -> None:
    """It went on from a stored checkpoint, in a second attempt."""
    attempts = list(run.attempt_set.order_by("lease_epoch"))
    assert [attempt.outcome for attempt in attempts] == ["lease_lost", "succeeded"]
    assert attempts[1].resumed_from >= 3
    assert not run.events.filter(reason="restarted").exists()
    assert stored(run)


def test_a_run_of_a_joined_machine_that_dies_goes_on_in_the_lab_to_the_same_bits(
    lab: Lab, joined, tmp_path: Path
) -> None:
    first = joined()
    (run,) = submit(LONG)
    until(recorded(run, 3))
    first.kill()
    lab.start()
    took_over(ends(run))
    assert not list(tmp_path.glob("elsewhere/artifacts/*/*")), "nothing is stored over there"
    lab.check(run)


def test_a_run_of_the_lab_that_dies_goes_on_at_a_joined_machine_to_the_same_bits(
    lab: Lab, joined, tmp_path: Path
) -> None:
    first = lab.start()
    (run,) = submit(LONG)
    until(recorded(run, 3))
    first.kill()
    joined()
    took_over(ends(run))
    lab.check(run)
    assert not list(tmp_path.glob("elsewhere/scratch/*")), "what was fetched is gone"


@pytest.mark.thorough
def test_weights_that_another_run_needs_are_fetched(lab: Lab, joined) -> None:
    (teacher,) = submit(Toy(epochs=2))
    first = lab.start()
    ends(teacher)
    first.send(signal.SIGTERM)
    until(lambda: not lab.alive())
    (student,) = submit(Toy(epochs=3), after=[teacher.pk])
    joined()
    ends(student)
    weights = teacher.checkpoints.get(final=True).artifact_id
    assert f"given {weights}" in "".join(student.log.values_list("text", flat=True))
    lab.check(teacher, student)


@pytest.mark.thorough
def test_a_web_server_that_is_killed_again_and_again_costs_a_moment(
    lab: Lab, web: Web, joined
) -> None:
    joined()
    (run,) = submit(Toy(epochs=30, batches=5, pause=0.02))
    for step in (2, 5, 8):
        until(recorded(run, step))
        web.kill()
        time.sleep(0.5)
        web.start()
    run = ends(run, seconds=40)
    assert run.attempts == 1
    lab.check(run)


@pytest.mark.thorough
def test_a_machine_whose_key_is_revoked_gives_its_run_back_and_takes_none(lab: Lab, joined) -> None:
    mine = joined()
    (run,) = submit(Toy(epochs=30, batches=5, pause=0.02))
    until(recorded(run, 2))
    assert joining.revoke_key(WorkerKey.objects.get().pk)
    until(lambda: state(run) == "queued")
    until(lambda: Worker.objects.get(name__endswith=f":{mine.process.pid}").draining)
    assert "join again" in mine.log.read_text()
    lab.start()
    run = ends(run)
    assert list(run.attempt_set.order_by("lease_epoch").values_list("outcome", flat=True)) == [
        "preempted", "succeeded"]  # fmt: skip
    assert run.attempts == 1
    lab.check(run)


@pytest.mark.thorough
def test_a_machine_that_cannot_reach_the_store_takes_no_run(lab: Lab, web: Web, joined) -> None:
    web.kill()
    mine = joined()
    until(lambda: "ready." in mine.log.read_text())
    (run,) = submit(Toy(epochs=3))
    until(lambda: "cannot be reached" in mine.log.read_text())
    assert state(run) == "queued"
    web.start()
    run = ends(run)
    assert run.attempts == 1
    lab.check(run)
