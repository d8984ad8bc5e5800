"""Two sessions of the database at the same instant: exactly one wins."""

import itertools
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier, Event
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models.functions import Now
from django.utils import timezone

from snnlab.experiments import actions, models, queue, recording
from snnlab.experiments.actions import Refused
from snnlab.experiments.models import Attempt, Run
from snnlab.experiments.queue import LeaseLost
from tests.experiments.toys import Toy, fresh, submit
from tests.experiments.waiting import until


pytestmark = pytest.mark.django_db(transaction=True)

ROUNDS = pytest.mark.parametrize("rounds", [60, pytest.param(400, marks=pytest.mark.thorough)])


@pytest.fixture(autouse=True)
def home(settings, tmp_path) -> None:
    settings.SNNLAB_HOME = tmp_path


@pytest.fixture
def threads() -> Iterator[Callable[..., list[Any]]]:
    """Run functions at the same instant, each on a database connection of its own."""
    with ThreadPoolExecutor(8) as pool:

        def together(*acts: Callable[[], Any]) -> list[Any]:
            gate = Barrier(len(acts))

            def act(one: Callable[[], Any]) -> Any:
                gate.wait()
                try:
                    return one()
                except (LeaseLost, Refused) as refusal:
                    return refusal

            return list(pool.map(act, acts))

        yield together
        gate = Barrier(8)  # each thread of the pool must close its own connection
        list(pool.map(lambda _: (gate.wait(), connection.close()), range(8)))


@pytest.mark.chaos
def test_many_claim_at_once_and_no_run_is_claimed_twice(threads) -> None:
    submit(Toy(), seeds=400)

    def drain(worker: str) -> list[int]:
        claims = iter(lambda: queue.claim(worker, ["cpu"]), None)
        return [claim.run_id for claim in claims]

    before = time.monotonic()
    taken = threads(*(lambda n=n: drain(f"w{n}") for n in range(8)))
    seconds = time.monotonic() - before
    claimed = list(itertools.chain(*taken))
    assert sorted(claimed) == sorted(Run.objects.values_list("pk", flat=True))
    assert Attempt.objects.count() == 400
    print(f"{400 / seconds:.0f} claims/s")


@ROUNDS
def test_a_cancel_and_a_finish_have_one_winner(threads, rounds: int) -> None:
    submit(Toy(), seeds=rounds)
    ends = Counter()
    for _ in range(rounds):
        claim = queue.claim("w1", ["cpu"])
        recording.record(claim, [], fresh(3, final=True))
        cancelled, finished = threads(
            lambda c=claim: actions.cancel(c.run_id, "admin"), lambda c=claim: queue.finish(c)
        )
        state = Run.objects.get(pk=claim.run_id).state
        assert state == finished
        assert (state == "cancelled") == (cancelled == "cancelling")
        ends[state] += 1
    assert sum(ends.values()) == rounds


@ROUNDS
def test_a_cancel_and_a_claim_have_one_order(threads, rounds: int) -> None:
    for _ in range(rounds):
        (run,) = submit(Toy())
        cancelled, claim = threads(
            lambda r=run: actions.cancel(r.pk, "admin"), lambda: queue.claim("w1", ["cpu"])
        )
        assert (cancelled, bool(claim)) in {("cancelled", False), ("cancelling", True)}
        if claim:
            assert queue.release(claim) == "cancelled"


@ROUNDS
def test_a_reaper_and_an_owner_have_one_winner(threads, rounds: int) -> None:
    submit(Toy(), seeds=rounds)
    for _ in range(rounds):
        claim = queue.claim("w1", ["cpu"])
        recording.record(claim, [], fresh(3, final=True))
        Run.objects.filter(pk=claim.run_id).update(lease_expires_at=Now())
        reaped, again, finished = threads(queue.reap, queue.reap, lambda c=claim: queue.finish(c))
        assert len(reaped) + len(again) == 1
        assert isinstance(finished, LeaseLost)
        actions.cancel(claim.run_id, "admin")


@ROUNDS
def test_a_cancel_and_a_reaper_have_one_order(threads, rounds: int) -> None:
    """Either the run waits again and is cancelled there, or its attempt ends cancelled."""
    submit(Toy(), seeds=rounds)
    for _ in range(rounds):
        claim = queue.claim("w1", ["cpu"])
        Run.objects.filter(pk=claim.run_id).update(lease_expires_at=Now())
        cancelled, reaped = threads(lambda c=claim: actions.cancel(c.run_id, "admin"), queue.reap)
        first = {"cancelled": "queued", "cancelling": "cancelled"}[cancelled]
        assert (reaped or queue.reap()) == [(claim.run_id, first)]
        assert Run.objects.get(pk=claim.run_id).state == "cancelled"


