"""A model of the queue in Python, and PostgreSQL beside it: whatever is done, they agree."""

import itertools
from dataclasses import dataclass

import pytest
from django.db import connection
from django.db.models.functions import Now
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from snnlab.experiments import actions, queue, recording
from snnlab.experiments.actions import Refused
from snnlab.experiments.models import Run
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


class Machine(RuleBasedStateMachine):
    """People, workers and reapers at work, some of them too late."""

    numbers = itertools.count()

    def __init__(self) -> None:
        super().__init__()
        with connection.cursor() as cursor:
            cursor.execute("truncate experiments_experiment cascade")
        self.runs: dict[int, Expected] = {}
        self.claims: list[Claim] = []

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

    @rule()
    def submit(self) -> None:
        (run,) = submit(Toy(epochs=next(self.numbers)))
        self.runs[run.pk] = Expected()

    @rule(which=WHICH, act=st.sampled_from(["cancel", "retry", "hold", "unhold"]))
    def person(self, which: int, act: str) -> None:
        run, model = self.pick(which)
        after = {
            ("cancel", "queued"): "cancelled",
            ("cancel", "held"): "cancelled",
            ("cancel", "running"): "cancelling",
            ("cancel", "cancelling"): "cancelling",
            ("retry", "failed"): "queued",
            ("retry", "cancelled"): "queued",
            ("hold", "queued"): "held",
            ("unhold", "held"): "queued",
        }.get((act, model.state))
        try:
            assert getattr(actions, act)(run, "ada") == after
        except (Refused, Run.DoesNotExist):
            assert after is None
            return
        model.state = after
        if act == "retry":
            model.attempts = 0

    @rule()
    def claim(self) -> None:
        claim = queue.claim("w", ["cpu"])
        waiting = sorted(run for run, model in self.runs.items() if model.state == "queued")
        assert (claim.run_id if claim else None) == (waiting[0] if waiting else None)
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
                assert queue.renew(claim, {}) == model.state
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
        assert state == ("cancelled" if model.state == "cancelling" else ends[act])
        model.state = state
        model.attempts -= act == "release"
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
                expected[run] = "cancelled" if model.state == "cancelling" else again
                model.state = expected[run]
        assert dict(queue.reap()) == expected
        Run.objects.filter(state="queued").update(not_before=Now())

    @staticmethod
    def holds(claim: Claim, model: Expected) -> bool:
        mine = claim.lease_epoch == model.epoch
        return mine and model.state in LIVE and not model.expired

    @invariant()
    def the_database_agrees(self) -> None:
        rows = Run.objects.values_list("pk", "state", "attempts", "lease_epoch")
        assert {row[0]: row[1:] for row in rows} == {
            run: (model.state, model.attempts, model.epoch) for run, model in self.runs.items()
        }


@pytest.mark.django_db(transaction=True)
def test_whatever_happens_the_database_agrees_with_the_model(
    settings: object, tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.SNNLAB_HOME = tmp_path
    monkeypatch.setattr("snnlab.experiments.doorbell.ring", lambda: None)
    run_state_machine_as_test(Machine, settings=EFFORT)


EFFORT = settings(
    max_examples=60,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
