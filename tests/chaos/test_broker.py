"""The broker forgets everything, or hangs up again and again: runs are found all the same."""

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from celery import current_app
from django.db import connection

from snnlab.embedded.valkey import Valkey, socket_path, url
from snnlab.experiments import doorbell
from tests.chaos.conftest import Lab
from tests.experiments.toys import Toy, submit
from tests.experiments.waiting import ends, until


pytestmark = [pytest.mark.chaos, pytest.mark.thorough]


@pytest.fixture
def valkey(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Valkey]:
    """A broker of this test's own, which the test rings too."""
    own = Valkey(tmp_path / "broker").start()
    monkeypatch.setattr(current_app.conf, "broker_write_url", url(own.home))
    yield own
    own.stop()


def tell(valkey: Valkey, *words: str) -> None:
    """Give the broker a command, in its own words."""
    with socket.socket(socket.AF_UNIX) as line:
        line.connect(str(socket_path(valkey.home)))
        line.sendall(" ".join(words).encode() + b"\r\n")
        assert not line.recv(100).startswith(b"-")


def started_once(count: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("select count(*), max(lease_epoch) from experiments_attempt")
        assert cursor.fetchone() == (count, 1)


def test_a_broker_that_forgets_loses_no_run(lab: Lab, valkey: Valkey) -> None:
    runs = submit(Toy(epochs=1, batches=1), seeds=20)
    tell(valkey, "FLUSHALL")
    valkey.process.kill()
    valkey.process.wait()
    valkey.start()
    for _ in range(2):
        lab.start(broker=url(valkey.home))
    for run in runs:
        ends(run, seconds=60)
    started_once(len(runs))
    lab.check(*runs)


def test_a_worker_that_is_hung_up_on_does_not_go_deaf(lab: Lab, valkey: Valkey) -> None:
    mine = lab.start(broker=url(valkey.home))
    until(lambda: "ready." in mine.log.read_text())
    for _ in range(5):
        tell(valkey, "CLIENT", "KILL", "TYPE", "normal")
        time.sleep(0.6)
    (run,) = submit(Toy(epochs=1))
    ends(run, seconds=10)
    for _ in range(50):
        doorbell.ring()
    (later,) = submit(Toy(epochs=2))
    ends(later, seconds=10)
    started_once(2)
    lab.check(run, later)
