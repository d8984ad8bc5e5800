"""The run's state machine, one move after the other."""

import pytest
from django.db import DatabaseError, transaction
from django.db.models import F
from django.db.models.functions import Now

from snnlab.experiments import actions, queue, recording
from snnlab.experiments.models import Event, Run
from snnlab.experiments.queue import Claim, LeaseLost
from tests.experiments.toys import Toy, fresh, submit


pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def home(settings, tmp_path) -> None:
    settings.SNNLAB_HOME = tmp_path


def claimed(**kwargs: object) -> Claim:
    submit(**kwargs)
    claim = queue.claim("w1", ["cpu"])
    assert claim
    return claim


def run_of(claim: Claim) -> Run:
    return Run.objects.get(pk=claim.run_id)


def expire(claim: Claim) -> None:
    """As if the lease had run out a moment ago."""
    Run.objects.filter(pk=claim.run_id).update(lease_expires_at=Now())


def test_a_claim_takes_the_oldest_run_of_the_highest_priority() -> None:
    submit(Toy(epochs=1))
    submit(Toy(epochs=2))
    submit(Toy(epochs=3), priority=5)
    order = [queue.claim("w1", ["cpu"]).definition["epochs"] for _ in range(3)]
    assert order == [3, 1, 2]
    assert queue.claim("w1", ["cpu"]) is None


def test_a_claim_takes_only_from_its_pools() -> None:
    submit(pool="gpu")
    assert queue.claim("w1", ["cpu"]) is None
    assert queue.claim("w1", ["cpu", "gpu"])


def test_a_claim_holds_a_lease_and_counts() -> None:
    claim = claimed()
    run = run_of(claim)
    assert (run.state, run.lease_epoch, run.attempts, run.lease_owner) == ("running", 1, 1, "w1")
    assert (claim.seed, claim.definition["epochs"], claim.checkpoints) == (0, 3, ())
    assert run.attempt_set.get().worker == "w1"


def test_a_lease_lasts_as_long_as_the_settings_say(settings) -> None:
    settings.SNNLAB_LEASE = 30
    (run,) = submit()
    assert queue.claim("w1", ["cpu"])
    run = Run.objects.annotate(left=F("lease_expires_at") - Now()).get(pk=run.pk)
    assert 28 < run.left.total_seconds() <= 30


def test_a_run_claimed_again_began_when_it_first_began_and_keeps_its_code() -> None:
    (run,) = submit()
    offer = queue.Offer(code="1.0+abc")
    queue.release(queue.claim("w1", ["cpu"], offer))
    began = Run.objects.get(pk=run.pk).started_at
    assert queue.claim("w1", ["cpu"], offer)
    run.refresh_from_db()
    assert (run.started_at, run.code) == (began, "1.0+abc")


def test_a_heartbeat_shows_progress_and_tells_of_a_cancel() -> None:
    claim = claimed()
    assert queue.renew(claim, {"epoch": 2}) == "running"
    assert run_of(claim).progress == {"epoch": 2}
    actions.cancel(claim.run_id, "admin")
    assert queue.renew(claim, {}) == "cancelling"


def test_success_needs_the_last_checkpoint() -> None:
    claim = claimed()
    with pytest.raises(LeaseLost):
        queue.finish(claim)
    recording.record(claim, [("test_accuracy", 3, 97.5)], fresh(3, final=True))
    assert queue.finish(claim) == "succeeded"
    run = run_of(claim)
    assert (run.results, run.score) == ({"test_accuracy": 97.5}, 97.5)
    assert (run.lease_owner, run.lease_expires_at) == (None, None)
    assert run.finished_at


def test_a_cancel_that_came_first_beats_success_failure_and_release() -> None:
    ends = (
        queue.finish,
        queue.release,
        lambda claim: queue.fail(claim, "data", "gone"),
        lambda claim: queue.crash(claim, "died"),
    )
    for end in ends:
        claim = claimed()
        recording.record(claim, [], fresh(3, final=True))
        actions.cancel(claim.run_id, "admin")
        assert end(claim) == "cancelled"
        run = run_of(claim)
        assert (run.state, run.reason, run.attempt_set.get().outcome) == (
            "cancelled",
            "",
            "cancelled",
        )


def test_abandoned_runs_are_reaped_at_once_and_fence_whoever_is_left() -> None:
    claim = claimed()
    queue.abandon()
    with pytest.raises(LeaseLost):
        queue.renew(claim, {})
    assert queue.reap() == [(claim.run_id, "queued")]


def test_only_known_reasons_fail_a_run() -> None:
    with pytest.raises(ValueError, match=r"reason must be one of user_error, .* got bad_luck"):
        queue.fail(claimed(), "bad_luck", "")


