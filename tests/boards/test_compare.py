"""Runs beside each other: what differs, groups, curves, tests, and whose runs they are."""

import base64
import json

import numpy as np
import pytest

from snnlab.boards import compare_figures as figures
from snnlab.boards.compare_parallel import parallel, scaled
from snnlab.boards.compared import differing, grouped, summaries
from snnlab.experiments import comparing, queries, recording
from snnlab.experiments.comparing import Compared, Curve
from snnlab.experiments.models import Run
from snnlab.experiments.statistics import compared_with_all, interval
from snnlab.learning.notation import flat
from tests.boards.test_board import call
from tests.web import lab


def run(pk, seed=1, accuracy=None, digest="", **definition) -> Compared:
    results = {} if accuracy is None else {"test_accuracy": accuracy}
    digest = digest or json.dumps(definition, sort_keys=True)
    return Compared(pk, seed, "succeeded", digest, 1, "<b>", definition, results, None)


def curve(y, x=None) -> Curve:
    steps = np.arange(1, len(y) + 1)
    return Curve(steps, np.asarray(steps if x is None else x, float), np.asarray(y, float))


# --- pure ---------------------------------------------------------------------------------------


def test_only_fields_that_differ_are_told_and_a_missing_one_differs():
    runs = [
        run(1, rule={"kind": "bptt", "clip": None}, epochs=3, sizes=[1, 2]),
        run(2, rule={"kind": "ltl"}, epochs=3, sizes=[1, 3]),
    ]
    assert differing(runs) == ["rule.kind", "sizes", "rule.clip"]
    assert flat({"a": {"b": [1, 2]}, "c": True}) == {"a.b": "[1, 2]", "c": "true"}


def test_runs_are_grouped_by_any_field_and_groups_are_told_apart():
    runs = [run(1, 1, t=4, lr=0.1), run(2, 2, t=4, lr=0.1), run(3, 1, t=8, lr=0.2)]
    by_field = grouped(runs, "t", ["lr", "t"])
    assert [(g.name, [r.id for r in g.runs]) for g in by_field] == [("t 4", [1, 2]), ("t 8", [3])]
    assert [g.name for g in grouped(runs, "definition", ["t"])] == ["t 4", "t 8"]
    assert len({g.name for g in grouped(runs, "run", [])}) == 3


def test_groups_are_tested_against_the_baseline_as_the_statistics_say():
    ours, base = {1: 90.0, 2: 92.0, 3: 97.0}, {1: 89.0, 2: 90.5, 3: 95.0}
    runs = [run(s, s, a, rule="ours") for s, a in ours.items()]
    runs += [run(10 + s, s, a, rule="base") for s, a in base.items()]
    groups = grouped(runs, "rule", ["rule"])
    mine, other = summaries(groups, "test_accuracy", "rule base")
    (expected,) = compared_with_all(base, [ours])
    assert other.difference is None
    assert mine.interval == interval(list(ours.values()))
    assert mine.difference.paired
    assert (mine.difference.mean, mine.difference.p) == (-expected.mean, expected.p)
    assert mine.difference.mean == pytest.approx((1 + 1.5 + 2) / 3)
    assert mine.difference.effect > 0
    assert mine.quartiles == [90.0, 91.0, 92.0, 94.5, 97.0]


def test_seeds_that_meet_twice_in_a_group_are_never_paired():
    runs = [run(i, 1, 90.0 + i, rule="a", lr=i) for i in range(4)]
    runs += [run(10 + i, 1, 91.0 + i * i, rule="b", lr=i) for i in range(4)]
    _, other = summaries(grouped(runs, "rule", []), "test_accuracy", "rule a")
    assert (other.difference.paired, other.difference.n, other.n) == (False, 4, 4)


def test_a_mean_curve_has_students_interval_and_none_below_three():
    three = figures.mean([curve([1, 2]), curve([2, 4]), curve([6, 6, 9])])
    assert three.y.tolist() == [3.0, 4.0, 9.0]
    assert three.n.tolist() == [3, 3, 1]
    assert three.y[0] + three.half[0] == pytest.approx(interval([1, 2, 6]).high)
    assert np.isnan(three.half[2])
    assert np.isnan(figures.mean([curve([1]), curve([2])]).half[0])


def test_no_number_is_left_out_of_a_mean():
    found = figures.mean([curve([1, np.nan]), curve([3, 5])])
    assert (found.y.tolist(), found.n.tolist()) == ([2.0, 5.0], [2, 1])


