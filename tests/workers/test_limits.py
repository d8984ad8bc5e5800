"""What a run may use of its worker, and what a worker offers."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from snnlab.experiments import actions, actions_queue, queries
from snnlab.experiments.actions import Ask
from snnlab.experiments.models import Worker
from snnlab.experiments.queue import Claim
from tests.experiments.toys import Toy, submit
from tests.experiments.waiting import ends, recorded, state, until
from tests.workers.conftest import LIMITS
from workers import usage as looking
from workers.devices import Devices
from workers.slots import Slots
from workers.usage import Gauge, Usage, memory_total, resident, spent


Start = Callable[..., Slots]
LONG = Toy(epochs=1000, pause=0.02)


def test_a_run_has_its_own_limit_of_time(slots: Start) -> None:
    slots()
    (run,) = submit(LONG, ask=Ask(wall=1))
    run = ends(run, "failed")
    assert (run.reason, run.message) == ("timeout", "a run may take 1 s")


def test_a_run_that_uses_more_memory_than_it_may_is_ended_and_says_so(slots: Start) -> None:
    slots()
    (run,) = submit(Toy(trick="gobble"), ask=Ask(memory=100))
    run = ends(run, "failed")
    assert run.reason == "oom"
    assert run.message.endswith("MB of memory, and may use 100 MB")
    assert run.attempts == 1, "another attempt would use as much"


def test_a_run_below_its_limit_of_memory_is_left_alone(slots: Start) -> None:
    slots()
    (run,) = submit(Toy(epochs=30, pause=0.01), ask=Ask(memory=200))
    ends(run)


def test_a_paused_run_loses_nothing_and_goes_on_where_it_stopped(slots: Start) -> None:
    slots()
    (run,) = submit(Toy(epochs=30, batches=10, pause=0.02))
    until(recorded(run, 2))
    actions_queue.pause(run.pk, "ada")
    until(lambda: state(run) == "held")
    last = run.checkpoints.order_by("-step").first().step
    (other,) = submit(Toy(epochs=2))
    ends(other)  # its slot is free for others
    actions.unhold(run.pk, "ada")
    run = ends(run)
    assert run.attempt_set.get(lease_epoch=2).resumed_from == last
    assert run.measurements.filter(metric="loss").count() == 30
    assert run.attempts == 1, "the attempt that was paused does not count"


def test_a_run_gets_the_weights_of_what_it_needs(slots: Start) -> None:
    slots()
    (teacher,) = submit(Toy(epochs=2))
    (student,) = submit(Toy(epochs=3), after=[teacher.pk])
    ends(student)
    final = teacher.checkpoints.get(final=True).artifact_id
    assert f"given {final}" in queries.log_tail(student.pk)


def test_a_training_stays_on_the_cores_of_its_slot(slots: Start) -> None:
    core = max(os.sched_getaffinity(0))
    slots(cores=(core,))
    (run,) = submit(Toy(trick="environment"))
    ends(run)
    assert f"cores [{core}]" in queries.log_tail(run.pk)


def test_each_slot_has_its_own_cores_and_gpu() -> None:
    cpu = replace(LIMITS, slots=2, threads=2, cores=(4, 5, 6, 7))
    assert [cpu.of_slots([slot]) for slot in (0, 1)] == [{"cores": [4, 5]}, {"cores": [6, 7]}]
    assert replace(LIMITS).of_slots([0]) == {}
    gpu = replace(LIMITS, pools=("gpu",), gpus=(3, 1))
    assert gpu.of_slots([0, 1]) == {"gpus": [3, 1]}
    assert replace(LIMITS, pools=("gpu",)).of_slots([1]) == {"gpus": [1]}


def test_a_run_of_several_devices_takes_them_all_or_none() -> None:
    freed: list[bool] = []
    devices, big = Devices(3, lambda: freed.append(True)), Claim(1, 1, "w", {}, 0, 1, devices=2)
    small = replace(big, devices=1)
    with devices.taken(lambda free: big) as (_, two):
        assert two == (0, 1)
        with devices.taken(lambda free: small if free == 1 else None) as (_, one):
            assert one == (2,)
            with devices.taken(lambda free: small) as none:
                assert none is None
    with devices.taken(lambda free: small) as (_, again):
        assert again == (0,)
    assert freed == [True], "only several devices at once are news for other slots"


def test_a_drained_worker_finishes_what_it_has(slots: Start) -> None:
    mine = slots()
    first, second = submit(Toy(epochs=10, pause=0.02), seeds=2)
    until(recorded(first, 1))
    until(lambda: Worker.objects.filter(pk=mine.name).exists())
    actions_queue.drain(mine.name)
    ends(first)
    assert not threading.Event().wait(0.5)
    assert state(second) == "queued"
    actions_queue.drain(mine.name, on=False)
    ends(second)


def test_a_worker_tells_what_it_offers_and_how_busy_its_machine_is(slots: Start) -> None:
    mine = slots(labels=("chip",), memory=500)
    row = until(lambda: Worker.objects.filter(pk=mine.name, load__cpu__gt=0).first())
    assert (row.labels, row.memory, row.pools) == (["chip"], 500, ["cpu"])
    assert 0 < row.load["memory"] <= row.load["total"]


def test_the_memory_of_a_process_counts_its_children() -> None:
    assert resident(os.getpid()) > 10
    assert resident(1) >= resident(os.getpid())
    assert memory_total() > resident(os.getpid())
    usage = Usage()
    assert 0 <= usage.look(gpus=False)["cpu"] <= 1


def test_the_time_that_a_process_computed_grows_as_it_computes() -> None:
    before, until_then = spent(os.getpid()), time.process_time() + 0.1
    while time.process_time() < until_then:
        pass
    assert 0.05 < spent(os.getpid()) - before < 5


def test_a_training_is_looked_at_more_rarely_the_longer_it_takes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(looking, "LOOKS", 2)
    monkeypatch.setattr(looking, "graphics", lambda: [GPU | {"index": n} for n in (0, 1)])
    gauge = Gauge(os.getpid(), 10, None)
    assert not gauge.due
    seq, used = gauge.look() or pytest.fail("this process is alive")
    assert (seq, used["gpu"], used["gpu_memory"]) == (1, None, None)
    assert used["memory"] == pytest.approx(resident(os.getpid()), rel=0.5)
    gauge.look()
    assert gauge.every == 20
    for own, memory in (([1], 300), ([], 600)):
        _, used = Gauge(os.getpid(), 10, own).look() or pytest.fail("this process is alive")
        assert used["gpu_memory"] == memory


GPU = {"use": 0.5, "memory": 300.0, "total": 1000.0}


def test_a_training_that_has_ended_is_not_said_to_use_nothing() -> None:
    """Its process stays, without memory, until its supervisor notices."""
    with subprocess.Popen([sys.executable, "-c", ""]) as child:
        gauge = Gauge(child.pid, 10, None)
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        assert Path(f"/proc/{child.pid}").exists()
        assert gauge.look() is None


def test_what_a_trainer_uses_is_noted_at_each_heartbeat(slots: Start) -> None:
    slots(heartbeat=0.1)
    (run,) = submit(Toy(epochs=3, batches=10, pause=0.05))
    ends(run)
    noted = list(run.usage.order_by("at"))
    assert [used.seq for used in noted] == list(range(1, len(noted) + 1))
    assert len(noted) > 2
    assert all(used.memory > 0 and used.gpu is None for used in noted)
    assert noted[-1].memory > 5
