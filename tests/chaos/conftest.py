"""Real worker processes on the test's own database, to be killed."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

import psutil
import pytest
from django.conf import settings
from django.db import connection

from snnlab.experiments import artifacts
from snnlab.experiments.models import Run


HERE = Path(__file__).parent
ROOT = HERE.parent.parent
T = TypeVar("T")
TOYS = (sys.executable, str(HERE / "worker.py"))
SHORT = {"LEASE": "3", "HEARTBEAT": "0.5", "FENCE": "2", "REAP": "0.5", "POLL": "1"}


class Worker:
    """A worker process with its trainers."""

    def __init__(self, log: Path, broker: str, command: Sequence[str] = TOYS) -> None:
        self.log = log
        with log.open("wb") as out:
            self.process = subprocess.Popen(
                command,
                stdout=out,
                stderr=out,
                stdin=subprocess.DEVNULL,
                cwd=ROOT,
                start_new_session=True,
                env={**os.environ, **environment(broker)},
            )

    def trainers(self) -> list[psutil.Process]:
        try:
            return psutil.Process(self.process.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            return []

    def send(self, sign: signal.Signals) -> None:
        self.process.send_signal(sign)

    def kill(self) -> None:
        if self.process.poll() is None:
            self.send(signal.SIGCONT)
            self.send(signal.SIGKILL)
        self.process.wait()


def environment(broker: str) -> dict[str, str]:
    """Settings of a worker on this test's database."""
    given = connection.settings_dict
    url = f"postgres://{given['USER']}:{given['PASSWORD']}@{quote(given['HOST'], safe='')}"
    port = f":{given['PORT']}" if given["PORT"] else ""
    return {
        "DATABASE_URL": f"{url}{port}/{given['NAME']}",
        "BROKER_URL": broker,
        "SNNLAB_HOME": str(settings.SNNLAB_HOME),
        "PYTHONPATH": os.pathsep.join((str(ROOT), str(HERE))),
        "SNNLAB_THREADS": "1",
        **{f"SNNLAB_{name}": value for name, value in SHORT.items()},
    }


@pytest.fixture
def worker(
    tmp_path: Path, broker: str, transactional_db: None, request: pytest.FixtureRequest
) -> Iterator[Callable[..., Worker]]:
    """Start workers; a failed test shows what they logged."""
    started: list[Worker] = []

    def start(**kwargs: object) -> Worker:
        log = tmp_path / f"worker{len(started)}.log"
        started.append(Worker(log, kwargs.pop("broker", broker), **kwargs))
        return started[-1]

    yield start
    for each in started:
        each.kill()
        print(each.log.name, each.log.read_text()[-6000:], sep="\n")


def until(look: Callable[[], T], seconds: float = 20) -> T:
    """Poll until something is true, and give it; fail after so many seconds."""
    end = time.monotonic() + seconds
    while not (found := look()):
        if time.monotonic() > end:
            raise AssertionError(f"still not after {seconds:g} s")
        time.sleep(0.02)
    return found


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
