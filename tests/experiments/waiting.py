"""Wait for what other processes do, with a limit; nothing here sleeps for longer than a blink."""

import time
from collections.abc import Callable
from typing import TypeVar

import psutil

from snnlab.experiments import artifacts
from snnlab.experiments.models import Run


T = TypeVar("T")


def until(look: Callable[[], T], seconds: float = 20) -> T:
    """Poll until something is true, and give it; fail after so many seconds."""
    end = time.monotonic() + seconds
    while not (found := look()):
        if time.monotonic() > end:
            raise AssertionError(f"still not after {seconds:g} s")
        time.sleep(0.02)
    return found


def gone(process: psutil.Process) -> bool:
    """Whether it has ended; a zombie only waits for somebody to notice."""
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def words(process: psutil.Process) -> str:
    """The command of a process; nothing if it has ended while we look."""
    try:
        return " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return ""


def state(run: Run) -> str:
    return Run.objects.values_list("state", flat=True).get(pk=run.pk)


def ends(run: Run, wanted: str = "succeeded", seconds: float = 25) -> Run:
    """Wait for a run's end, which must be the wanted one."""
    until(lambda: state(run) in Run.TERMINAL, seconds)
    run.refresh_from_db()
    assert run.state == wanted, (run.state, run.reason, run.message)
    return run


def recorded(run: Run, step: int) -> Callable[[], bool]:
    """Whether the checkpoint of this step is in the store."""
    return lambda: run.checkpoints.filter(step__gte=step).exists()


def stored(run: Run) -> bool:
    """Whether every checkpoint of the run has its file."""
    return all(artifacts.verifies(c.artifact_id) for c in run.checkpoints.all())
