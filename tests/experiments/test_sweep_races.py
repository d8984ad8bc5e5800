"""Two tickers, and people, at the same instant: nothing is made twice, and no cancel is lost."""

from collections import Counter

import pytest
from django.db import IntegrityError, connection

from snnlab.experiments import actions_sweeps
from snnlab.experiments.models import Point, Run, Sweep
from snnlab.experiments.sweep_steps import look, step
from tests.experiments.sweeps import create, work
from tests.experiments.test_races import threads


__all__ = ["threads"]
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.chaos]
ROUNDS = 20
TPE = {"kind": "tpe", "points": 6, "startup": 2}
LR = {"kind": "float", "low": 1e-4, "high": 1e-1, "log": True}


@pytest.fixture(autouse=True)
def home(settings, tmp_path) -> None:
    settings.SNNLAB_HOME = tmp_path


def once_each() -> None:
    """Every point and every (point, seed) is there once."""
    for pairs in (
        Point.objects.values_list("sweep", "digest"),
        Run.objects.values_list("point", "seed"),
    ):
        assert all(count == 1 for count in Counter(pairs).values())


@pytest.mark.parametrize("strategy", [{"kind": "grid"}, TPE])
def test_tickers_at_once_make_everything_once(threads, strategy) -> None:
    space = {"epochs": list(range(1, 7))} if strategy["kind"] == "grid" else {"optimizer.lr": LR}
    for number in range(3):
        sweep = create(space, strategy=strategy, parallel=4, look=False, name=f"{number}")
        for _ in range(12):
            mine = threads(*([lambda s=sweep: step(s.pk)] * 4))
            assert any(mine)
            work(lambda d, s: 1.0)
        sweep.refresh_from_db()
        assert (sweep.state, sweep.points.count(), sweep.experiment.runs.count()) == ("done", 6, 6)
    once_each()


def test_without_the_lock_nothing_is_made_twice_either(threads, monkeypatch) -> None:
    """The lock saves work; what keeps promises are the unique rows."""

    def unlocked(pk: int) -> None:
        try:
            look(Sweep.objects.select_related("experiment").get(pk=pk))
        except IntegrityError:
            connection.close()

    for number in range(ROUNDS):
        sweep = create({"epochs": [1, 2, 3]}, look=False, name=f"{number}", seeds=[1, 2])
        threads(*([lambda s=sweep: unlocked(s.pk)] * 3))
        assert (sweep.points.count(), sweep.experiment.runs.count()) == (3, 6)
    once_each()


def test_a_cancel_and_a_ticker_leave_no_run_behind(threads) -> None:
    for number in range(ROUNDS):
        sweep = create({"epochs": list(range(1, 30))}, look=False, name=f"{number}")
        threads(lambda s=sweep: step(s.pk), lambda s=sweep: actions_sweeps.cancel(s.pk, "ada"))
        step(sweep.pk)
        sweep.refresh_from_db()
        assert sweep.state == "stopped"
        assert not sweep.experiment.runs.exclude(state="cancelled").exists()


def test_what_is_asked_at_the_end_of_a_sweep_is_not_lost(threads) -> None:
    for number in range(ROUNDS):
        sweep = create({"epochs": [1]}, name=f"{number}")
        work(lambda d, s: 1.0)
        threads(
            lambda s=sweep: step(s.pk),
            lambda s=sweep: actions_sweeps.add_seeds(s.pk, top=1, count=1),
        )
        step(sweep.pk)
        assert work(lambda d, s: 1.0) == 1


def test_the_same_key_at_the_same_instant_makes_one_sweep(threads) -> None:
    create({"epochs": [9]}, look=False)
    made = threads(*([lambda: create({"epochs": [1, 2]}, key="once", look=False).pk] * 6))
    assert len(set(made)) == 1
