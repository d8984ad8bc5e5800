"""The charts of a sweep: pure functions of points."""

import json
import math

from hypothesis import given
from hypothesis import strategies as st

from snnlab.experiments.queries_sweeps import PointRow, Score
from snnlab.learning.plan import Plan
from snnlab.web.parallel import parallel, scaled
from snnlab.web.sweep_figures import contour, figures, front, history, importance, unbeaten


TWO = Plan.of(
    {
        "space": {
            "optimizer.lr": {"kind": "float", "low": 1e-4, "high": 1e-1, "log": True},
            "rule": {"kind": "choices", "values": [{"kind": "bptt"}, "<b>x</b>", [1, 2], True]},
            "epochs": {"kind": "int", "low": 1, "high": 9},
        },
        "objectives": [{"metric": "accuracy"}, {"metric": "energy"}],
    }
)


def point(number: int, *scores: float | None, state: str = "done", **values) -> PointRow:
    chosen = {"optimizer.lr": 1e-4 * 10 ** (number % 4), "rule": [1, 2], "epochs": 1 + number % 9}
    return PointRow(
        number,
        number,
        chosen | values,
        state,
        "",
        1,
        1,
        0,
        0,
        1,
        1.0,
        [number],
        [Score(s, None, 1) for s in scores],
        {},
    )


def test_the_best_so_far_never_gets_worse_and_pruned_points_stand_apart() -> None:
    rows = [point(n, s, 1.0) for n, s in enumerate([5.0, 3.0, 8.0, 8.0, 1.0])]
    shown = history(TWO, [*rows, point(9, 2.0, 1.0, state="pruned"), point(10, None, None)])
    points, pruned, best = shown["data"]
    assert points["x"] == [0, 1, 2, 3, 4]
    assert best["y"] == [5, 5, 8, 8, 8]
    assert (pruned["name"], pruned["x"]) == ("pruned", [9])


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=1, max_size=20))
def test_the_front_is_what_no_other_point_beats(pairs) -> None:
    """Accuracy up, energy down, against the definition by all pairs."""
    rows = [point(n, float(a), float(e)) for n, (a, e) in enumerate(pairs)]

    def beats(one, other) -> bool:
        return one != other and one[0] >= other[0] and one[1] <= other[1]

    wanted = {n for n, pair in enumerate(pairs) if not any(beats(p, pair) for p in pairs)}
    assert {row.number for row in unbeaten(TWO, rows)} == wanted
    assert front(TWO, rows)["data"][-1]["name"] == "on the front"


@given(st.lists(st.floats(1e-4, 1e-1), min_size=1, max_size=30))
def test_an_axis_goes_from_0_to_1_in_the_order_of_its_values(values) -> None:
    places, ticks = scaled("optimizer.lr", values, TWO)
    assert all(0 <= place <= 1 for place in places)
    order = sorted(range(len(values)), key=values.__getitem__)
    assert [places[n] for n in order] == sorted(places)
    assert len(ticks) in (1, 2)


def test_values_of_any_kind_have_a_place_and_no_markup() -> None:
    rows = [point(n, float(n), 1.0, rule=v) for n, v in enumerate(["<b>x</b>", True, [1, 2], 7])]
    text = json.dumps(figures(TWO, rows, {"epochs": 1.0}, ("rule", "epochs")))
    assert "<b>x" not in text
    assert "&lt;b>x" in text
    lines = [line for line in parallel(TWO, rows)["data"] if line["x"]]
    assert sum(y is None for line in lines for y in line["y"]) == len(rows)


def test_charts_without_points_say_that_they_wait() -> None:
    for chart in figures(TWO, [point(1, None, None)], {}, ("", "")).values():
        assert chart["data"] == [] or all(not math.isnan(x) for x in chart["data"][0].get("x", []))
    assert "waits" in json.dumps(importance({}))
    assert "waits" in json.dumps(contour(TWO, [], ("epochs", "rule")))
