"""A process that looks after sweeps: started when one is neglected, gone with its worker."""

import os
import subprocess
import sys

import psutil
import pytest
from django.db import connection

from snnlab.experiments import actions_sweeps
from snnlab.experiments.models import Sweep
from tests.chaos.conftest import environment
from tests.experiments.sweeps import create, work
from tests.experiments.waiting import gone, until
from workers import sweeper
from workers.sweeper import Sweeper


@pytest.fixture
def keeper(transactional_db, broker, settings, tmp_path, monkeypatch):
    """The worker's side; its process works on the test's database."""
    settings.SNNLAB_HOME = tmp_path
    for name, value in environment(broker).items():
        monkeypatch.setenv(name, value)
    made = Sweeper()
    yield made
    made.close()


def state(sweep: Sweep) -> str:
    return Sweep.objects.values_list("state", flat=True).get(pk=sweep.pk)


def test_a_neglected_sweep_is_brought_to_its_end(keeper: Sweeper) -> None:
    keeper.look()
    assert keeper.process is None, "there is nothing to look after"
    strategy = {"kind": "tpe", "points": 5, "startup": 2}
    sweep = create({"epochs": [1, 2, 3, 4, 5]}, strategy=strategy, look=False)
    keeper.look()
    process = keeper.process
    keeper.look()
    assert keeper.process is process, "one is enough"
    until(lambda: work(lambda d, s: 1.0) >= 0 and state(sweep) == "done", seconds=60)
    assert sweep.experiment.runs.count() == 5
    actions_sweeps.add_seeds(sweep.pk, top=1, count=2)
    until(lambda: sweep.experiment.runs.count() == 7, seconds=30)


def test_a_sweep_that_raises_an_error_stops_no_other(
    transactional_db, settings, tmp_path, monkeypatch, caplog
) -> None:
    settings.SNNLAB_HOME = tmp_path
    bad, good = (create({"epochs": [1]}, name=name, look=False) for name in ("bad", "good"))
    from snnlab.experiments import sweep_steps

    def breaks(sweep: Sweep) -> None:
        if sweep.pk == bad.pk:
            raise ZeroDivisionError
        Sweep.objects.filter(pk=sweep.pk).update(state="done", ended_at=sweep.created_at)

    monkeypatch.setattr(sweep_steps, "look", breaks)
    monkeypatch.setattr(sweeper, "PAUSE", 0.05)
    monkeypatch.setattr(sweeper, "PATIENCE", 0.5)
    sweeper.serve(os.getppid())
    assert state(good) == "done"
    assert caplog.text.count("a sweep cannot go on") == 1, "it is tried again later"
    with connection.cursor() as cursor:
        cursor.execute("select count(*) from pg_locks where locktype = 'advisory'")
        assert cursor.fetchone() == (0,)


def test_it_leaves_with_its_worker(keeper: Sweeper) -> None:
    create({"epochs": [1]}, look=False)
    code = (
        "import django; django.setup(); from workers.sweeper import Sweeper; s = Sweeper();"
        "s.look(); print(s.process.pid, flush=True); input()"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    child = psutil.Process(int(parent.stdout.readline()))
    parent.kill()
    parent.wait()
    until(lambda: gone(child))
    parent.stdin.close()
    parent.stdout.close()
