import os

import pytest

from snnlab.embedded.process import (
    LOG_LIMIT,
    EmbeddedError,
    clean_environment,
    log_file,
    private_folder,
    wait_for,
)


def test_a_folder_others_could_enter_is_closed(tmp_path):
    folder = tmp_path / "open"
    folder.mkdir(mode=0o755)
    assert private_folder(folder).stat().st_mode & 0o777 == 0o700


def test_a_link_in_place_of_a_folder_is_refused(tmp_path):
    (tmp_path / "link").symlink_to("/tmp")
    with pytest.raises(EmbeddedError, match=r"cannot use the folder"):
        private_folder(tmp_path / "link")


def test_a_folder_of_another_user_is_refused(tmp_path, monkeypatch):
    mine = os.getuid()
    monkeypatch.setattr(os, "getuid", lambda: mine + 1)
    with pytest.raises(EmbeddedError, match=r"this user's own"):
        private_folder(tmp_path)


def test_waiting_ends_with_the_time():
    with pytest.raises(TimeoutError):
        wait_for(lambda: False, timeout=0.05, pause=0.01)


def test_servers_see_no_secrets_of_ours(monkeypatch):
    monkeypatch.setenv("SECRET_KEY", "x")
    assert "SECRET_KEY" not in clean_environment()


def test_a_long_log_is_moved_aside(tmp_path):
    log = tmp_path / "server.log"
    log.write_bytes(b"x" * (LOG_LIMIT + 1))
    with log_file(log) as file:
        file.write(b"new\n")
    assert log.read_bytes() == b"new\n"
    assert (tmp_path / "server.old.log").exists()
