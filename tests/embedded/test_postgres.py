import os
import shutil
import signal
import subprocess
import sys
from collections import namedtuple

import psycopg
import pytest

from snnlab.embedded.postgres import FAST, Postgres, program, unprivileged, url
from snnlab.embedded.process import EmbeddedError, processes_in, socket_folder, wait_for


def test_answers_on_a_private_socket_and_nowhere_else(postgres, ask):
    assert ask("show listen_addresses") == ("",)
    folder = socket_folder(postgres.home)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / ".s.PGSQL.5432").stat().st_mode & 0o077 == 0


def test_files_of_the_cluster_belong_to_nobody_else(postgres):
    assert postgres.cluster.stat().st_uid == os.getuid()
    assert postgres.cluster.stat().st_mode & 0o777 == 0o700


def test_another_process_reaches_the_same_server(postgres, home, ask):
    ask("create table told as select 7 as number")
    asked = "psycopg.connect(sys.argv[1]).execute('select number from told').fetchone()[0]"
    code = f"import psycopg, sys; sys.exit({asked})"
    assert subprocess.run([sys.executable, "-c", code, url(home)]).returncode == 7


def test_what_was_committed_survives_kill_9(postgres, ask):
    ask("set synchronous_commit = on; create table kept as select 42 as answer")
    postgres.process.kill()
    postgres.start()
    assert ask("select answer from kept") == (42,)


def test_a_stale_pid_of_a_stranger_blocks_nothing(postgres, ask):
    postgres.stop()
    (postgres.cluster / "postmaster.pid").write_text(f"{os.getpid()}\n{postgres.cluster}\n")
    postgres.start()
    assert ask("select 1") == (1,)


def test_an_orphaned_server_leaves_before_a_new_one_starts(postgres, home, ask):
    second = Postgres(home, settings=FAST).start()
    try:
        assert not postgres.alive()
        assert ask("select 1") == (1,)
    finally:
        second.stop()


def test_leaves_when_its_parent_is_killed(home):
    code = (
        "import sys, time; from pathlib import Path; from snnlab.embedded.postgres import Postgres;"
        "Postgres(Path(sys.argv[1])).start(); print('up', flush=True); time.sleep(60)"
    )
    command = [sys.executable, "-c", code, str(home)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as parent:
        assert parent.stdout.readline() == b"up\n"
        parent.send_signal(signal.SIGKILL)
    wait_for(lambda: not processes_in(home / "pg"), timeout=10)


def test_refuses_a_cluster_of_another_version(home, postgres):
    postgres.stop()
    version = postgres.cluster / "PG_VERSION"
    mine = version.read_text()
    version.write_text("12\n")
    try:
        with pytest.raises(EmbeddedError, match=r"made by PostgreSQL 12, .* SNNLAB_PG_BIN"):
            postgres.start()
    finally:
        version.write_text(mine)


def test_a_killed_initdb_leaves_nothing_half_done(tmp_path):
    unfinished = tmp_path / "pg.new"
    unfinished.mkdir()
    (unfinished / "PG_VERSION").write_text("18\n")
    server = Postgres(tmp_path, settings=FAST).start()
    server.stop()
    assert server.cluster.exists()
    assert not unfinished.exists()


def test_refuses_to_begin_on_a_full_disk(tmp_path, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(10**9, 10**9, 5 * 10**6))
    with pytest.raises(EmbeddedError, match=r"300 MB are needed, 5 MB are free"):
        Postgres(tmp_path).start()
    assert not (tmp_path / "pg").exists()


def test_refuses_a_folder_it_cannot_make(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(EmbeddedError, match=r"cannot use the folder .* SNNLAB_HOME"):
        Postgres(tmp_path / "file" / "home").start()


def test_a_long_path_gets_a_short_socket(tmp_path):
    deep = tmp_path / ("d" * 90)
    folder = socket_folder(deep)
    assert len(str(folder)) < 80
    assert folder != socket_folder(tmp_path / ("e" * 90))


def test_root_without_user_namespaces_is_told_the_way_out(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(EmbeddedError, match=r"ordinary user.* DATABASE_URL"):
        unprivileged(["postgres"])


def test_an_ordinary_user_needs_no_namespace(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert unprivileged(["postgres"]) == ["postgres"]


def test_programs_can_be_chosen(monkeypatch, tmp_path):
    (tmp_path / "postgres").touch()
    monkeypatch.setenv("SNNLAB_PG_BIN", str(tmp_path))
    assert program("initdb") == str(tmp_path / "initdb")


def test_without_programs_nothing_is_begun(monkeypatch, tmp_path):
    monkeypatch.setenv("SNNLAB_PG_BIN", str(tmp_path))
    with pytest.raises(EmbeddedError, match="no PostgreSQL programs"):
        Postgres(tmp_path / "home").start()
    assert not (tmp_path / "home" / "pg.new").exists()


def test_no_programs_is_told_with_the_way_out(monkeypatch, tmp_path):
    monkeypatch.setenv("SNNLAB_PG_BIN", str(tmp_path))
    with pytest.raises(EmbeddedError, match=r"DATABASE_URL"):
        program("initdb")


def test_a_server_that_cannot_start_says_what_its_log_says(home):
    with pytest.raises(EmbeddedError, match=r"no_such_setting"):
        Postgres(home, settings={"no_such_setting": "1"}).start()


def test_nothing_answers_before_the_start(home):
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(url(home))
