"""Workers that come and go while runs are trained, in an order that a seed decides."""

import contextlib
import os
import random
import signal
import time

import psutil
import pytest
from django.db import OperationalError

from snnlab.embedded.postgres import Postgres
from snnlab.embedded.valkey import Valkey, url
from snnlab.experiments import actions
from snnlab.experiments.actions import Refused
from snnlab.experiments.models import Run
from tests.chaos.conftest import Lab
from tests.chaos.evidence import Limits
from tests.chaos.test_broker import valkey
from tests.chaos.test_servers import outside, patient, server
from tests.experiments.toys import Toy, submit
from tests.experiments.waiting import ends, recorded, state, until


__all__ = ["server", "valkey"]

pytestmark = [pytest.mark.chaos, pytest.mark.thorough]

SIGNALS = {
    "term": [signal.SIGTERM],
    "term and kill": [signal.SIGTERM, signal.SIGKILL],
    "int three times": [signal.SIGINT] * 3,
    "quit": [signal.SIGQUIT],
}


@pytest.mark.parametrize("signs", list(SIGNALS))
def test_a_deploy_in_the_middle_loses_nothing(lab: Lab, signs: str) -> None:
    runs = [submit(Toy(epochs=12 + n, batches=5, pause=0.02))[0] for n in range(2)]
    before = [lab.start(), lab.start()]
    for run in runs:
        until(recorded(run, 2))
    for sign in SIGNALS[signs]:
        for each in before:
            if each.process.poll() is None:
                each.send(sign)
        time.sleep(0.3)
    until(lambda: all(each.process.poll() is not None for each in before))
    lab.start()
    lab.start()
    for run in runs:
        ends(run, seconds=40)
    found = lab.check(*runs)
    if signs == "term":
        assert {row["attempts"] for row in found.runs} == {1}


@pytest.mark.parametrize("seed", range(4))
def test_whatever_is_frozen_and_let_go_in_whatever_order(lab: Lab, seed: int) -> None:
    """Swizzle: each process in turn is frozen or killed, and comes back in another order."""
    chance = random.Random(seed)
    print(f"seed {seed}")
    runs = [submit(Toy(epochs=15 + n, batches=5, pause=0.02))[0] for n in range(4)]
    workers = [lab.start() for _ in range(3)]
    until(recorded(runs[0], 1))
    for _ in range(2):
        for each in chance.sample(workers, len(workers)):
            hit(lab, workers, each, chance)
            time.sleep(chance.uniform(0, 0.7))
        with contextlib.suppress(Refused, OperationalError):  # it has ended; its row is locked
            actions.cancel(chance.choice(runs[1:]).pk, "ada")
        for each in chance.sample(workers, len(workers)):
            each.send(signal.SIGCONT)
            time.sleep(chance.uniform(0, 0.7))
    for run in runs:
        until(lambda r=run: state(r) in Run.TERMINAL, 60)
    assert {state(run) for run in runs} <= {"succeeded", "cancelled"}
    lab.check(*runs, limits=Limits(cancel=25, recover=25))  # a frozen worker hears nothing


@pytest.mark.parametrize("seed", range(2))
def test_servers_and_workers_are_frozen_and_let_go_in_whatever_order(
    server: Postgres, lab: Lab, valkey: Valkey, seed: int
) -> None:
    """Swizzle of everything: database and broker stop one by one with the workers."""
    chance = random.Random(100 + seed)
    print(f"seed {100 + seed}")
    runs = [submit(Toy(epochs=15 + n, batches=5, pause=0.02))[0] for n in range(3)]
    workers = [lab.start(broker=url(valkey.home)) for _ in range(3)]
    until(recorded(runs[0], 1))
    pids = [each.process.pid for each in workers] + [valkey.process.pid, *backends(server)]
    for _ in range(2):
        for stop in (signal.SIGSTOP, signal.SIGCONT):
            for pid in chance.sample(pids, len(pids)):
                with contextlib.suppress(ProcessLookupError):  # a backend may have gone
                    os.kill(pid, stop)
                time.sleep(chance.uniform(0, 0.4))
    for run in runs:
        until(patient(lambda r=run: state(r) in Run.TERMINAL), 60)
        ends(run)
    lab.check(*runs, limits=Limits(cancel=25, recover=25))


def backends(server: Postgres) -> list[int]:
    """The database's first process and some that serve connections."""
    first = psutil.Process(outside(server))
    return [first.pid, *(each.pid for each in first.children()[:6])]


def hit(lab: Lab, workers: list, each: object, chance: random.Random) -> None:
    """Freeze a worker, or kill it and start another in its place."""
    if chance.random() < 0.7:
        each.send(signal.SIGSTOP)
    else:
        each.kill()
        workers[workers.index(each)] = lab.start()
