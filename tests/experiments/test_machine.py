"""A model of the queue in Python, and PostgreSQL beside it: whatever is done, they agree."""

import itertools
from dataclasses import dataclass

import pytest
from django.db import connection
from django.db.models.functions import Now
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from snnlab.experiments import actions, actions_queue, queue, recording
from snnlab.experiments.actions import Refused
from snnlab.experiments.models import Run, Worker
from snnlab.experiments.queue import Claim, LeaseLost
from tests.experiments.toys import Toy, fresh, submit


LIVE, TERMINAL = {"running", "cancelling"}, {"succeeded", "failed", "cancelled"}
WHICH = st.integers(0, 3)


@dataclass
class Expected:
    """What the model says of one run."""

    state: str = "queued"
    attempts: int = 0
    epoch: int = 0
    expired: bool = False
    complete: bool = False
    pausing: bool = False
    labels: frozenset[str] = frozenset()
    needs: tuple[int, ...] = ()


@dataclass
class Standing:
    """What the model says of one worker: failed runs in a row, and the last of them."""

    faults: int = 0
    last: int | None = None
    draining: bool = False
    rests: bool = False

    @property
    def may(self) -> bool:
        return not (self.draining or self.rests)

    def ended(self, run: int, *, fault: bool) -> None:
        if not fault:
            self.faults, self.last = 0, None
        elif run != self.last:
            self.faults, self.last = self.faults + 1, run
        self.rests = self.rests or self.faults >= QUARANTINE


QUARANTINE = 2
OFFERS = {"small": frozenset[str](), "big": frozenset(("big", "fast"))}
PEOPLE = {
    "cancel": actions.cancel,
    "retry": actions.retry,
    "hold": actions.hold,
    "unhold": actions.unhold,
    "pause": actions_queue.pause,
}
ANSWERS = {
    ("cancel", "queued"): "cancelled",
    ("cancel", "held"): "cancelled",
    ("cancel", "running"): "cancelling",
    ("cancel", "cancelling"): "cancelling",
    ("retry", "failed"): "queued",
    ("retry", "cancelled"): "queued",
    ("hold", "queued"): "held",
    ("unhold", "held"): "queued",
    ("pause", "running"): "pausing",
    ("pause", "queued"): "held",
}


