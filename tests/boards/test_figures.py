import json

import pytest

from snnlab.boards.figures import AXES, on_front, trade_off, with_cost
from snnlab.boards.graph import graph
from snnlab.boards.rows import grid_row, key, select
from snnlab.experiments import queries
from snnlab.experiments.queries import BoardRow


def row(title: str, accuracy: float, kind: str = "measured", **more) -> BoardRow:
    parts = {"method": "bptt", "network": "mlp", "neuron": "lif", "time_steps": 4}
    ids = {"experiment_id": 1, "run_id": 1, "digest": title} if kind == "measured" else {}
    return BoardRow(kind=kind, title=title, accuracy=accuracy, **(parts | ids | more))


CHEAP = row("cheap", 95.0, energy=1.0, std=0.5, n=3)
DEAR = row("dear", 99.0, energy=100.0)
BEATEN = row("beaten", 94.0, energy=2.0)
PAPER = row("paper", 99.5, kind="published", url="https://example.org/paper", year=2020)
ROWS = [CHEAP, DEAR, BEATEN, PAPER]


def trace(figure, name: str):
    return next(trace for trace in figure.data if trace.name == name)


def test_a_row_stands_only_on_axes_it_has_a_value_for():
    assert with_cost(ROWS, AXES["energy"]) == [CHEAP, DEAR, BEATEN]
    assert with_cost(ROWS, AXES["time_steps"]) == ROWS


def test_a_logarithm_leaves_out_what_is_not_positive():
    assert with_cost([row("free", 90.0, energy=0.0)], AXES["energy"]) == []


def test_the_front_is_joined_from_cheap_to_dear():
    line = trace(trade_off(ROWS, AXES["energy"]), "Pareto front")
    assert (list(line.x), list(line.y)) == ([1.0, 100.0], [95.0, 99.0])
    assert on_front(with_cost(ROWS, AXES["energy"]), AXES["energy"]) == [CHEAP, DEAR]


def test_what_is_beaten_is_paler():
    measured = trace(trade_off(ROWS, AXES["energy"]), "measured")
    opacity = dict(zip(measured.customdata, measured.marker.opacity, strict=True))
    assert opacity[key(BEATEN)] < opacity[key(CHEAP)] == opacity[key(DEAR)] == 1


def test_the_selected_row_is_larger():
    measured = trace(trade_off(ROWS, AXES["energy"], selected=key(BEATEN)), "measured")
    size = dict(zip(measured.customdata, measured.marker.size, strict=True))
    assert size[key(BEATEN)] > size[key(CHEAP)]


def test_kinds_differ_in_shape_and_not_in_colour_alone():
    figure = trade_off(ROWS, AXES["time_steps"])
    assert trace(figure, "measured").marker.symbol != trace(figure, "published").marker.symbol


@pytest.mark.parametrize("axis", AXES.values(), ids=AXES)
@pytest.mark.parametrize("rows", [[], [PAPER], ROWS], ids=["none", "published", "all"])
def test_every_figure_can_be_sent(axis, rows):
    assert json.loads(trade_off(rows, axis).to_json())


def test_an_empty_chart_says_why():
    assert "No shown row" in trade_off([], AXES["energy"]).layout.annotations[0].text


def test_a_title_is_text_not_markup():
    figure = trade_off([row("<b>bold</b>", 90.0, energy=1.0)], AXES["energy"])
    assert "&lt;b&gt;bold" in trace(figure, "measured").text[0]


def test_a_measured_row_leads_to_its_run_and_a_published_one_to_its_source():
    assert grid_row(CHEAP)["link"] == "/runs/1/"
    assert grid_row(PAPER)["link"] == "https://example.org/paper"
    assert (grid_row(CHEAP)["n"], grid_row(PAPER)["n"]) == (3, None)
    assert grid_row(CHEAP)["accuracy_text"] == "95.00 ± 0.50 %"


@pytest.mark.django_db
def test_every_row_has_a_key_of_its_own(ada):
    for board in queries.boards(ada):
        keys = [key(row) for row in queries.leaderboard(ada, board)]
        assert len(keys) == len(set(keys))


def test_a_result_with_a_caveat_is_marked_wherever_it_is_shown():
    sample = row("sample", 97.0, energy=1.0, caveat="5,000 images")
    assert grid_row(sample)["accuracy_text"] == "97.00 % †"
    measured = trace(trade_off([sample], AXES["energy"]), "measured")
    assert measured.text[0].endswith("† 5,000 images")


def test_a_search_wants_every_word():
    assert select(ROWS, {"measured", "published"}, "BPTT dea") == [DEAR]
    assert select(ROWS, {"published"}, "") == [PAPER]
    assert select(ROWS, set(), "") == []


def test_no_chart_offers_to_send_its_data_away():
    config = graph("x").config
    assert config["showSendToCloud"] is False
    assert config["plotlyServerURL"] == ""
    assert config["displaylogo"] is False
