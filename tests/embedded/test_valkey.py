import pytest
import redis

from snnlab.embedded.process import EmbeddedError, processes_in
from snnlab.embedded.valkey import Valkey, program, socket_path


@pytest.fixture
def valkey(home):
    server = Valkey(home).start()
    yield server
    server.stop()


def client(home):
    return redis.Redis(unix_socket_path=str(socket_path(home)))


def test_answers_on_a_private_socket_and_nowhere_else(valkey, home):
    with client(home) as connection:
        assert connection.config_get("port") == {"port": "0"}
    assert socket_path(home).stat().st_mode & 0o077 == 0


def test_comes_back_after_kill_9(valkey, home):
    valkey.process.kill()
    valkey.process.wait()
    assert not valkey.ready()
    valkey.start()
    assert valkey.ready()


def test_an_orphaned_server_leaves_before_a_new_one_starts(valkey, home):
    second = Valkey(home).start()
    try:
        assert processes_in(second.folder) == [second.process.pid]
    finally:
        second.stop()


def test_keeps_nothing_on_disk(valkey, home):
    with client(home) as connection:
        connection.set("bell", "rung")
    valkey.stop()
    assert not list(valkey.folder.iterdir())


def test_no_program_is_told_with_the_way_out(monkeypatch):
    monkeypatch.setattr("shutil.which", lambda name: None)
    monkeypatch.setattr("snnlab.embedded.valkey.find_spec", lambda name: None)
    with pytest.raises(EmbeddedError, match=r"BROKER_URL"):
        program()
