"""Slow links, by a proxy that delays and throttles: nothing is taken from who is only slow."""

import socket
from collections.abc import Callable, Iterator

import pytest
from django.db import connection

from snnlab.experiments import joining
from tests.chaos.conftest import Lab
from tests.chaos.proxy import SlowWire, to_socket
from tests.chaos.web import Web
from tests.experiments.toys import Toy, submit
from tests.experiments.waiting import ends, recorded, until


pytestmark = [pytest.mark.chaos, pytest.mark.thorough]

PATIENT = {"SNNLAB_LEASE": "15", "SNNLAB_FENCE": "12", "SNNLAB_HEARTBEAT": "3"}


@pytest.fixture
def wire() -> Iterator[Callable[..., SlowWire]]:
    """Lay a slow wire; it is cut after the test."""
    laid: list[SlowWire] = []

    def lay(connect: Callable[[], socket.socket], **slow: float) -> SlowWire:
        laid.append(SlowWire(connect, **slow))
        return laid[-1]

    yield lay
    for each in laid:
        each.close()


def test_a_slow_link_to_the_database_costs_no_lease(lab: Lab, wire) -> None:
    given = connection.settings_dict
    if not given["HOST"].startswith("/"):
        pytest.skip("the tests' PostgreSQL is not the embedded one")
    slow = wire(to_socket(f"{given['HOST']}/.s.PGSQL.5432"), delay=0.1, rate=10_000)
    address = f"postgres://{given['USER']}@127.0.0.1:{slow.port}/{given['NAME']}"
    far = lab.start(DATABASE_URL=address, **PATIENT)
    until(lambda: "ready." in far.log.read_text())
    (run,) = submit(Toy(epochs=3, batches=5, pause=0.2))
    until(recorded(run, 1), 60)
    near = lab.start(**PATIENT)
    until(lambda: "ready." in near.log.read_text())
    run = ends(run, seconds=60)
    assert run.attempts == 1
    assert run.attempt_set.get().worker.split(":")[2] == str(far.process.pid)
    assert slow.carried > 10_000
    lab.check(run)


def test_a_checkpoint_that_takes_longer_than_the_lease_to_arrive_costs_no_lease(
    lab: Lab, web: Web, wire
) -> None:
    slow = wire(lambda: socket.create_connection(("127.0.0.1", web.port)), delay=0.1, rate=1000)
    key = joining.make_key(joining.invite("ada"), "elsewhere")
    place = {"SNNLAB_STORE": f"http://127.0.0.1:{slow.port}/store/", "SNNLAB_STORE_KEY": key}
    lab.start(SNNLAB_HOME=str(lab.folder / "elsewhere"), SNNLAB_POOLS="far", **place)
    lab.start()
    (run,) = submit(Toy(epochs=2, trick="heavy"), pool="far")
    run = ends(run, seconds=90)
    stored = run.checkpoints.order_by("step").values_list("at", flat=True)
    assert (stored[1] - stored[0]).total_seconds() > 3, "the wire was too fast to show anything"
    assert run.attempts == 1
    lab.check(run)
