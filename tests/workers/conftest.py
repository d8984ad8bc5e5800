"""Slots in this process, whose trainers are real child processes that train toys."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

import tests.chaos
from workers.limits import Limits
from workers.slots import Slots


LIMITS = Limits(
    heartbeat=0.3,
    fence=2,
    poll=0.1,
    reap=0.2,
    slots=1,
    threads=1,
    stall=60,
    wall=60,
    engine="toy",
    grace=2,
    start=10,
)


@pytest.fixture
def slots(
    transactional_db: None, settings: object, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Slots]]:
    """Start slots with these limits; they are drained after the test."""
    monkeypatch.setenv("PYTHONPATH", str(Path(tests.chaos.__file__).parent))
    settings.SNNLAB_LEASE = 3
    started: list[Slots] = []

    def start(**limits: object) -> Slots:
        started.append(Slots(replace(LIMITS, **limits)))
        started[-1].start()
        return started[-1]

    yield start
    for each in started:
        each.stop()
        each.join()
