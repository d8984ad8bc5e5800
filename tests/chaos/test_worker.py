"""Runs through real worker processes that are killed, stopped, drained and cut off."""

import signal
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from celery import current_app
from django.db import connection

from snnlab.embedded.valkey import Valkey, url
from snnlab.experiments import actions, artifacts, doorbell
from snnlab.experiments.models import Run
from tests.chaos.conftest import Worker
from tests.experiments.toys import Toy, submit
from tests.experiments.waiting import ends, gone, recorded, state, stored, until, words


pytestmark = pytest.mark.chaos

Start = Callable[..., Worker]
LONG = Toy(epochs=12, batches=10, pause=0.02)


def measured(run: Run) -> dict[tuple[str, int], float]:
    """Everything that was recorded about a run, and its final weights."""
    points = {(m.metric, m.step): m.value for m in run.measurements.all()}
    final = run.checkpoints.get(final=True)
    return points | {("weights", final.step): final.weights}


def outcomes(run: Run) -> list[str]:
    return list(run.attempt_set.order_by("lease_epoch").values_list("outcome", flat=True))


def trainer_of(worker: Worker, run: Run) -> psutil.Process:
    """The process that trains the run: the one that has used its job."""
    (trainer,) = until(worker.trainers)
    return trainer


def test_a_run_is_trained_and_everything_is_recorded(worker: Start, undisturbed) -> None:
    worker()
    (run,) = submit(Toy(epochs=4))
    run = ends(run)
    assert measured(run) == undisturbed(run)
    assert [c.step for c in run.checkpoints.order_by("step")] == [3, 4]
    assert stored(run)
    assert run.score == run.results["test_accuracy"]
    assert [e.to_state for e in run.events.order_by("seq")] == ["queued", "running", "succeeded"]
    assert "epoch 4" in "".join(chunk.text for chunk in run.log.order_by("seq"))


def test_a_killed_trainer_is_resumed_to_the_same_weights(worker: Start, undisturbed) -> None:
    mine = worker()
    (run,) = submit(LONG)
    until(recorded(run, 3))
    trainer_of(mine, run).kill()
    run = ends(run)
    assert measured(run) == undisturbed(run)
    assert outcomes(run) == ["crashed", "succeeded"]
    assert run.attempt_set.get(lease_epoch=2).resumed_from >= 3


def test_a_damaged_newest_checkpoint_is_passed_over_to_the_same_weights(
    worker: Start, undisturbed
) -> None:
    first = worker()
    (run,) = submit(LONG)
    until(recorded(run, 3))
    first.kill()
    newest, before = run.checkpoints.order_by("-step")
    path = artifacts.path_of(newest.artifact_id)
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    worker()
    run = ends(run)
    assert measured(run) == undisturbed(run)
    assert run.attempt_set.get(lease_epoch=2).resumed_from == before.step
    assert stored(run), "what was damaged is written again"


def test_a_killed_worker_takes_its_trainer_along_and_another_goes_on(
    worker: Start, undisturbed
) -> None:
    first = worker()
    (run,) = submit(LONG)
    until(recorded(run, 3))
    trainer = trainer_of(first, run)
    first.kill()
    until(lambda: gone(trainer), 10)
    worker()
    run = ends(run)
    assert measured(run) == undisturbed(run)
    assert outcomes(run) == ["lease_lost", "succeeded"]


def test_a_frozen_worker_loses_its_run_and_its_trainer_ends_by_itself(
    worker: Start, undisturbed
) -> None:
    frozen = worker()
    (run,) = submit(Toy(epochs=200, batches=10, pause=0.02))
    until(recorded(run, 3))
    trainer = trainer_of(frozen, run)
    frozen.send(signal.SIGSTOP)
    until(lambda: gone(trainer), 4)
    assert state(run) == "running", "the lease must outlive the trainer"
    worker()
    until(lambda: Run.objects.get(pk=run.pk).lease_epoch == 2)
    frozen.send(signal.SIGCONT)
    until(lambda: "lease epoch 1 is over" in frozen.log.read_text())
    until(recorded(run, Run.objects.get(pk=run.pk).progress["epoch"] + 3))
    points = list(run.measurements.order_by("step").values_list("step", "value"))
    expected = undisturbed(run)
    assert points == [(step, expected["loss", step]) for step in range(1, len(points) + 1)]
    assert outcomes(run)[0] == "lease_lost"