def test_all_curves_together_stay_light_and_keep_their_spikes():
    y = np.zeros(10_000)
    y[777] = 9.0
    groups = grouped([run(i, i) for i in range(50)], "run", [])
    curves = {i: curve(y) for i in range(50)}
    figure = figures.overlay(groups, curves, each=False, log=False, titles=("x", "y"))
    assert len(figure.data) == 50
    assert all(len(t.x) <= figures.MOST for t in figure.data)
    assert sum(len(t.x) for t in figure.data) <= figures.MOST_OF_ALL
    assert all(max(t.y) == 9.0 for t in figure.data)


def test_charts_can_be_sent_and_hold_no_markup_of_users():
    runs = [run(1, 1, 90.0, name="<i>", t=1), run(2, 2, None, name="<u>", t=2)]
    groups = grouped(runs, "name", ["name"])
    for figure in (
        figures.overlay(groups, {1: curve([1, 2])}, each=True, log=True, titles=("x", "y")),
        figures.scatter(groups, "name", "t", ("x", "y")),
        figures.boxes(groups, "test_accuracy", "y"),
        parallel(groups, ["name", "t"], "test_accuracy"),
    ):
        text = figure.to_json().replace("\\u003c", "<")
        assert "<i>" not in text
        assert "<u>" not in text
        assert json.loads(text)["data"]
    for empty in (
        figures.overlay([], {}, each=False, log=False, titles=("", "")),
        figures.scatter([], "a", "b", ("", "")),
        figures.boxes([], "a", ""),
        parallel([], [], ""),
    ):
        assert empty.layout.annotations[0].text


def test_axes_of_numbers_and_of_words_run_from_0_to_1():
    assert scaled([1, 3, None, 2]) == ([0.0, 1.0, None, 0.5], [(0.0, "1"), (1.0, "3")])
    assert scaled(["b", "a", "b"])[0] == [0.0, 1.0, 0.0]
    places, ticks = scaled([0.1, 1, 10])
    assert places == pytest.approx([0.0, 0.5, 1.0])
    assert ticks == [(0.0, "0.1"), (1.0, "10 (log)")]
    assert scaled([5, 5]) == ([0.5, 0.5], [(0.5, "5")])


# --- through the site ---------------------------------------------------------------------------


def chart(search, part="curves") -> dict:
    outputs = {
        "curves": ["compare-curves.figure", "compare-note.children", "compare-told.children"],
        "results": [f"compare-{name}.figure" for name in ("parallel", "scatter", "box")],
    }[part]
    return {
        "output": f"..{'...'.join(outputs)}..",
        "outputs": [dict(zip(("id", "property"), o.split("."), strict=True)) for o in outputs],
        "inputs": [{"id": "address", "property": "search", "value": search}],
        "changedPropIds": [],
    }


def numbers(coordinates) -> list[float]:
    if isinstance(coordinates, dict):
        raw = base64.b64decode(coordinates["bdata"])
        return np.frombuffer(raw, coordinates["dtype"]).tolist()
    return coordinates


@pytest.fixture
def done(ada, tmp_path):
    """Two definitions with three seeds each, and curves of three epochs."""
    runs = []
    for steps in (4, 8):
        lab.experiment(ada, "depths", seeds=(1, 2, 3), time_steps=steps)
        for seed in (1, 2, 3):
            taken = lab.claim(
                [("accuracy", e, 10.0 * e + seed + steps) for e in (1, 2, 3)]
                + [("seconds", e, 2.0) for e in (1, 2, 3)]
                + [("test_accuracy", 3, 90.0 + seed + steps)]
            )
            recording.record(taken)
            runs.append(taken.run_id)
            lab.end(taken, tmp_path)
    return runs


def test_the_page_tells_what_differs_and_whether_it_matters(
    member, done, django_assert_max_num_queries
):
    with django_assert_max_num_queries(6):
        page = member.get("/boards/compare/", {"runs": ",".join(map(str, done))}).content.decode()
    assert "Compare 6 runs" in page
    assert '<th scope="col">time_steps</th>' in page
    assert '<th scope="col">epochs</th>' not in page
    assert "paired, n = 3" in page
    assert '<td class="number">+4</td>' in page


def test_curves_have_the_mean_of_each_group_and_its_twin_in_numbers(
    member, done, django_assert_max_num_queries
):
    search = "?" + "&".join(f"runs={pk}" for pk in done)
    with django_assert_max_num_queries(6):
        answer = call(member, chart(search)).json()["response"]
    traces = answer["compare-curves"]["figure"]["data"]
    named = {t["name"]: t for t in traces if t.get("hovertemplate")}
    assert set(named) == {"time_steps 4 (n = 3)", "time_steps 8 (n = 3)"}
    assert numbers(named["time_steps 4 (n = 3)"]["y"]) == [16.0, 26.0, 36.0]
    assert "time_steps 8" in json.dumps(answer["compare-told"]["children"])


