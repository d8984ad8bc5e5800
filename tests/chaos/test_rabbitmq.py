"""The same doorbell over a real RabbitMQ."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from celery import current_app

from snnlab.experiments import doorbell
from tests.chaos.conftest import Worker
from tests.experiments.toys import Toy, submit
from tests.experiments.waiting import ends, until


SERVER = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")

pytestmark = [
    pytest.mark.chaos,
    pytest.mark.skipif(not SERVER.exists(), reason="no RabbitMQ: apt-get install rabbitmq-server"),
]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def rabbitmq(tmp_path: Path) -> Iterator[str]:
    """The address of a RabbitMQ of this test, whose Erlang daemon ends with it."""
    port, epmd = free_port(), free_port()
    environment = os.environ | {
        "HOME": str(tmp_path),
        "RABBITMQ_NODENAME": f"test{port}@localhost",
        "RABBITMQ_NODE_PORT": str(port),
        "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
        "RABBITMQ_DIST_PORT": str(free_port()),
        "RABBITMQ_MNESIA_BASE": str(tmp_path / "mnesia"),
        "RABBITMQ_LOG_BASE": str(tmp_path / "log"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(tmp_path / "plugins"),
        "RABBITMQ_CONF_ENV_FILE": os.devnull,
        "ERL_EPMD_PORT": str(epmd),
    }
    with (tmp_path / "rabbitmq.log").open("wb") as log:
        server = subprocess.Popen([SERVER], env=environment, stdout=log, stderr=log)
    try:
        until(lambda: answers(port) or server.poll() is not None, 180)
        assert server.poll() is None, (tmp_path / "rabbitmq.log").read_text()
        yield f"amqp://guest:guest@127.0.0.1:{port}//"
    finally:
        server.terminate()
        server.wait(60)
        subprocess.run([shutil.which("epmd") or "epmd", "-kill"], env=environment, check=False,
                       capture_output=True)  # fmt: skip


def answers(port: int) -> bool:
    """Whether it speaks AMQP: the port alone opens earlier."""
    try:
        with socket.create_connection(("127.0.0.1", port), 1) as probe:
            probe.sendall(b"AMQP\x00\x00\x09\x01")
            return bool(probe.recv(7))
    except OSError:
        return False


def test_a_ring_over_rabbitmq_is_heard_at_once_by_every_worker(
    rabbitmq: str, worker: Callable[..., Worker], monkeypatch
) -> None:
    monkeypatch.setattr(current_app.conf, "broker_write_url", rabbitmq)
    workers = [worker(broker=rabbitmq, SNNLAB_POLL="60") for _ in range(2)]
    until(lambda: all("ready." in one.log.read_text() for one in workers), 120)
    (first,) = submit(Toy(epochs=1))
    ends(first)
    for _ in range(3):
        time.sleep(0.5)
        (run,) = submit(Toy(epochs=1))
        ends(run)
    assert not any("doorbell is broken" in one.log.read_text() for one in workers)


def test_a_rabbitmq_that_is_gone_delays_a_submission_by_a_moment_only(
    transactional_db, monkeypatch, caplog
) -> None:
    address = f"amqp://guest:guest@127.0.0.1:{free_port()}//"
    monkeypatch.setattr(current_app.conf, "broker_write_url", address)
    before = time.monotonic()
    doorbell.ring()
    assert time.monotonic() - before < 10  # seconds; its client alone would try for minutes
    assert "the doorbell is broken" in caplog.text
