"""Searches and pruners, asked about results of known functions."""

import math

import pytest

from snnlab.learning.presets import presets
from snnlab.learning.pruning import Course, verdicts
from snnlab.learning.search import Suggestion, Tried, importance, suggest
from snnlab.learning.spec import Spec
from snnlab.learning.strategy import ASHA, Median, Never
from snnlab.learning.sweep import Sweep


BASE = Spec.from_toml(presets()["mnist-sample"].text).model_dump(mode="json")
SPACE = {
    "neuron.v_threshold": {"kind": "float", "low": 0.1, "high": 10.0},
    "batch_size": {"kind": "int", "low": 1, "high": 100},
    "neuron.surrogate": ["triangle", "arctan"],
}


def sweep(kind: str, points: int = 60, objectives=({"metric": "loss"},), **strategy) -> Sweep:
    strategy |= {"kind": kind, "points": points}
    return Sweep.parse(
        {"base": BASE, "space": SPACE, "strategy": strategy, "objectives": list(objectives)}
    )


def bowl(values) -> float:
    """Smallest, 0, at (3, 40, triangle); the threshold matters most."""
    shape = 0.3 * (values["neuron.surrogate"] != "triangle")
    threshold = (values["neuron.v_threshold"] - 3) ** 2
    return threshold + (values["batch_size"] / 100 - 0.4) ** 2 + shape


def searched(asked: Sweep, score, at_once: int = 1) -> list[Tried]:
    tried: list[Tried] = []
    while len(tried) < asked.size():
        for _ in range(at_once):
            found = suggest(asked, tried, lambda values: True)
            tried.append(Tried(found.values, "running", (), found.memory))
        tried = [t._replace(state="complete", scores=score(t.values)) for t in tried]
    return tried


def test_tpe_finds_the_bottom_of_a_bowl() -> None:
    tried = searched(sweep("tpe"), lambda values: (bowl(values),))
    first, last = tried[:10], tried[-20:]
    assert min(t.scores[0] for t in tried) < 0.2
    assert sum(t.scores[0] for t in last) / 20 < sum(t.scores[0] for t in first) / 10 / 3


def test_nsga2_spreads_along_a_front() -> None:
    two = [{"metric": "loss"}, {"metric": "energy"}]
    asked = sweep("nsga2", 80, two, population=10)
    tried = searched(asked, lambda v: (bowl(v), (v["neuron.v_threshold"] - 6) ** 2), at_once=5)
    between = [t for t in tried[-30:] if 2.5 < t.values["neuron.v_threshold"] < 6.5]
    assert len(between) > 20
    generations = [t.memory["NSGAIISampler:generation"] for t in tried]
    assert generations == sorted(generations)
    assert generations[-1] >= 6


def test_the_same_results_give_the_same_suggestion() -> None:
    tried = searched(sweep("tpe", 15), lambda values: (bowl(values),))
    more = sweep("tpe", 20)
    assert suggest(more, tried, lambda _: True) == suggest(more, tried, lambda _: True)


def test_points_on_their_way_are_not_suggested_again() -> None:
    tried = searched(sweep("tpe", 20), lambda values: (bowl(values),))
    for _ in range(5):
        found = suggest(sweep("tpe"), tried, lambda _: True)
        tried.append(Tried(found.values, "running"))
    thresholds = [t.values["neuron.v_threshold"] for t in tried[-5:]]
    assert len(set(thresholds)) == 5


def test_known_points_are_refused_until_none_is_left() -> None:
    small = Sweep.parse(
        {
            "base": BASE,
            "space": {"epochs": [1, 2, 3]},
            "strategy": {"kind": "tpe", "points": 3, "startup": 1},
        }
    )
    tried: list[Tried] = []
    for _ in range(3):
        found = suggest(small, tried, lambda v: v not in [t.values for t in tried])
        assert isinstance(found, Suggestion)
        tried.append(Tried(found.values, "complete", (float(found.values["epochs"]),)))
    assert sorted(t.values["epochs"] for t in tried) == [1, 2, 3]
    assert suggest(small, tried, lambda v: v not in [t.values for t in tried]) is None


@pytest.mark.parametrize("state", ["failed", "running", "complete", "pruned"])
def test_odd_points_do_not_stop_a_search(state: str) -> None:
    tried = [
        Tried({"gone.field": 1}, "complete", (1.0,)),
        Tried({**dict.fromkeys(SPACE, 1.0), "neuron.surrogate": "none"}, "complete", (1.0,)),
        Tried({"neuron.v_threshold": 1.0, "batch_size": 5, "neuron.surrogate": "arctan"}, state),
    ]
    tried.append(tried[2]._replace(state="pruned", scores=(0.5,), pruned_at=2))
    bad = tried[2]._replace(state="complete", scores=(math.nan,))
    assert suggest(sweep("tpe"), [*tried, bad], lambda _: True)


