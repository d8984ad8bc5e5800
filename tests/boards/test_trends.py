"""Curves over time and epochs, and maps over the surrogate."""

import json

import pytest

from snnlab.boards import trend_figures as figures
from snnlab.experiments import queries, queue, recording, trends
from snnlab.experiments.trends import Cell, Trend
from tests.boards.test_board import call
from tests.web import lab


def trend(*points, **more) -> Trend:
    fixed = {"run": 1, "seed": 1, "title": "<b>", "digest": "d", "rule": "conversion"}
    fixed |= {"network": "mlp", "neuron": "if", "caveat": "", "teacher": 98.0}
    return Trend(**(fixed | more), points=list(points))


def test_five_epochs_are_marked_and_told():
    slow = trend(*((epoch, 10.0 * epoch) for epoch in range(1, 11)), rule="ltl-offline")
    assert figures.reached(slow) == 10
    assert figures.over_epochs([slow]).layout.shapes[0].x0 == 5


def test_every_chart_can_be_sent_and_says_why_it_is_empty():
    cells = [Cell(1, "<i>", 0.1, 1.0, 25.0), Cell(2, "<i>", 1.0, 1.0, None)]
    for figure in (
        figures.over_time([trend((1, 90.0), (2, 95.0))]),
        figures.surrogate_map(cells, "%"),
    ):
        text = figure.to_json()
        assert json.loads(text)["data"]
        assert "<b>" not in text.replace("\\u003c", "<").replace("<br>", "")
    for empty in (figures.over_time([]), figures.over_epochs([]), figures.surrogate_map([], "")):
        assert empty.layout.annotations[0].text


def diagnosis(ada, tmp_path):
    """A diagnosis of two widths at two heights, as a worker records it."""
    task = {"kind": "gradients", "widths": [0.1, 1.0], "heights": [1.0, 2.0]}
    lab.experiment(ada, "gradients", task=task)
    points = [("log10_gradient/dense1", step, -float(step)) for step in (1, 2, 3, 4)]
    taken = lab.claim(points)
    path = tmp_path / "d"
    path.write_bytes(b"d")
    sha = recording.artifacts.digest(path)
    recording.record(
        taken, checkpoint=recording.Fresh(4, str(path), sha, 1, weights="w", final=True)
    )
    queue.finish(taken)


@pytest.fixture
def done(ada, tmp_path):
    curve = {"accuracy_at/1": 80.0, "accuracy_at/2": 90.0, "accuracy_at/16": 95.0}
    lab.experiment(ada, "narrow", seeds=(1, 2))
    for _ in range(2):
        lab.succeed(tmp_path, test_accuracy=90.0, **curve)
    neuron = {"kind": "if", "surrogate_width": 3.0}
    lab.experiment(ada, "narrow", neuron=neuron)
    lab.succeed(tmp_path, test_accuracy=50.0, **curve)
    diagnosis(ada, tmp_path)
    return queries.teams_of(ada)


def test_curves_are_read_in_the_order_of_their_steps(done):
    found = trends.by_time(done, "mnist")
    assert [t.points for t in found] == [[(1, 80.0), (2, 90.0), (16, 95.0)]] * 3


def test_maps_hold_what_differs_in_the_surrogate_alone(done):
    gradients = trends.gradients_over_surrogate(done, "mnist")
    assert [(c.height, c.width, c.value) for c in gradients] == [
        (1.0, 0.1, -1.0),
        (1.0, 1.0, -2.0),
        (2.0, 0.1, -3.0),
        (2.0, 1.0, -4.0),
    ]


def request(search: str) -> dict:
    ids = ["trend-time", "trend-epochs", "trend-accuracy", "trend-gradients"]
    return {
        "output": f"..{'...'.join(f'{id}.figure' for id in ids)}..",
        "outputs": [{"id": id, "property": "figure"} for id in ids],
        "inputs": [{"id": "address", "property": "search", "value": search}],
        "changedPropIds": [],
    }


def test_the_page_and_its_charts_show_ones_own_runs_only(
    member, client, done, django_assert_max_num_queries
):
    with django_assert_max_num_queries(6):
        page = member.get("/boards/curves/?data=mnist").content.decode()
    assert "T = 16" in page
    with django_assert_max_num_queries(8):
        answer = call(member, request("?data=mnist"))
    assert "narrow" in answer.content.decode()
    client.force_login(lab.person("eve", "others"))
    assert "narrow" not in call(client, request("?data=mnist")).content.decode()
    assert "narrow" not in client.get("/boards/curves/?data=%00").content.decode()


def test_a_click_on_a_curve_leads_to_its_run_if_it_is_on_the_board(member, client, done):
    def click(pk, chart="trend-time"):
        charts = ("trend-time", "trend-epochs")
        value = {"points": [{"customdata": pk}]}
        return {
            "output": "trend-go.href",
            "outputs": {"id": "trend-go", "property": "href"},
            "inputs": [
                {"id": one, "property": "clickData", "value": value if one == chart else None}
                for one in charts
            ],
            "state": [{"id": "address", "property": "search", "value": "?data=mnist"}],
            "changedPropIds": [f"{chart}.clickData"],
        }

    run = trends.by_time(done, "mnist")[0].run
    answer = call(member, click(run)).json()
    assert answer["response"]["trend-go"]["href"] == f"/runs/{run}/"
    assert call(member, click(run + 1000)).status_code == 204
    client.force_login(lab.person("eve", "others"))
    assert call(client, click(run)).status_code == 204