def test_a_write_that_began_in_time_ends_before_the_run_is_taken_away(threads, settings) -> None:
    settings.SNNLAB_LEASE = 0.3
    (run,) = submit(Toy())
    claim, written, tried = queue.claim("w1", ["cpu"]), Event(), Event()

    def slow_record() -> None:
        with transaction.atomic():
            recording.record(claim, [("loss", 1, 0.5)])
            written.set()
            assert tried.wait(5)

    def reap_late() -> list[tuple[int, str]]:
        assert written.wait(5)
        until(lambda: run.created_at + timedelta(seconds=0.5) < timezone.now())
        reaped = queue.reap()
        tried.set()
        return reaped

    _, reaped = threads(slow_record, reap_late)
    assert reaped == []
    assert queue.reap() == [(run.pk, "queued")]
    assert run.measurements.count() == 1


def test_one_attempt_may_write_from_many_threads(threads) -> None:
    (run,) = submit(Toy())
    claim = queue.claim("w1", ["cpu"])
    threads(
        *(lambda n=n: recording.record(claim, [("loss", n % 3, n % 3 / 7)]) for n in range(6)),
        queue.reap,
        lambda: queue.renew(claim, {}),
    )
    points = run.measurements.order_by("step").values_list("step", "value")
    assert list(points) == [(0, 0.0), (1, 1 / 7), (2, 2 / 7)]


def test_the_same_key_at_the_same_instant_submits_once(threads) -> None:
    submit(Toy(epochs=9))
    made = threads(*(lambda: submit(Toy(), key="once")[0].experiment_id for _ in range(6)))
    assert len(set(made)) == 1
    assert Run.objects.count() == 2


def test_two_files_in_opposite_order_do_not_wait_for_each_other(threads) -> None:
    submit(Toy(), seeds=2)
    first, second = queue.claim("w1", ["cpu"]), queue.claim("w2", ["cpu"])
    for step in range(1, 9):
        mine, other = fresh(step, content="a"), fresh(step + 100, content="b")
        threads(
            lambda c=mine: recording.record(first, [("loss", 1, 1.0)], c),
            lambda c=other: recording.record(second, [("loss", 1, 1.0)], c),
        )
    assert not [e for e in models.Event.objects.all() if e.reason]


@pytest.mark.parametrize("length", [4, 5])
def test_no_order_of_steps_breaks_the_rules(length: int) -> None:
    """Every order of these steps, as far as they go, leads to a state that the rules allow."""
    for order in itertools.permutations(["claim", "cancel", "finish", "expire", "reap"], length):
        (run,) = submit(Toy())
        played = [play(step, run) for step in order]
        run.refresh_from_db()
        live = run.state in Run.LIVE
        assert live == (run.lease_owner is not None), (order, played)
        assert run.attempt_set.count() == run.lease_epoch, (order, played)
        events = list(run.events.order_by("seq"))
        assert [e.from_state for e in events[1:]] == [e.to_state for e in events[:-1]], order
        assert [e.seq for e in events] == list(range(1, len(events) + 1)), order
        if run.state == "succeeded":
            assert "cancelling" not in played, (order, played)
        Run.objects.filter(state="queued").update(pool="done")
        Run.objects.filter(state__in=Run.LIVE).update(lease_expires_at=Now())
        queue.reap()
        Run.objects.filter(state="queued").update(pool="done")


def play(step: str, run: Run) -> Any:
    """One step by its name; what a rule refuses is None."""
    owned = queue.Claim(run.pk, 1, "w1", {}, 0, 1)
    acts = {
        "claim": lambda: queue.claim("w1", ["cpu"]),
        "cancel": lambda: actions.cancel(run.pk, "admin"),
        "finish": lambda: (recording.record(owned, [], fresh(3, final=True)), queue.finish(owned)),
        "expire": lambda: Run.objects.filter(pk=run.pk, state__in=Run.LIVE).update(
            lease_expires_at=Now()
        ),
        "reap": queue.reap,
    }
    try:
        return acts[step]()
    except (Refused, LeaseLost):
        return None
