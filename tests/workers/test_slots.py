"""How a run ends for every way in which a training can end."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.db.models.functions import Now

from snnlab.experiments import artifacts, queries
from snnlab.experiments.models import Run, Worker
from tests.experiments.toys import Toy, submit
from tests.experiments.waiting import ends, recorded, state, until
from workers.slots import Slots


Start = Callable[..., Slots]


def outcomes(run: Run) -> list[str]:
    return list(run.attempt_set.order_by("lease_epoch").values_list("outcome", flat=True))


def without_waiting(run: Run) -> None:
    """Skip the back-off of a run."""
    until(lambda: Run.objects.filter(pk=run.pk, state="queued").update(not_before=Now()))


@pytest.mark.parametrize(
    ("trick", "reason", "message"),
    [
        ("fail", "non_finite_loss", "the loss became nan"),
        ("full", "disk_full", "No space left on device"),
        ("bug", "user_error", "a bug"),
    ],
)
def test_what_would_happen_again_fails_at_once(
    slots: Start, trick: str, reason: str, message: str
) -> None:
    slots()
    (run,) = submit(Toy(trick=trick))
    run = ends(run, "failed")
    assert (run.reason, run.attempts) == (reason, 1)
    assert message in run.message
    assert "Traceback" in "\n".join(queries.log_tail(run.pk))
    assert [m.step for m in run.measurements.all()] == [1], "what was measured is kept"


def test_a_definition_that_cannot_be_read_fails_as_config(slots: Start) -> None:
    slots()
    (run,) = submit(Toy(trick="unreadable"))
    run = ends(run, "failed")
    assert run.reason == "config"


@pytest.mark.parametrize(("trick", "reason"), [("die", "poison"), ("oom", "oom")])
def test_a_trainer_that_always_dies_fails_after_three_attempts(
    slots: Start, trick: str, reason: str
) -> None:
    slots()
    (run,) = submit(Toy(trick=trick))
    until(lambda: outcomes(run)[:2] == ["crashed", "crashed"])
    until(lambda: state(run) == "queued")
    run.refresh_from_db()
    assert (run.not_before - run.attempt_set.get(lease_epoch=2).ended_at).total_seconds() > 9
    without_waiting(run)
    run = ends(run, "failed")
    assert (run.reason, run.attempts) == (reason, 3)
    assert outcomes(run) == ["crashed"] * 3


def test_a_silent_trainer_is_ended(slots: Start) -> None:
    slots(stall=1)
    (run,) = submit(Toy(trick="sleep"))
    run = ends(run, "failed")
    assert (run.reason, run.message) == ("timeout", "the trainer was silent for 1 s")


def test_a_run_may_not_take_for_ever(slots: Start) -> None:
    slots(wall=1)
    (run,) = submit(Toy(epochs=1000, pause=0.05))
    run = ends(run, "failed")
    assert (run.reason, run.message) == ("timeout", "a run may take 1 s")


def test_a_loud_trainer_fills_5_mb_of_log_at_most(slots: Start) -> None:
    slots()
    (run,) = submit(Toy(trick="shout"))
    run = ends(run)
    assert 5 * 2**20 <= sum(len(chunk.text) for chunk in run.log.all()) < 5 * 2**20 + 100
    assert queries.log_tail(run.pk, 1) == ["[the log is cut here: a run may print 5 MB]"]


def test_two_slots_train_two_runs_at_once(slots: Start) -> None:
    slots(slots=2)
    submit(Toy(epochs=1000, pause=0.05), seeds=2)
    until(lambda: Run.objects.filter(state="running").count() == 2)


def test_a_damaged_checkpoint_is_passed_over(slots: Start) -> None:
    first = slots()
    (run,) = submit(Toy(epochs=20, batches=10, pause=0.01))
    until(recorded(run, 3))
    first.stop()
    first.join()
    newest, before = run.checkpoints.order_by("-step")
    artifacts.path_of(newest.artifact_id).write_text("damaged")
    slots()
    run = ends(run)
    assert run.attempt_set.get(lease_epoch=2).resumed_from == before.step
    assert not run.events.filter(reason="restarted").exists()


def test_without_any_good_checkpoint_training_starts_again_and_says_so(slots: Start) -> None:
    first = slots()
    (run,) = submit(Toy(epochs=20, batches=10, pause=0.01))
    until(recorded(run, 3))
    first.stop()
    first.join()
    for checkpoint in run.checkpoints.all():
        artifacts.path_of(checkpoint.artifact_id).unlink()
    slots()
    run = ends(run)
    assert run.attempt_set.get(lease_epoch=2).resumed_from == 0
    assert run.events.get(reason="restarted").lease_epoch == 2
    assert run.measurements.filter(metric="loss").count() == 20


def test_nothing_is_left_behind(slots: Start) -> None:
    mine = slots()
    done = [ends(run) for run in submit(Toy(epochs=6), seeds=3)]
    until(lambda: Worker.objects.filter(pk=mine.name).exists())
    mine.stop()
    mine.join()
    assert not Worker.objects.exists(), "who goes in the orderly way is not missed"
    home = Path(django_settings.SNNLAB_HOME)
    left = [folder.name.split("-")[0] for folder in (home / "scratch").iterdir()]
    assert not {str(run.pk) for run in done} & set(left)
    kept = {c.artifact_id for run in done for c in run.checkpoints.all()}
    assert {artifacts.digest(artifacts.path_of(name)) for name in kept} == kept
    assert len(kept) == 6


def test_a_schedule_that_breaks_does_not_end_the_janitor(slots: Start, monkeypatch) -> None:
    looks = []

    def fire() -> int:
        looks.append(1)
        raise ValueError("nobody thought of this")

    monkeypatch.setattr("snnlab.experiments.actions_schedules.fire", fire)
    slots()
    until(lambda: len(looks) > 1)


def test_a_worker_whose_trainer_cannot_start_claims_nothing(slots: Start) -> None:
    slots(engine="no_such_engine")
    (run,) = submit(Toy())
    until(lambda: Worker.objects.exists())
    assert state(run) == "queued"


def test_a_trainer_gets_no_secret(slots: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATABASE_URL", "BROKER_URL", "SECRET_KEY", "SNNLAB_HOME", "AWS_SECRET_KEY"):
        monkeypatch.setenv(name, "a secret")
    slots()
    (run,) = submit(Toy(trick="environment"))
    ends(run)
    told = "\n".join(queries.log_tail(run.pk))
    assert "PATH=" in told
    assert "a secret" not in told
    assert os.environ["SECRET_KEY"] == "a secret"
    shutil.rmtree(Path(django_settings.SNNLAB_HOME) / "artifacts", ignore_errors=True)