def test_a_released_run_has_its_attempt_back_but_not_its_epoch() -> None:
    claim = claimed()
    assert queue.release(claim) == "queued"
    run = run_of(claim)
    assert (run.attempts, run.lease_epoch, run.reason) == (0, 1, "preempted")
    assert queue.claim("w2", ["cpu"]).lease_epoch == 2


def test_a_run_with_a_lease_is_not_reaped() -> None:
    claimed()
    assert queue.reap() == []


def test_a_silent_worker_is_reaped_and_can_write_nothing_more() -> None:
    claim = claimed()
    expire(claim)
    assert queue.reap() == [(claim.run_id, "queued")]
    again = queue.claim("w2", ["cpu"])
    assert again.lease_epoch == 2
    for write in (
        lambda: queue.renew(claim, {}),
        lambda: recording.begin(claim, {}, 0, restarted=False),
        lambda: recording.record(claim, [("loss", 1, 0.5)]),
        lambda: queue.finish(claim),
        lambda: queue.fail(claim, "data", ""),
        lambda: queue.crash(claim, ""),
        lambda: queue.release(claim),
    ):
        with pytest.raises(LeaseLost, match=f"run {claim.run_id}: lease epoch 1 is over"):
            write()
    assert run_of(claim).lease_epoch == 2
    assert not run_of(claim).measurements.exists()


def test_a_lease_that_ran_out_is_over_even_before_it_is_reaped() -> None:
    claim = claimed()
    expire(claim)
    with pytest.raises(LeaseLost):
        recording.record(claim, [("loss", 1, 0.5)])
    with pytest.raises(LeaseLost):
        queue.renew(claim, {})


def test_retries_back_off_and_end_as_poison() -> None:
    submit()
    waits = []
    for _ in range(3):
        claim = queue.claim("w1", ["cpu"])
        expire(claim)
        ((_, state),) = queue.reap()
        run = run_of(claim)
        ended = run.attempt_set.get(lease_epoch=claim.lease_epoch).ended_at
        waits.append(round((run.not_before - ended).total_seconds()))
        Run.objects.filter(state="queued").update(not_before=Now())
    assert (waits[:2], state, run.reason) == ([0, 10], "failed", "poison")
    assert [a.outcome for a in run.attempt_set.all()] == ["lease_lost"] * 3


def test_a_run_that_waits_for_its_retry_is_not_claimed() -> None:
    claim = claimed()
    Run.objects.update(attempts=2)
    queue.crash(claim, "died")
    assert run_of(claim).state == "queued"
    assert queue.claim("w1", ["cpu"]) is None


def test_a_run_that_was_cancelled_while_its_worker_was_silent_ends_cancelled() -> None:
    claim = claimed()
    actions.cancel(claim.run_id, "admin")
    expire(claim)
    assert queue.reap() == [(claim.run_id, "cancelled")]


def test_every_change_of_state_writes_its_event() -> None:
    claim = claimed()
    actions.cancel(claim.run_id, "ada")
    queue.release(claim)
    actions.retry(claim.run_id, "ada")
    told = Event.objects.order_by("seq").values_list("seq", "actor", "from_state", "to_state")
    assert list(told) == [
        (1, "admin", "", "queued"),
        (2, "w1", "queued", "running"),
        (3, "ada", "running", "cancelling"),
        (4, "w1", "cancelling", "cancelled"),
        (5, "ada", "cancelled", "queued"),
    ]


@pytest.mark.parametrize(
    "change",
    [
        {"state": "succeeded"},
        {"state": "running"},
        {"state": "running", "lease_epoch": 5},
        {"lease_epoch": 1},
        {"seed": 9},
        {"definition": {}},
        {"lease_owner": "me"},
        {"attempts": 4},
        {"finished_at": Now()},
    ],
)
def test_the_database_itself_refuses_what_no_rule_allows(change: dict[str, object]) -> None:
    (run,) = submit()
    with pytest.raises(DatabaseError), transaction.atomic():
        Run.objects.filter(pk=run.pk).update(**change)


def test_an_ended_run_is_frozen() -> None:
    (run,) = submit()
    actions.cancel(run.pk, "admin")
    with pytest.raises(DatabaseError, match="is cancelled and frozen"), transaction.atomic():
        Run.objects.filter(pk=run.pk).update(message="it was good")


def test_a_new_run_waits() -> None:
    (run,) = submit()
    with (
        pytest.raises(DatabaseError, match="a new run cannot be succeeded"),
        transaction.atomic(),
    ):
        Run.objects.create(
            experiment=run.experiment, digest="x", board="x", seed=1, definition={},
            state="succeeded", finished_at=Now(),
        )  # fmt: skip


def test_history_is_only_ever_added_to() -> None:
    submit()
    for change in (lambda: Event.objects.update(actor="nobody"), Event.objects.all().delete):
        with pytest.raises(DatabaseError, match="only ever added"), transaction.atomic():
            change()