def test_the_picture_of_curves_shows_them(member, done):
    runs = ",".join(map(str, done))
    picture = member.get(f"/boards/compare/plots/curves.svg?runs={runs}").content.decode()
    assert picture.count("<circle") >= 2 * 3  # two groups, three epochs, and their legend
    for word in ("time_steps 4 (n = 3)", ">30<"):
        assert word in picture
    assert "bdata" not in picture


def test_time_is_what_epochs_took_and_steps_want_a_worker_that_counts(done, ada):
    runs, _ = comparing.compared(queries.teams_of(ada), comparing.Asked(tuple(done)))
    timed = comparing.curves(runs, "accuracy", "time")
    assert timed[done[0]].x.tolist() == [2.0, 4.0, 6.0]
    assert comparing.curves(runs, "accuracy", "updates") == {}
    counted = [each._replace(batches=40) for each in runs]
    assert comparing.curves(counted, "accuracy", "updates")[done[0]].x.tolist() == [40, 80, 120]


def test_no_more_is_read_than_can_be_drawn(done, ada, monkeypatch):
    monkeypatch.setattr(comparing, "MOST_NUMBERS", 8)
    runs, _ = comparing.compared(queries.teams_of(ada), comparing.Asked(tuple(done)))
    assert list(comparing.curves(runs, "accuracy")) == done[:2]  # three numbers each


def test_no_number_and_infinity_are_read_as_no_number(ada):
    lab.experiment(ada, "broken")
    lab.claim([("loss", 1, 2.0), ("loss", 2, float("nan")), ("loss", 3, float("inf"))])
    pk = Run.objects.get().pk
    runs, _ = comparing.compared(queries.teams_of(ada), comparing.Asked((pk,)))
    assert comparing.metrics(runs) == ["loss"]
    y = comparing.curves(runs, "loss")[pk].y
    assert y[0] == 2.0
    assert np.isnan(y[1:]).all()


def test_runs_of_others_are_not_there(client, done):
    client.force_login(lab.person("eve", "others"))
    search = f"?runs={','.join(map(str, done))}&experiment={Run.objects.first().experiment_id}"
    page = client.get(f"/boards/compare/{search}").content.decode()
    assert "No runs to compare" in page
    for part in ("curves", "results"):
        text = call(client, chart(search, part)).content.decode()
        assert "time_steps" not in text
        assert "depths" not in text


def test_an_experiment_or_a_sweep_can_be_given_instead(member, ada, done):
    experiment = Run.objects.get(pk=done[0]).experiment_id
    page = member.get(f"/boards/compare/?experiment={experiment}").content.decode()
    assert "Compare 3 runs" in page
    swept = lab.sweep(ada)
    page = member.get(f"/boards/compare/?sweep={swept.pk}").content.decode()
    assert "Compare" in page
    assert "No runs to compare" not in page


def test_more_than_two_hundred_runs_are_cut_with_a_word(member, ada):
    made = lab.experiment(ada, "many", seeds=tuple(range(1, 203)))
    page = member.get(f"/boards/compare/?experiment={made.pk}").content.decode()
    assert "202 runs were asked for; shown are the first 200" in page
    gone = member.get(f"/boards/compare/?runs={Run.objects.first().pk},999999").content.decode()
    assert "1 of the runs asked for is not there" in gone


@pytest.mark.parametrize(
    "search",
    [
        "?runs=1,x,-1,99999999999999999999999,%00",
        "?runs=" + ",".join("1" * 5 for _ in range(500)),
        "?experiment=abc&sweep=1e9&metric=%00&group=<b>&x=sideways&y=up&score=a&across=b&up=c",
        "?runs=²",
    ],
)
def test_what_an_address_says_wrongly_is_left_out(member, done, search):
    assert member.get(f"/boards/compare/{search}").status_code == 200
    assert call(member, chart(search)).status_code == 200
    assert call(member, chart(search, "results")).status_code == 200


def test_a_click_leads_to_a_run_of_the_comparison_only(member, done):
    def click(pk):
        return {
            "output": "compare-go.href",
            "outputs": {"id": "compare-go", "property": "href"},
            "inputs": [
                {
                    "id": "compare-scatter",
                    "property": "clickData",
                    "value": {"points": [{"customdata": pk}]},
                },
                {"id": "compare-box", "property": "clickData", "value": None},
            ],
            "state": [{"id": "address", "property": "search", "value": f"?runs={done[0]}"}],
            "changedPropIds": ["compare-scatter.clickData"],
        }

    answer = call(member, click(done[0])).json()
    assert answer["response"]["compare-go"]["href"] == f"/runs/{done[0]}/"
    assert call(member, click(done[1])).status_code == 204
