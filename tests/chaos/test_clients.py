"""What people who ask the web server see while things break: no error of ours, and no long wait."""

import os
import signal
import time
from collections.abc import Iterator

import pytest

from snnlab.embedded.postgres import Postgres
from snnlab.experiments.models import Run
from snnlab.learning.presets import presets
from snnlab.teams.actions import ensure_first_team, make_token
from tests.chaos.conftest import Lab
from tests.chaos.test_servers import outside, patient, server
from tests.chaos.web import Client, Web
from tests.experiments.waiting import until


__all__ = ["server"]

pytestmark = [pytest.mark.chaos, pytest.mark.thorough]


@pytest.fixture
def client(server: Postgres, lab: Lab) -> Iterator[Client]:
    """Somebody who looks and submits all the time."""
    web = Web(lab)
    web.dress()
    web.start()
    user, _ = ensure_first_team()
    spec = presets()["mnist-sample"].definition | {"epochs": 2}
    asking = Client(lab, web, make_token(user, "asks"), spec)
    asking.start()
    yield asking
    asking.over.set()
    asking.join(30)
    web.kill()
    print(web.log.read_text()[-4000:])


def test_while_servers_die_clients_are_answered_and_what_was_taken_is_trained(
    server: Postgres, lab: Lab, client: Client
) -> None:
    lab.start()
    lab.start()
    until(lambda: client.taken)
    for _ in range(3):
        os.kill(outside(server), signal.SIGKILL)
        server.process.wait(10)
        time.sleep(1)
        server.start()
        time.sleep(1.5)
    before = len(client.taken)
    until(lambda: len(client.taken) > before)
    client.over.set()
    client.join(30)
    until(patient(lambda: not Run.objects.exclude(state__in=Run.TERMINAL).exists()), 60)
    runs = list(Run.objects.all())
    assert len(runs) == len(client.taken), "each key made one run, however often it was sent"
    assert {run.state for run in runs} == {"succeeded"}
    statuses = {answer["status"] for answer in lab.clients}
    assert statuses == {200, 201, 503}, "nothing broke, or something else did"
    lab.check(*runs)
