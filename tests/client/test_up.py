"""The real `snnlab up`, its real processes, and what is left of it after kill -9."""

import json
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator

import psycopg
import pytest

from snnlab.embedded import postgres
from snnlab.embedded.process import wait_for
from tests.client.lab import MARKS, Lab
from tests.experiments.waiting import gone


pytestmark = pytest.mark.chaos


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    lab = Lab(tmp_path_factory.mktemp("up"))
    yield lab
    lab.stop()


@pytest.fixture
def running(lab: Lab) -> Lab:
    if lab.process is None or lab.process.poll() is not None:
        lab.start()
    return lab


def test_says_where_it_is_and_how_to_sign_in(running):
    announced = json.loads((running.home / "up.json").read_text())
    assert announced == {"url": running.url, "pid": running.process.pid, "port": running.port}
    assert f"{running.url}welcome/" in running.said()


def test_all_parts_run(running):
    assert all(running.find(name) for name in MARKS)


def test_logs_hold_no_token(running):
    token = running.said().split("/welcome/")[1].split("/")[0]
    with urllib.request.urlopen(f"{running.url}welcome/{token}/") as page:
        assert page.status == 200
    log = running.home / "logs" / "web.log"
    wait_for(lambda: "/welcome/" in log.read_text(), timeout=5)
    assert token not in log.read_text()


@pytest.mark.parametrize("name", MARKS)
def test_kill_9_of_a_part_brings_it_back(running, name):
    victim = running.find(name)
    victim.kill()
    victim.wait(20)
    wait_for(lambda: running.find(name) is not None, timeout=20)
    wait_for(running.answers, timeout=20)
    assert running.find(name).pid != victim.pid


def test_the_demo_goes_from_the_queue_to_the_board(running):
    _, environment = running.command()
    tiny = (
        "import sys; from snnlab.client import demo; from snnlab.learning.spec import Spec;"
        "data = {'kind': 'mnist-5k', 'train_size': 200};"
        "kinds = {'network': 'mlp', 'neuron': 'lif', 'rule': 'bptt'}.items();"
        "parts = {name: {'kind': kind} for name, kind in kinds};"
        "spec = {'dataset': data, **parts, 'epochs': 1};"
        "demo.first_definition = lambda console: ('tiny', Spec.parse(spec));"
        "sys.exit(demo.main(sys.argv[1]))"
    )
    command = [sys.executable, "-c", tiny, running.url]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=90)
    assert result.returncode == 0, result
    assert "Test accuracy" in result.stdout
    assert "Leaderboard mnist: rank" in result.stdout
    assert f"{running.url}runs/1/" in result.stdout


def test_a_second_up_is_told_about_the_first(running):
    words = running.refused()
    assert str(running.process.pid) in words
    assert running.url in words


def test_a_taken_port_is_refused_with_the_way_out(running, tmp_path):
    words = Lab(tmp_path).refused("--port", str(running.port))
    assert f"port {running.port} on 127.0.0.1 is in use" in words
    assert "--port" in words
    assert not (tmp_path / "pg").exists()


def test_kill_9_of_up_takes_everything_with_it(running):
    left = running.everything()
    assert left
    running.process.kill()
    running.process.wait()
    wait_for(lambda: all(gone(process) for process in left), timeout=15)


def test_the_next_start_finds_the_data(running):
    with psycopg.connect(postgres.url(running.home)) as connection:
        people = connection.execute("select username from teams_user").fetchall()
    assert people == [("admin",)]


def test_ctrl_c_stops_everything_in_time(running):
    left = running.everything()
    running.process.send_signal(signal.SIGINT)
    assert running.process.wait(20) == 0
    assert all(gone(process) for process in left)
    assert not (running.home / "up.json").exists()


def test_data_of_a_newer_snnlab_is_refused(lab):
    lab.stop()
    with_future = "insert into django_migrations (app, name, applied) values (%s, %s, now())"
    change(lab, with_future, "teams", "9999_from_the_future")
    try:
        words = lab.refused()
        assert "newer snnlab" in words
        assert "teams.9999_from_the_future" in words
        assert "SNNLAB_HOME" in words
    finally:
        change(
            lab,
            "delete from django_migrations where app = %s and name = %s",
            "teams",
            "9999_from_the_future",
        )


def test_data_of_another_postgresql_is_refused(lab):
    lab.stop()
    version = lab.home / "pg" / "PG_VERSION"
    mine = version.read_text()
    version.write_text("12\n")
    try:
        assert "was made by PostgreSQL 12" in lab.refused()
    finally:
        version.write_text(mine)


def test_a_folder_that_cannot_be_is_refused(tmp_path):
    (tmp_path / "file").touch()
    assert "SNNLAB_HOME" in Lab(tmp_path / "file" / "home").refused()


def test_letting_others_in_needs_names(tmp_path):
    assert "ALLOWED_HOSTS" in Lab(tmp_path).refused("--bind", "0.0.0.0")


def change(lab: Lab, query: str, *values: str) -> None:
    server = postgres.Postgres(lab.home).start()
    with psycopg.connect(postgres.url(lab.home)) as connection:
        connection.execute(query, values)
    server.stop()
