"""PostgreSQL is killed again and again; the network between it and a worker is cut."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import Error, connection

from snnlab.embedded.postgres import NAME, Postgres
from snnlab.embedded.process import socket_folder
from snnlab.experiments.models import Run
from tests.chaos.conftest import TOYS, Lab
from tests.experiments.toys import Toy, submit
from tests.experiments.waiting import ends, recorded, until


pytestmark = [pytest.mark.chaos, pytest.mark.thorough]

HONEST = {"fsync": "off"}  # no power is cut; but what was committed survives a kill


@pytest.fixture
def server(lab: Lab, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Postgres]:
    """A PostgreSQL of this test's own, with our tables; the one of all tests must not be hurt."""
    more = getattr(request, "param", {})
    own = Postgres(tmp_path / "pg", settings=HONEST | more).start()
    before = dict(connection.settings_dict)
    connection.close()
    place = {"HOST": str(socket_folder(own.home)), "PORT": "", "NAME": NAME, "USER": NAME}
    connection.settings_dict.update(place | {"PASSWORD": ""})
    call_command("migrate", verbosity=0)
    yield own
    for each in lab.alive():
        each.kill()
    connection.close()
    connection.settings_dict.update(before)
    own.stop()


def patient(act: Callable[[], object]) -> Callable[[], object]:
    """What a test asks of a database that comes and goes."""

    def ask() -> object:
        try:
            return act()
        except Error:
            connection.close()
            return None

    return ask


def test_killed_five_times_while_points_arrive_it_has_each_once(lab: Lab, server: Postgres) -> None:
    runs = [submit(Toy(epochs=25 + n, batches=5, pause=0.02))[0] for n in range(2)]
    lab.start()
    lab.start()
    until(recorded(runs[0], 1))
    for _ in range(5):
        os.kill(outside(server), signal.SIGKILL)
        server.process.wait(10)
        server.start()
        connection.close()
        time.sleep(0.5)
    for run in runs:
        until(patient(lambda r=run: Run.objects.get(pk=r.pk).state in Run.TERMINAL), 60)
        ends(run)
    lab.check(*runs)


def outside(server: Postgres) -> int:
    """The postmaster's process, as its number is out here."""
    assert server.process
    return server.process.pid


NET, HERE_IP, THERE_IP = "snnlabchaos", "10.213.77.1", "10.213.77.2"


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


@pytest.fixture
def network() -> Iterator[str]:
    """A network namespace with one wire to us; gives the command that runs something in it."""
    if os.geteuid() != 0 or not shutil.which("ip"):
        pytest.skip("a network can only be cut by root, with `ip` (apt-get install iproute2)")
    try:
        ip("netns", "add", NET)
        ip("link", "add", "snnlab-a", "type", "veth", "peer", "name", "snnlab-b", "netns", NET)
    except subprocess.CalledProcessError as error:
        subprocess.run(["ip", "netns", "del", NET], capture_output=True)
        pytest.skip(f"this machine allows no network namespaces: {error.stderr.decode()}")
    ip("addr", "add", f"{HERE_IP}/30", "dev", "snnlab-a")
    ip("link", "set", "snnlab-a", "up")
    ip("-n", NET, "addr", "add", f"{THERE_IP}/30", "dev", "snnlab-b")
    ip("-n", NET, "link", "set", "snnlab-b", "up")
    ip("-n", NET, "link", "set", "lo", "up")
    yield NET
    ip("netns", "del", NET)


TCP = {"listen_addresses": HERE_IP}


@pytest.mark.parametrize("server", [TCP], indirect=True, ids=["tcp"])
def test_a_worker_that_is_cut_off_stops_before_another_begins(
    network: str, server: Postgres, lab: Lab
) -> None:
    with (server.cluster / "pg_hba.conf").open("a") as file:
        file.write(f"host all all {HERE_IP}/30 trust\n")
    os.kill(outside(server), signal.SIGHUP)
    (run,) = submit(Toy(epochs=60, batches=5, pause=0.02))
    address = f"postgres://{NAME}@{HERE_IP}/{NAME}"
    lab.start(command=["ip", "netns", "exec", network, *TOYS], DATABASE_URL=address)
    until(recorded(run, 3))
    ip("link", "set", "snnlab-a", "down")
    lab.start()
    until(lambda: Run.objects.get(pk=run.pk).lease_epoch == 2)
    ip("link", "set", "snnlab-a", "up")
    ends(run, seconds=40)
    found = lab.check(run)
    assert any(pids for _, pids in found.samples)