def test_without_any_broker_runs_are_found_by_polling(worker: Start, tmp_path: Path) -> None:
    broker = Valkey(tmp_path / "home").start()
    address = url(tmp_path / "home")
    first = worker(broker=address)
    (before,) = submit(Toy(epochs=2))
    ends(before)
    broker.process.kill()
    broker.process.wait()
    (after,) = submit(Toy(epochs=3))
    ends(after)
    worker(broker=address)
    first.send(signal.SIGTERM)
    (later,) = submit(Toy(epochs=4))
    ends(later)
    assert first.process.wait(timeout=30) == 0


def test_submitting_is_quick_while_the_broker_is_dead(worker: Start, monkeypatch) -> None:
    monkeypatch.setattr(current_app.conf, "broker_write_url", "redis+socket:///nowhere/valkey.sock")
    before = time.monotonic()
    (run,) = submit(Toy())
    assert time.monotonic() - before < 10  # seconds; its client alone would try for ever
    assert run.state == "queued"


def test_a_drained_worker_gives_its_run_back_without_counting_the_attempt(
    worker: Start, undisturbed
) -> None:
    first = worker()
    (run,) = submit(LONG)
    until(recorded(run, 3))
    first.send(signal.SIGTERM)
    assert first.process.wait(timeout=30) == 0
    run.refresh_from_db()
    assert (run.state, run.reason, run.attempts) == ("queued", "preempted", 0)
    worker()
    run = ends(run)
    assert measured(run) == undisturbed(run)
    assert outcomes(run) == ["preempted", "succeeded"]
    assert run.attempts == 1


def test_rung_fifty_times_trains_once(worker: Start) -> None:
    worker()
    worker()
    (run,) = submit(Toy(epochs=3, pause=0.02))
    for _ in range(50):
        doorbell.ring()
    run = ends(run)
    assert (run.attempts, run.lease_epoch, outcomes(run)) == (1, 1, ["succeeded"])


def test_a_ring_is_heard_at_once(worker: Start) -> None:
    """A worker that polls once a minute takes each run long before it would poll."""
    mine = worker(SNNLAB_POLL="60")
    until(lambda: "ready." in mine.log.read_text())
    (first,) = submit(Toy(epochs=1))
    ends(first)
    until(lambda: [p for p in mine.trainers() if "workers.trainer" in words(p)])
    for _ in range(3):
        time.sleep(0.4)
        (run,) = submit(Toy(epochs=1))
        ends(run)


def test_a_cancelled_run_stops_soon_and_keeps_its_last_checkpoint(worker: Start) -> None:
    worker()
    (run,) = submit(Toy(epochs=1000, batches=10, pause=0.02))
    until(recorded(run, 2))
    assert actions.cancel(run.pk, "admin") == "cancelling"
    run = ends(run, "cancelled", seconds=10)
    count = run.measurements.count()
    assert run.checkpoints.count() == 2
    assert stored(run)
    assert actions.retry(run.pk, "admin") == "queued"
    until(lambda: run.measurements.count() > count)


def test_losing_every_database_connection_does_not_end_a_run(worker: Start, undisturbed) -> None:
    worker()
    (run,) = submit(Toy(epochs=10, batches=10, pause=0.02))
    for _ in range(6):
        with connection.cursor() as cursor:
            cursor.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity where pid <> "
                "pg_backend_pid() and datname = current_database()"
            )
        time.sleep(0.3)
    run = ends(run)
    assert measured(run) == undisturbed(run)
