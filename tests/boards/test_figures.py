import json
from datetime import UTC, datetime

import pytest

from snnlab.boards.figures import AXES, DATE, on_front, trade_off, usable
from snnlab.boards.graph import graph
from snnlab.experiments import queries
from snnlab.experiments.queries import Point
from tests.web import lab


def point(id: int, accuracy: float, x, kind: str = "measured", **more) -> Point:
    fixed = {"title": f"row {id}", "low": None, "high": None, "n": 1, "caveat": "", "best_run": id}
    return Point(id=id, kind=kind, accuracy=accuracy, x=x, **(fixed | more))


CHEAP = point(1, 95.0, 1.0, low=94.0, high=96.0, n=3)
DEAR = point(2, 99.0, 100.0)
BEATEN = point(3, 94.0, 2.0)
PAPER = point(4, 99.5, 50.0, "published", n=0)
POINTS = [CHEAP, DEAR, BEATEN, PAPER]


def trace(figure, name: str):
    return next(trace for trace in figure.data if trace.name == name)


def test_a_logarithm_leaves_out_what_is_not_positive():
    free = point(5, 90.0, 0.0)
    assert usable([free, CHEAP], AXES["energy"]) == [CHEAP]


def test_each_kind_has_a_staircase_of_its_own():
    figure = trade_off(POINTS, AXES["energy"])
    ours, papers = (trace(figure, f"{kind}, front") for kind in ("measured", "published"))
    assert (list(ours.x), list(ours.y), ours.line.shape) == ([1.0, 100.0], [95.0, 99.0], "hv")
    assert (list(papers.x), list(papers.y)) == ([50.0], [99.5])
    assert on_front([CHEAP, DEAR, BEATEN]) == [CHEAP, DEAR]


def test_records_are_the_front_over_time():
    days = [point(i, a, datetime(2020 + i, 1, 1, tzinfo=UTC)) for i, a in enumerate((90, 95, 93))]
    assert [p.accuracy for p in on_front(days)] == [90, 95]
    assert trade_off(days, DATE).layout.xaxis.type == "date"


def test_an_interval_is_an_error_bar_and_one_seed_has_none():
    measured = trace(trade_off(POINTS, AXES["energy"]), "measured")
    assert list(measured.error_y.array) == [1.0, 0, 0]


def test_what_is_beaten_is_paler():
    measured = trace(trade_off(POINTS, AXES["energy"]), "measured")
    opacity = dict(zip(measured.customdata, measured.marker.opacity, strict=True))
    assert opacity[BEATEN.id] < opacity[CHEAP.id] == opacity[DEAR.id] == 1


def test_kinds_differ_in_shape_and_not_in_colour_alone():
    figure = trade_off(POINTS, AXES["time_steps"])
    assert trace(figure, "measured").marker.symbol != trace(figure, "published").marker.symbol


@pytest.mark.parametrize("axis", AXES.values(), ids=AXES)
@pytest.mark.parametrize("points", [[], [PAPER], POINTS], ids=["none", "published", "all"])
def test_every_figure_can_be_sent(axis, points):
    assert json.loads(trade_off(points, axis).to_json())


def test_an_empty_chart_says_why():
    assert "No shown row" in trade_off([], AXES["energy"]).layout.annotations[0].text


def test_a_title_is_text_not_markup():
    bold = point(6, 90.0, 1.0, title="<b>bold</b>", caveat="<i>")
    text = trace(trade_off([bold], AXES["energy"]), "measured").text[0]
    assert "&lt;b&gt;bold" in text
    assert text.endswith("† &lt;i&gt;")


def test_no_chart_offers_to_send_its_data_away():
    config = graph("x").children.config
    assert config["showSendToCloud"] is False
    assert config["plotlyServerURL"] == ""
    assert config["displaylogo"] is False


@pytest.mark.django_db
def test_a_chart_of_many_rows_keeps_those_that_nothing_beats(ada, tmp_path, monkeypatch):
    monkeypatch.setattr("snnlab.experiments.leaderboard.MOST_POINTS", 3)
    for name, accuracy, energy in (("a", 80.0, 1.0), ("b", 99.0, 9.0), ("c", 98.0, 8.0)):
        lab.experiment(ada, name)
        lab.succeed(tmp_path, test_accuracy=accuracy, energy=energy)
    for name in ("d", "e"):
        lab.experiment(ada, name)
        lab.succeed(tmp_path, test_accuracy=97.0, energy=8.5)
    wanted = queries.Wanted("mnist", kinds=("measured",))
    found = queries.points(queries.teams_of(ada), wanted, "energy")
    assert sorted(p.title for p in found) == ["a", "b", "c"]
