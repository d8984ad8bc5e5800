"""Real worker processes on the test's own database, to be killed."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from urllib.parse import quote

import psutil
import pytest
from django.conf import settings
from django.db import connection


HERE = Path(__file__).parent
ROOT = HERE.parent.parent
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