class Machine(RuleBasedStateMachine):
    """People, workers and reapers at work, some of them too late."""

    numbers = itertools.count()

    def __init__(self) -> None:
        super().__init__()
        with connection.cursor() as cursor:
            cursor.execute("truncate experiments_experiment, experiments_worker cascade")
        self.runs: dict[int, Expected] = {}
        self.claims: list[Claim] = []
        self.workers = {name: Standing() for name in OFFERS}
        for name, labels in OFFERS.items():
            queue.seen(queue.Offer(name, sorted(labels)), ["cpu"], 1, {})

    def pick(self, which: int) -> tuple[int, Expected]:
        ids = sorted(self.runs)
        run = ids[which % len(ids)] if ids else 0
        return run, self.runs.get(run, Expected("unknown"))

    def owner(self, which: int) -> tuple[Claim, Expected] | None:
        """Any claim ever made, and the run's model; mostly one that lost its lease long ago."""
        if not self.claims:
            return None
        claim = self.claims[-1 - which % len(self.claims)]
        return claim, self.runs[claim.run_id]

    def waits(self, model: Expected) -> bool:
        return any(self.runs[run].state != "succeeded" for run in model.needs)

    def broke(self, run: int) -> None:
        """What needs a run that has failed or was cancelled fails, and what needs that."""
        for other, model in self.runs.items():
            if run in model.needs and model.state in ("queued", "held"):
                model.state = "failed"
                self.broke(other)

    @rule(labels=st.sampled_from([(), ("big",), ("big", "fast")]), after=st.none() | WHICH)
    def submit(self, labels: tuple[str, ...], after: int | None) -> None:
        needs = (self.pick(after)[0],) if after is not None and self.runs else ()
        toy = Toy(epochs=next(self.numbers))
        (run,) = submit(toy, after=needs, ask=actions.Ask(labels=labels))
        self.runs[run.pk] = Expected(labels=frozenset(labels), needs=needs)

    @rule(which=WHICH, act=st.sampled_from(["cancel", "retry", "hold", "unhold", "pause"]))
    def person(self, which: int, act: str) -> None:
        run, model = self.pick(which)
        after = self.granted(act, model)
        try:
            assert PEOPLE[act](run, "ada") == after
        except (Refused, Run.DoesNotExist):
            assert after is None
            return
        if after == "pausing":
            model.pausing = True
        elif act == "unhold" and model.state == "running":
            model.pausing = False
        else:
            model.state = after
        if act == "retry":
            model.attempts = 0
        if after == "cancelled":
            self.broke(run)

    def granted(self, act: str, model: Expected) -> str | None:
        """The answer that somebody must get, or None for a refusal."""
        if (act, model.state) == ("unhold", "running"):
            return "running" if model.pausing else None
        return ANSWERS.get((act, model.state))

    @rule(name=st.sampled_from(sorted(OFFERS)), on=st.booleans())
    def drain(self, name: str, on: bool) -> None:  # noqa: FBT001  Hypothesis gives it by its name
        actions_queue.drain(name, on=on)
        self.workers[name].draining = on

    @rule(name=st.sampled_from(sorted(OFFERS)))
    def trust(self, name: str) -> None:
        actions_queue.trust(name)
        self.workers[name] = Standing(draining=self.workers[name].draining)

    @rule(name=st.sampled_from(sorted(OFFERS)))
    def claim(self, name: str) -> None:
        offer = queue.Offer(name, sorted(OFFERS[name]))
        claim = queue.claim(f"worker:{name}:0", ["cpu"], offer)
        may = self.workers[name].may
        fits = [
            run
            for run, model in sorted(self.runs.items())
            if model.state == "queued" and model.labels <= OFFERS[name] and not self.waits(model)
        ]
        assert (claim.run_id if claim else None) == (fits[0] if fits and may else None)
        if claim:
            model = self.runs[claim.run_id]
            model.state, model.expired = "running", False
            model.attempts, model.epoch = model.attempts + 1, model.epoch + 1
            assert claim.lease_epoch == model.epoch
            self.claims.append(claim)

    @rule(which=WHICH, act=st.sampled_from(["renew", "record", "complete"]))
    def write(self, which: int, act: str) -> None:
        if not (owner := self.owner(which)):
            return
        claim, model = owner
        try:
            if act == "renew":
                paused = model.pausing and model.state == "running"
                assert queue.renew(claim, {}) == ("pausing" if paused else model.state)
            else:
                final = fresh(9, final=True, content=str(claim)) if act == "complete" else None
                recording.record(claim, [("loss", claim.lease_epoch, 0.5)], final)
                model.complete |= act == "complete"
            assert self.holds(claim, model)
        except LeaseLost:
            assert not self.holds(claim, model)

    @rule(which=WHICH, act=st.sampled_from(["finish", "fail", "crash", "release"]))
    def end(self, which: int, act: str) -> None:
        if not (owner := self.owner(which)):
            return
        claim, model = owner
        allowed = self.holds(claim, model) and (
            act != "finish" or model.complete or model.state == "cancelling"
        )
        arguments = {"fail": ("data", "gone"), "crash": ("died",)}.get(act, ())
        try:
            state = getattr(queue, act)(claim, *arguments)
        except LeaseLost:
            assert not allowed
            return
        assert allowed
        again = "queued" if model.attempts < 3 else "failed"
        ends = {"finish": "succeeded", "fail": "failed", "crash": again, "release": "queued"}
        assert state == self.left(claim.run_id, ends[act])
        model.attempts -= act == "release"
        self.workers[claim.host].ended(claim.run_id, fault=act in ("fail", "crash"))
        Run.objects.filter(state="queued").update(not_before=Now())

    @rule(which=WHICH)
    def fall_silent(self, which: int) -> None:
        run, model = self.pick(which)
        silent = Run.objects.filter(pk=run, state__in=LIVE).update(lease_expires_at=Now())
        assert bool(silent) == (model.state in LIVE)
        model.expired = model.expired or bool(silent)

    @rule()
    def reap(self) -> None:
        expected = {}
        for run, model in self.runs.items():
            if model.state in LIVE and model.expired:
                again = "queued" if model.attempts < 3 else "failed"
                expected[run] = self.left(run, again)
        assert dict(queue.reap()) == expected
        Run.objects.filter(state="queued").update(not_before=Now())

    def left(self, run: int, state: str) -> str:
        """The state of a run whose attempt ends: a cancel beats all, a pause beats the queue."""
        model = self.runs[run]
        if model.state == "cancelling":
            state = "cancelled"
        elif model.pausing and state == "queued":
            state = "held"
        model.state, model.pausing = state, False
        if state in ("failed", "cancelled"):
            self.broke(run)
        return state

    @staticmethod
    def holds(claim: Claim, model: Expected) -> bool:
        mine = claim.lease_epoch == model.epoch
        return mine and model.state in LIVE and not model.expired

    @invariant()
    def the_database_agrees(self) -> None:
        rows = Run.objects.values_list("pk", "state", "attempts", "lease_epoch", "pausing")
        assert {row[0]: row[1:] for row in rows} == {
            run: (model.state, model.attempts, model.epoch, model.pausing)
            for run, model in self.runs.items()
        }

    @invariant()
    def the_workers_agree(self) -> None:
        rows = Worker.objects.values_list("name", "faults", "quarantined_at")
        assert {name: (faults, at is not None) for name, faults, at in rows} == {
            name: (worker.faults, worker.rests) for name, worker in self.workers.items()
        }

    @invariant()
    def what_waits_counts_what_it_waits_for(self) -> None:
        rows = Run.objects.filter(state__in=Run.WAITING).values_list("pk", "blockers")
        assert {run: blockers > 0 for run, blockers in rows} == {
            run: self.waits(model)
            for run, model in self.runs.items()
            if model.state in ("queued", "held")
        }


@pytest.mark.chaos
@pytest.mark.django_db(transaction=True)
def test_whatever_happens_the_database_agrees_with_the_model(
    settings: object, tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.SNNLAB_HOME = tmp_path
    settings.SNNLAB_QUARANTINE = QUARANTINE
    monkeypatch.setattr("snnlab.experiments.doorbell.ring", lambda: None)
    run_state_machine_as_test(Machine, settings=EFFORT)


EFFORT = settings(
    max_examples=60,
    stateful_step_count=30,
    suppress_health_check=list(HealthCheck),
)
