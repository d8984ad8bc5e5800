"""The kill matrix: a worker is killed, frozen or raises at a fault point, and nothing is lost."""

import signal

import pytest

from tests.chaos.conftest import Lab
from tests.chaos.evidence import Limits
from tests.experiments.toys import Toy, submit
from tests.experiments.waiting import ends, recorded, until


pytestmark = pytest.mark.chaos

TRAINING = ("claim", "renew", "begin", "measure", "place", "record", "finish")
SHORT_LIST = {
    ("claim.after", "kill"),
    ("place.after", "kill"),
    ("record.after", "stop"),
    ("finish.before", "raise"),
    ("finish.after", "stop"),
}


# Frozen inside a transaction, a worker keeps the run's row locked until the database breaks the
# transaction off, after 15 s. With the lease of 60 s that adds nothing; with the test's of 3 s it
# does.
RECOVER = {"kill": 12, "raise": 12, "stop": 25}


def cases() -> list[object]:
    """Every point with every way; all but a few only in `make chaos`."""
    found = []
    for name in TRAINING:
        for when in ("before", "after"):
            for how in ("kill", "stop", "raise"):
                key = (f"{name}.{when}", how)
                marks = () if key in SHORT_LIST else (pytest.mark.thorough,)
                found.append(pytest.param(*key, marks=marks, id="-".join(key)))
    return found


@pytest.mark.parametrize(("point", "how"), cases())
def test_whatever_breaks_once_the_run_ends_as_if_undisturbed(
    lab: Lab, point: str, how: str
) -> None:
    lab.arm(point, how)
    epochs = 15 if point.startswith("renew") else 4  # a short run ends before its first heartbeat
    (run,) = submit(Toy(epochs=epochs, batches=5, pause=0.02))
    lab.start()
    lab.start()
    ends(run, seconds=45)
    until(lambda: lab.struck(point))
    lab.check(run, limits=Limits(recover=RECOVER[how]))


@pytest.mark.parametrize("how", ["kill", "stop", "raise"])
@pytest.mark.parametrize("point", ["reap.before", "reap.after"])
@pytest.mark.thorough
def test_a_reaper_that_breaks_loses_no_run(lab: Lab, point: str, how: str) -> None:
    """The first worker dies with a run, the second breaks while it takes the run back."""
    (run,) = submit(Toy(epochs=6, batches=5, pause=0.02))
    first = lab.start()
    until(recorded(run, 1))
    first.kill()
    lab.arm(point, how)
    lab.start()
    until(lambda: lab.struck(point))
    lab.start()
    ends(run, seconds=45)
    lab.check(run, limits=Limits(recover=RECOVER[how]))


@pytest.mark.parametrize("how", ["kill", "stop", "raise"])
@pytest.mark.parametrize("point", ["release.before", "release.after"])
@pytest.mark.thorough
def test_a_worker_that_breaks_while_it_gives_its_run_back_loses_none(
    lab: Lab, point: str, how: str
) -> None:
    (run,) = submit(Toy(epochs=6, batches=5, pause=0.02))
    first = lab.start()
    until(recorded(run, 1))
    lab.arm(point, how)
    first.send(signal.SIGTERM)
    until(lambda: lab.struck(point))
    lab.start()
    ends(run, seconds=45)
    lab.check(run, limits=Limits(recover=RECOVER[how]))
