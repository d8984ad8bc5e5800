"""A sweep says what it will do before anything is made."""

import itertools
import math
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snnlab.learning.presets import presets
from snnlab.learning.problems import SpecError
from snnlab.learning.space import Real, Whole, changed
from snnlab.learning.spec import Spec
from snnlab.learning.sweep import Sweep


BASE = Spec.from_toml(presets()["mnist-sample"].text).model_dump(mode="json")
LR = {"kind": "float", "low": 1e-4, "high": 1e-1, "log": True}


def sweep(space=None, **fields) -> Sweep:
    return Sweep.parse({"base": BASE, "space": space or {}, **fields})


def refused(space=None, **fields) -> str:
    with pytest.raises(SpecError) as error:
        sweep(space, **fields)
    return str(error.value)


def test_without_a_space_there_is_the_base_alone() -> None:
    (point,) = sweep().points()
    assert point.spec == Spec.parse(BASE)
    assert (sweep(seeds=[1, 2, 3]).size(), sweep(seeds=[1, 2, 3]).runs()) == (1, 3)


def test_a_grid_is_every_combination() -> None:
    grid = sweep({"time_steps": [2, 4], "neuron.v_threshold": [0.5, 1.0, 2.0]}, seeds=[1, 2])
    points = list(grid.points())
    assert (grid.size(), grid.runs(), len(points)) == (6, 12, 6)
    pairs = {(p.spec.time_steps, p.spec.neuron.v_threshold) for p in points}
    assert pairs == set(itertools.product([2, 4], [0.5, 1.0, 2.0]))


def test_a_longer_draw_begins_as_the_shorter_one() -> None:
    few, many = (
        list(sweep({"optimizer.lr": LR}, strategy={"kind": "random", "points": n}).points())
        for n in (5, 9)
    )
    assert few == many[:5]
    assert len({p.values["optimizer.lr"] for p in many}) == 9


def test_each_point_is_there_once_also_where_the_space_is_small() -> None:
    small = sweep({"epochs": [1, 2, 3]}, strategy={"kind": "random", "points": 50})
    assert small.size() == 3
    assert sorted(p.spec.epochs for p in small.points()) == [1, 2, 3]


def test_values_that_mean_the_same_are_one_point() -> None:
    rule = BASE["rule"]
    assert len(list(sweep({"rule": [rule, {"kind": rule["kind"]}]}).points())) == 1


def test_a_new_kind_begins_with_its_own_defaults() -> None:
    kinds = sweep({"optimizer.kind": ["adam", "sgd"], "optimizer.lr": [0.01]})
    assert [p.spec.optimizer.kind for p in kinds.points()] == ["adam", "sgd"]
    assert {p.spec.optimizer.lr for p in kinds.points()} == {0.01}


def test_a_field_of_a_varied_part_is_judged_with_each_point() -> None:
    points = list(sweep({"rule.kind": ["bptt", "tbptt"], "rule.window": [2]}).points())
    assert [p.spec is None for p in points] == [True, False]
    assert "rule.window" in points[0].problem


def test_the_base_is_left_alone() -> None:
    before = Spec.parse(BASE)
    changed(BASE, {"neuron.v_threshold": 9.0, "optimizer.kind": "sgd"})
    assert Spec.parse(BASE) == before


@pytest.mark.parametrize(
    ("space", "fields", "words"),
    [
        ({"neuron.taux": [1.0]}, {}, "space.neuron.taux: is not a known field"),
        ({"neuron.v_threshold": [-1.0]}, {}, "space.neuron.v_threshold: must be greater than 0"),
        ({"time_steps": [2.5]}, {}, "space.time_steps: must be a whole number, got 2.5"),
        ({"epochs.first": [1]}, {}, "space.epochs.first: epochs has no fields"),
        ({"epochs": []}, {}, "space.epochs.values: must have at least 1 entries"),
        ({"epochs": [3, 3]}, {}, "values: must differ, got 3 twice"),
        ({"optimizer.lr": LR}, {}, "space.optimizer.lr.count: needs a count"),
        ({"optimizer.lr": LR | {"high": 1e-5}}, {}, "low: must be less than high"),
        ({"optimizer.lr": LR | {"high": 99.0}}, {}, "space.optimizer.lr: must be at most 10"),
        ({}, {"seeds": [1, 1]}, "seeds: must differ"),
        ({}, {"objectives": [{"metric": "beauty"}]}, "objectives.0.metric: is no metric"),
        ({}, {"objectives": [{"metric": "firing_rate"}]}, "Set better to higher or lower"),
        ({}, {"pruner": {"kind": "asha"}, "objectives": [{"metric": "test_accuracy"}]}, "held-out"),
        ({}, {"strategy": {"kind": "genius"}}, "strategy.kind: must be one of"),
        ({}, {"parallel": 0}, "parallel: must be at least 1"),
        (
            {"batch_size": {"kind": "int", "low": 1, "high": 9999}, "epochs": [1, 2]},
            {},
            "has at most 10,000 points, got 19998",
        ),
    ],
)
def test_what_is_wrong_is_said_with_its_place(space, fields, words) -> None:
    assert words in refused(space, **fields)


def test_what_is_wrong_with_the_base_is_said_with_its_place() -> None:
    with pytest.raises(SpecError, match=r"base\.epochs: must be at least 1, got 0"):
        Sweep.parse({"base": BASE | {"epochs": 0}})


def test_test_images_may_be_shown_but_not_chosen_by() -> None:
    shown = [{"metric": "test_accuracy"}]
    assert sweep(objectives=shown).runs() == 1
    assert "held-out" in refused(objectives=shown, strategy={"kind": "tpe", "points": 3})


def test_a_budget_bounds_the_runs() -> None:
    assert sweep({"epochs": [1, 2, 3]}, seeds=[1, 2], most_runs=4).runs() == 4


@given(low=st.floats(1e-6, 1e3), ratio=st.floats(1.001, 1e6), count=st.integers(2, 50))
def test_a_logarithmic_grid_has_equal_ratios(low: float, ratio: float, count: int) -> None:
    grid = Real(low=low, high=low * ratio, log=True, count=count).grid()
    assert (len(grid), grid[0], grid[-1]) == (count, low, low * ratio)
    steps = [math.log(b / a) for a, b in itertools.pairwise(grid)]
    assert steps == pytest.approx([math.log(ratio) / (count - 1)] * (count - 1), abs=3e-5)


@given(low=st.integers(1, 100), more=st.integers(1, 1000), source=st.randoms(), log=st.booleans())
def test_what_is_drawn_lies_in_the_range(low, more, source, log) -> None:
    whole = Whole(low=low, high=low + more, log=log)
    assert low <= whole.draw(source) <= low + more
    assert low <= Real(low=low, high=low + more, log=log).draw(source) <= low + more


def test_a_logarithmic_draw_is_even_by_its_logarithm() -> None:
    points = sweep({"optimizer.lr": LR}, strategy={"kind": "random", "points": 600}).points()
    decades = [math.floor(math.log10(p.values["optimizer.lr"])) for p in points]
    assert all(150 < decades.count(decade) < 250 for decade in (-4, -3, -2))


def test_ten_thousand_points_are_made_in_seconds() -> None:
    taus = {"kind": "float", "low": 1.1, "high": 9.0, "count": 100}
    thousand = sweep({"neuron.v_threshold": taus, "optimizer.lr": {**LR, "count": 100}})
    before = time.monotonic()
    assert sum(point.spec is not None for point in thousand.points()) == 10_000
    print(f"10,000 points in {time.monotonic() - before:.1f} s")