def test_importance_names_the_field_that_matters() -> None:
    tried = searched(sweep("tpe", 60, startup=60), lambda values: (bowl(values),))
    shares = importance(sweep("tpe"), tried)
    assert max(shares, key=shares.get) == "neuron.v_threshold"
    assert sum(shares.values()) == pytest.approx(1)
    assert importance(sweep("tpe"), tried[:5]) == {}


def course(run: int, *curve: float, live: bool = False, judged: int = 0) -> Course:
    return Course(run, dict(enumerate(curve, 1)), live, not live, judged)


def stopped(pruner, *courses: Course, better: str = "higher") -> list[int]:
    return [v.run for v in verdicts(pruner, better, "accuracy", courses) if v.reason]


def test_the_median_pruner_stops_what_is_below_the_median_of_finished_runs() -> None:
    finished = [course(n, 10.0 * n, 20.0 * n) for n in range(1, 6)]
    bad, good = course(8, 29.0, live=True), course(9, 31.0, live=True)
    assert stopped(Median(startup=5, warmup=0), *finished, bad, good) == [8]
    assert stopped(Median(startup=5, warmup=0), *finished, bad, good, better="lower") == [9]
    assert stopped(Median(startup=6, warmup=0), *finished, bad) == []
    assert stopped(Median(startup=5, warmup=1), *finished, bad) == []
    assert stopped(Never(), *finished, bad) == []


def test_a_run_is_judged_once_at_each_step() -> None:
    finished = [course(n, 10.0 * n) for n in range(1, 6)]
    judge = Median(startup=1, warmup=0)
    (verdict,) = verdicts(judge, "higher", "accuracy", [*finished, course(9, 1.0, live=True)])
    assert (verdict.step, verdict.run) == (1, 9)
    assert "accuracy 1 after step 1" in verdict.reason
    assert (
        verdicts(judge, "higher", "accuracy", [*finished, course(9, 1.0, 2.0, live=True, judged=2)])
        == []
    )


def test_asha_lets_one_of_so_many_go_on() -> None:
    asha = ASHA(least=1, factor=3)
    rivals = [course(n, 10.0 * n, live=True) for n in range(1, 10)]
    assert stopped(asha, *reversed(rivals)) == [8, 7, 6, 5, 4, 3, 2, 1]  # 9 came first
    assert len(stopped(asha, *rivals)) < 3  # each is the best so far when it comes


def test_asha_decides_at_rungs_only_and_by_the_value_there() -> None:
    asha = ASHA(least=2, factor=2)
    ended = [course(n, 10.0 * n, 10.0 * n, 0.0, 0.0) for n in range(5, 9)]
    early = course(1, 1.0, live=True)
    assert stopped(asha, *ended, early) == []
    good = course(2, 1.0, 90.0, 1.0, live=True)  # at step 2, the rung, it was the best
    bad = course(3, 99.0, 1.0, 99.0, live=True)
    assert stopped(asha, *ended, good, bad) == [3]
    again = course(2, 1.0, 90.0, 1.0, 80.0, live=True, judged=3)  # the next rung is step 4
    assert stopped(asha, *ended, again) == []


def test_numbers_that_are_none_break_no_pruner() -> None:
    finished = [course(n, 10.0 * n) for n in range(1, 6)]
    lost = course(8, math.nan, live=True)
    assert stopped(Median(startup=1, warmup=0), *finished, course(7, math.nan), lost) == []
    assert stopped(ASHA(least=1, factor=2), *finished, lost) == [8]


def test_pruned_points_teach_the_search() -> None:
    """Points that were pruned at once near 9 keep it away from there."""
    good = [Tried(v, "complete", (bowl(v),)) for v in spread(12)]
    bad = [
        Tried(v | {"neuron.v_threshold": 9.0 + n / 100}, "pruned", (50.0,), {}, 1)
        for n, v in enumerate(spread(12))
    ]
    found = [suggest(sweep("tpe", draw_seed=n), [*good, *bad], lambda _: True) for n in range(9)]
    assert sum(s.values["neuron.v_threshold"] > 8 for s in found) <= 1


def spread(count: int) -> list[dict]:
    return [
        {"neuron.v_threshold": 0.5 + n * 0.7, "batch_size": 40, "neuron.surrogate": "triangle"}
        for n in range(count)
    ]
