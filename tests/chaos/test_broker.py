"""The broker forgets, hangs up, repeats itself, is not there or tells lies: runs do not care."""

import base64
import json
import pickle
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from celery import current_app
from django.db import connection

from snnlab.embedded.valkey import Valkey, socket_path, url
from snnlab.experiments import doorbell
from snnlab.experiments.models import Run
from tests.chaos.conftest import Lab
from tests.experiments.toys import Toy, submit
from tests.experiments.waiting import ends, state, until


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


def push(valkey: Valkey, *words: bytes) -> None:
    """Give the broker a command whose words may be any bytes."""
    parts = b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)
    with socket.socket(socket.AF_UNIX) as line:
        line.connect(str(socket_path(valkey.home)))
        line.sendall(b"*%d\r\n%s" % (len(words), parts))
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
    """It polls once a minute, so what it takes sooner it has heard of."""
    mine = lab.start(broker=url(valkey.home), SNNLAB_POLL="60")
    until(lambda: "ready." in mine.log.read_text())

    def rung(run: Run) -> bool:
        doorbell.ring()  # while the worker joins its broker again, nobody hears
        return state(run) in Run.TERMINAL

    for _ in range(5):
        tell(valkey, "CLIENT", "KILL", "TYPE", "normal")
        time.sleep(0.6)
    (run,) = submit(Toy(epochs=1))
    until(lambda: rung(run))
    for _ in range(50):
        doorbell.ring()
    (later,) = submit(Toy(epochs=2))
    until(lambda: rung(later))
    started_once(2)
    lab.check(run, later)


def test_the_same_message_fifty_times_to_four_workers_trains_once(lab: Lab, valkey: Valkey) -> None:
    workers = [lab.start(broker=url(valkey.home)) for _ in range(4)]
    until(lambda: all("ready." in each.log.read_text() for each in workers), 60)
    runs = submit(Toy(epochs=3, pause=0.02), seeds=6)
    with current_app.connection_for_write() as line:
        for _ in range(50):
            current_app.send_task(
                doorbell.WAKE, queue=doorbell.QUEUE, task_id="always the same", connection=line
            )
    for run in runs:
        ends(run, seconds=40)
    started_once(len(runs))
    lab.check(*runs)


def test_a_broker_that_never_answers_delays_a_submission_by_a_moment_only(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It takes the connection and says nothing; the run is queued, and found by polling."""
    with socket.create_server(("127.0.0.1", 0)) as hole:
        address = f"redis://127.0.0.1:{hole.getsockname()[1]}/0"
        monkeypatch.setattr(current_app.conf, "broker_write_url", address)
        lab.start(broker=address)
        before = time.monotonic()
        (run,) = submit(Toy(epochs=2))
        assert time.monotonic() - before < 10  # seconds; its client alone would wait for ever
        assert "the doorbell is broken" in caplog.text
        run = ends(run)
        lab.check(run)


class Canary:
    """What makes a file when it is unpickled."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return Path.touch, (self.file,)


def forged(canary: Path) -> dict[str, bytes]:
    """Messages as a liar would put them into the broker."""

    def envelope(body: bytes, content: str, task: str, **more: object) -> bytes:
        headers = {"lang": "py", "task": task, "id": "forged", "root_id": None, **more}
        properties = {
            "correlation_id": "forged", "delivery_mode": 2, "delivery_tag": "forged",
            "delivery_info": {"exchange": "", "routing_key": "ticks"}, "body_encoding": "base64",
        }  # fmt: skip
        told = {"body": base64.b64encode(body).decode(), "content-type": content}
        rest = {"content-encoding": "utf-8", "headers": headers, "properties": properties}
        return json.dumps(told | rest).encode()

    plain = b'[[], {}, {"callbacks": null, "errbacks": null, "chain": null, "chord": null}]'
    evil = pickle.dumps([[Canary(canary)], {}, {}])
    binary = {"content-encoding": "binary"}
    return {
        "garbage": b"\xff\xfe no json",
        "no envelope": b"[1, 2]",
        "half": b'{"body": "x"',
        "empty": b"{}",
        "pickle": envelope(evil, "application/x-python-serialize", "workers.wake", **binary),
        "unknown": envelope(plain, "application/json", "os.system"),
        "arguments": envelope(
            b'[["rm -rf /"], {"run": 1}, {}]', "application/json", "workers.wake"
        ),
        "no arguments": envelope(b'"x"', "application/json", "workers.reap"),
        "later": envelope(plain, "application/json", "workers.wake", eta="tomorrow", retries=-1),
        "huge": envelope(b"x" * 20_000_000, "application/json", "workers.wake"),
    }


def test_forged_messages_execute_nothing_and_the_worker_lives_on(
    lab: Lab, valkey: Valkey, tmp_path: Path
) -> None:
    mine = lab.start(broker=url(valkey.home))
    until(lambda: "ready." in mine.log.read_text())
    (run,) = submit(Toy(epochs=60, batches=5, pause=0.02))
    for message in forged(tmp_path / "executed").values():
        push(valkey, b"LPUSH", b"ticks", message)
        push(valkey, b"PUBLISH", b"/0.doorbell", message)
        time.sleep(0.3)
        assert mine.process.poll() is None, "the worker died of a message"
    run = ends(run, seconds=40)
    assert run.attempts == 1
    assert mine.process.poll() is None, "the worker died of a message"
    assert not (tmp_path / "executed").exists()
    for word in ("ContentDisallowed", "unregistered task", "what nobody can read"):
        assert word in mine.log.read_text(), "a forged message did not arrive"
    doorbell.ring()
    (later,) = submit(Toy(epochs=2))
    ends(later)
    lab.check(run, later)
