"""The small parts of a worker, each by itself."""

import io
import subprocess
import sys

import pytest

from workers import protocol
from workers.bell import Bell
from workers.child import CUT, Log, environment
from workers.protocol import Garbled
from workers.trainer import reason_of


def test_messages_arrive_as_they_were_sent() -> None:
    stream = io.BytesIO()
    sent = [{"kind": "step", "loss": 0.1 + 0.2}, {"kind": "done", "name": "Ünïcode\n"}]
    for message in sent:
        protocol.write(stream, message)
    stream.seek(0)
    assert [protocol.read(stream), protocol.read(stream), protocol.read(stream)] == [*sent, None]


def test_a_message_cut_anywhere_is_the_end() -> None:
    stream = io.BytesIO()
    protocol.write(stream, {"kind": "done"})
    whole = stream.getvalue()
    assert {protocol.read(io.BytesIO(whole[:n])) is None for n in range(len(whole))} == {True}


@pytest.mark.parametrize("body", [b"[]", b"\xff\xff\xff\xff"])
def test_what_is_no_message_is_refused(body: bytes) -> None:
    head = protocol.HEAD.pack(len(body))
    with pytest.raises(ValueError, match=r"must be an object|codec can't decode"):
        protocol.read(io.BytesIO(head + body))


def test_an_absurd_length_is_refused_before_anything_is_allocated() -> None:
    with pytest.raises(Garbled, match="at most 16777216 bytes, got 4294967295"):
        protocol.read(io.BytesIO(b"\xff\xff\xff\xff"))


def test_every_listener_hears_a_ring() -> None:
    bell = Bell()
    with bell.listen() as one, bell.listen() as two:
        bell.ring()
        assert (one.is_set(), two.is_set()) == (True, True)
    bell.ring()


def test_a_letter_split_between_two_reads_stays_whole() -> None:
    log, letter = Log(), "ü".encode()
    log.add(letter[:1])
    assert log.take() == ""
    log.add(letter[1:])
    assert log.take() == "ü"


def test_a_log_says_once_that_it_is_cut() -> None:
    log = Log(limit=10)
    for _ in range(5):
        log.add(b"123456")
    assert log.take() == "1234561234" + CUT
    assert log.take() == ""


def test_the_environment_of_a_trainer_is_a_list_of_what_it_may_have(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgres://secret")
    monkeypatch.setenv("SNNLAB_DATA_DIR", "/data")
    found = environment(3)
    assert "DATABASE_URL" not in found
    assert (found["SNNLAB_DATA_DIR"], found["OMP_NUM_THREADS"]) == ("/data", "3")


def test_a_full_disk_is_recognised_in_whatever_error_it_comes() -> None:
    wrapped = Exception("Error while serializing: No space left on device (os error 28)")
    told = [reason_of(error) for error in (OSError(28, ""), wrapped, OSError(2, ""))]
    assert told == ["disk_full", "disk_full", "user_error"]


@pytest.mark.parametrize(
    "module",
    [
        "workers.tasks",
        "snnlab.experiments.queries",
        "snnlab.experiments.sweep_steps",
        "snnlab.web.sweep_new",
    ],
)
def test_neither_a_worker_nor_a_page_imports_torch(module: str) -> None:
    code = f"import django; django.setup(); import sys, {module}; print('torch' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "False"


def test_a_trainer_knows_no_django() -> None:
    code = "import sys, workers.trainer, workers.engine; print('django' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "False"
