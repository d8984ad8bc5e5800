"""Real worker processes on the test's own database, to be killed; what they did is checked."""

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

from snnlab.experiments.models import Run
from tests.chaos import toy
from tests.chaos.checker import violations
from tests.chaos.evidence import Evidence, Oracle, Sampler, gather, trainers
from tests.experiments.toys import Toy
from tests.experiments.waiting import until


HERE = Path(__file__).parent
ROOT = HERE.parent.parent
TOYS = (sys.executable, str(HERE / "worker.py"))
REAL = ("undisturbed", "killed")  # experiments of `test_real_training.py`
SHORT = {"LEASE": "3", "HEARTBEAT": "0.5", "FENCE": "2", "REAP": "0.5", "POLL": "1"}


class Worker:
    """A worker process with its trainers."""

    def __init__(self, log: Path, broker: str, command: Sequence[str] = TOYS, **given: str) -> None:
        self.log = log
        with log.open("wb") as out:
            self.process = subprocess.Popen(
                command,
                stdout=out,
                stderr=out,
                stdin=subprocess.DEVNULL,
                cwd=ROOT,
                start_new_session=True,
                env={**os.environ, **environment(broker), **given},
            )

    def trainers(self) -> list[psutil.Process]:
        try:
            return psutil.Process(self.process.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            return []

    def send(self, sign: signal.Signals) -> None:
        self.process.send_signal(sign)

    def frozen(self) -> bool:
        return psutil.Process(self.process.pid).status() == psutil.STATUS_STOPPED

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


class Lab:
    """Workers, the faults that wait for them, and what they did."""

    def __init__(self, folder: Path, home: Path, broker: str) -> None:
        self.folder, self.home, self.broker = folder, home, broker
        self.workers: list[Worker] = []
        self.parents: list[int] = []
        self.clients: list[dict[str, object]] = []
        self.checked = False
        self.sampler = Sampler(self.parents)
        self.sampler.start()
        (folder / "faults").mkdir()

    def start(self, **kwargs: object) -> Worker:
        log = self.folder / f"worker{len(self.workers)}.log"
        broker = kwargs.pop("broker", self.broker)
        self.workers.append(Worker(log, broker, CHAOS=str(self.folder), **kwargs))
        self.parents.append(self.workers[-1].process.pid)
        return self.workers[-1]

    def arm(self, point: str, how: str) -> None:
        """Let the first worker that gets to this point break there: kill, stop or raise."""
        (self.folder / "faults" / point).write_text(how)

    def struck(self, point: str) -> bool:
        return (self.folder / "faults" / f"{point}.done").exists()

    def alive(self) -> list[Worker]:
        return [each for each in self.workers if each.process.poll() is None]

    def settle(self) -> None:
        """Let what is frozen go on, and every worker leave in its orderly way."""
        for sign in (signal.SIGCONT, signal.SIGTERM):
            for each in self.alive():
                each.send(sign)
        until(lambda: not self.alive(), 30)

    def evidence(self, *runs: Run, **known: object) -> Evidence:
        self.settle()
        left = trainers(self.parents)
        return gather(
            self.folder,
            self.home,
            submitted=[run.pk for run in runs],
            oracles={run.pk: undisturbed(run) for run in runs if toyish(run)},
            samples=self.sampler.samples,
            clients=self.clients,
            left=left,
            **known,
        )

    def check(self, *runs: Run, **known: object) -> Evidence:
        """When all is over, nothing of the history may speak against an invariant."""
        self.checked = True
        found = self.evidence(*runs, **known)
        assert violations(found) == []
        return found

    def close(self) -> None:
        for each in self.workers:
            each.kill()
            print(each.log.name, each.log.read_text()[-6000:], sep="\n")
        self.sampler.over.set()
        self.sampler.join()


@pytest.fixture
def lab(
    tmp_path: Path,
    broker: str,
    transactional_db: None,
    settings: object,
    request: pytest.FixtureRequest,
) -> Iterator[Lab]:
    """A lab of its own, checked at the end; a failed test shows what its workers logged."""
    settings.SNNLAB_HOME = tmp_path / "home"
    settings.SNNLAB_HOME.mkdir()
    built, failed = Lab(tmp_path, settings.SNNLAB_HOME, broker), request.session.testsfailed
    yield built
    try:
        if not built.checked and request.session.testsfailed == failed:
            built.check(*Run.objects.all())
    finally:
        built.close()


@pytest.fixture
def web(lab: Lab) -> Iterator[object]:
    """A real web server on the test's database."""
    from tests.chaos.web import Web

    server = Web(lab)
    server.start()
    yield server
    server.kill()
    print(server.log.read_text()[-4000:])


@pytest.fixture
def worker(lab: Lab) -> Callable[..., Worker]:
    return lab.start


@pytest.fixture(name="undisturbed")
def _undisturbed() -> Callable[[Run], Oracle]:
    return undisturbed


def toyish(run: Run) -> bool:
    """Whether its numbers can be computed here: it may have been trained for real."""
    return run.experiment.name not in REAL


def undisturbed(run: Run) -> Oracle:
    """What a run of the toy measures when nothing goes wrong: computed here, without a worker."""
    spec = toy.parse(Run.objects.get(pk=run.pk).definition)
    quiet = Toy(spec.epochs, spec.batches)
    points: Oracle = {}
    for item in toy.work(quiet, seed=run.seed, resume=None, device="cpu"):
        if isinstance(item, toy.Checkpoint):
            points |= {(name, item.epoch): value for name, value in item.metrics.items()}
    points["weights", spec.epochs] = toy.weights_digest(item)
    return points
