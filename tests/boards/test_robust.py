"""What chips say together: the maths by hand, the charts, the page, and whose chips they are."""

import json

import pytest
import torch

from snnlab.boards import robust_figures as figures
from snnlab.boards.robust import area, differences, series, worst_level
from snnlab.boards.robustness import label
from snnlab.experiments import chips, queries, queue, recording
from snnlab.experiments.chips import ChipLevel, ChipRow
from snnlab.experiments.statistics import interval
from snnlab.learning.checkpoint import Checkpoint, save
from tests.boards.test_board import call
from tests.web import lab


TASK = {
    "kind": "robustness",
    "mismatch": [0.0, 0.5],
    "bits": [8, 2],
    "thermal": [],
    "silencing": [],
    "chips": 3,
}


def row(level: float, *accuracies: float, rule: str = "bptt", **more) -> ChipRow:
    fixed = {
        "run": 1,
        "seed": 1,
        "experiment": 1,
        "title": "t",
        "digest": rule,
        "rule": rule,
        "network": "mlp 128",
        "neuron": "lif",
        "chip": "",
        "chip_seed": 0,
        "images": 100,
        "caveat": "",
        "nonideality": "mismatch",
        "passes": 0,
    }
    return ChipRow(**(fixed | {"level": level, "accuracies": list(accuracies)} | more))


ROWS = [
    row(0.0, 98.0, 98.0, 98.0),
    row(0.5, 80.0, 85.0, 90.0),
    row(0.0, 97.0, 97.0, 97.0, rule="conversion"),
    row(0.5, 60.0, 64.0, 71.0, rule="conversion"),
    row(0.5, 90.0, 91.0, 92.0, rule="ltl-offline", passes=5),
]


def of(found, method):
    return next(each for each in found if each.method == method)


def test_means_worst_chips_intervals_and_areas_by_hand():
    bptt = of(series(ROWS), "BPTT")
    assert [(at.level, at.mean, at.worst) for at in bptt.points] == [(0.0, 98, 98), (0.5, 85, 80)]
    assert bptt.points[1].interval == interval([80.0, 85.0, 90.0])
    assert bptt.area == pytest.approx((98 + 85) / 2)
    assert bptt.area_interval == interval([89.0, 91.5, 94.0])


def test_an_area_is_a_mean_accuracy_whatever_the_spacing():
    assert area([(0.0, 90.0), (0.1, 90.0), (1.0, 90.0)]) == pytest.approx(90.0)
    assert area([(0.0, 90.0), (0.2, 80.0), (1.0, 60.0)]) == pytest.approx(73.0)
    assert area([(0.3, 90.0)]) is None


def test_seeds_that_met_the_same_chip_are_one_value_of_it():
    (bptt,) = series([row(0.5, 80.0, 90.0), row(0.5, 90.0, 70.0, run=2, seed=2)])
    assert (bptt.points[0].values, bptt.points[0].runs) == ([85.0, 80.0], [1, 2])
    (other,) = series([row(0.5, 80.0), row(0.5, 90.0, chip_seed=7)])
    assert len(other.points[0].chips) == 2


def test_methods_are_compared_chip_by_chip():
    found = series(ROWS)
    gaps = dict(differences(of(found, "BPTT"), of(found, "conversion")))
    assert (gaps[0.5].mean, gaps[0.5].paired, gaps[0.5].n) == (20.0, True, 3)
    assert gaps[0.5].interval == interval([20.0, 21.0, 19.0])


def test_calibrated_chips_are_a_method_and_definitions_are_told_apart():
    names = {each.method for each in series(ROWS)}
    assert names == {"BPTT", "conversion", "LTL, calibrated (5 passes)"}
    two = series([row(0.0, 9.0, digest="aaaaaaaa"), row(0.0, 8.0, digest="bbbbbbbb")])
    assert [each.method for each in two] == ["BPTT aaaaaa", "BPTT bbbbbb"]


def test_only_like_is_beside_like_whatever_the_neuron():
    one = row(0.0, 98.0, neuron="lif", chip="generic-mixed-signal")
    assert label(one) == label(row(0.0, 98.0, neuron="if")) == "mlp 128"
    assert (
        label(row(0.0, 98.0, chip="dynap-se2", caveat="a sample")) == "mlp 128, dynap-se2, a sample"
    )


def test_every_chart_can_be_sent_and_a_method_has_one_colour():
    found = series([*ROWS, row(4.0, 50.0, 51.0, 52.0, nonideality="bits")])
    charts = [
        figures.multiples(found),
        figures.heat(found, "mismatch"),
        figures.violins(found, "mismatch", 0.5),
        figures.gaps(found, "mismatch", "BPTT"),
    ]
    assert all(json.loads(chart.to_json())["data"] for chart in charts)
    shown = [t for t in charts[0].data if t.mode == "lines+markers" and t.name == "BPTT"]
    assert len({t.line.color for t in shown}) == 1 < len(shown)
    hovered = [t for t in charts[0].data if t.hoverinfo != "skip"]
    assert all(t.customdata is not None for t in hovered)  # whatever is hit tells its level
    assert all("markers" not in t.mode for t in charts[0].data if t.fill)
    assert {v.name for v in charts[2].data} == {each.method for each in found}
    for empty in (figures.multiples([]), figures.heat(found, "x"), figures.gaps(found, "bits", "")):
        assert empty.layout.annotations[0].text


def test_a_rule_is_a_colour_and_its_calibration_a_dash():
    rules = ("bptt", "conversion", "ltl-offline")
    rows = [row(0.5, 90.0, rule=rule, passes=passes) for passes in (5, 0, 1) for rule in rules]
    drawn = figures.looks(series(rows))
    assert len(set(drawn.values())) == 9
    for kept in ("colour", "dash"):
        assert len({getattr(look, kept) for look in drawn.values()}) == 3
    assert drawn["LTL"].colour == drawn["LTL, calibrated (5 passes)"].colour
    assert drawn["LTL, calibrated (1 pass)"].dash == drawn["BPTT, calibrated (1 pass)"].dash
    assert "dot" not in {look.dash for look in drawn.values()}  # the worst chips are dotted


def test_first_looked_at_is_the_worst_level_of_mismatch():
    rows = [row(level, 90.0, nonideality=kind) for kind in ("bits", "mismatch") for level in (2, 8)]
    found = series(rows)
    assert [each.nonideality for each in found] == ["mismatch", "bits"]
    assert (worst_level(found, "mismatch"), worst_level(found, "bits")) == (8, 2)
    assert worst_level([], "") == 0


def test_levels_and_passes_are_read_from_where_runs_tell_them():
    definition = {"task": TASK, "chip": {"learning": {"epochs": 5}}}
    tables = {"chips/mismatch": [[98, 97], [80, 81]], "learned/bits/2": [[70, 71], [75, 76]]}
    assert list(chips.tested(definition, tables)) == [
        ChipLevel("mismatch", 0.0, 0, [98, 97]),
        ChipLevel("mismatch", 0.5, 0, [80, 81]),
        ChipLevel("bits", 2.0, 1, [70, 71]),
        ChipLevel("bits", 2.0, 5, [75, 76]),
    ]


@pytest.fixture
def tried(ada, tmp_path):
    """A run that tested three chips at two levels, as a worker records it."""
    lab.experiment(ada, "chips", task=TASK)
    taken = lab.claim([("chip_area/mismatch", 1, 91.5)])
    found = {"chips/mismatch": torch.tensor([[98.0, 98, 98], [80, 85, 90]])}
    state = torch.Generator().get_state()
    checkpoint = Checkpoint("d", 1, 1, {}, found, {}, state)
    save(checkpoint, tmp_path / "c")
    sha256 = recording.artifacts.digest(tmp_path / "c")
    fresh = recording.Fresh(1, str(tmp_path / "c"), sha256, 9, weights="w", final=True)
    recording.record(taken, checkpoint=fresh)
    recording.record(taken, checkpoint=fresh)
    queue.finish(taken)
    return taken.run_id


def lines(**search) -> dict:
    names = ("lines.figure", "heat.figure", "violin.figure", "gap.figure", "behind.children")
    ids = [f"robust-{name}" for name in names]
    return {
        "output": f"..{'...'.join(ids)}..",
        "outputs": [dict(zip(("id", "property"), i.split("."), strict=True)) for i in ids],
        "inputs": [{"id": "address", "property": "search", "value": search.get("search", "")}],
        "changedPropIds": [],
    }


CLICKED = ("lines", "heat", "gap")


def click(chosen, search="", chart="lines") -> dict:
    value = {"points": [{"customdata": chosen}]}
    return {
        "output": "robust-go.href",
        "outputs": {"id": "robust-go", "property": "href"},
        "inputs": [
            {"id": f"robust-{one}", "property": "clickData"}
            | ({"value": value} if one == chart else {})
            for one in CLICKED
        ],
        "state": [{"id": "address", "property": "search", "value": search}],
        "changedPropIds": [f"robust-{chart}.clickData"],
    }


def test_a_run_keeps_its_chips_and_the_board_shows_them(
    member, ada, tried, django_assert_max_num_queries
):
    rows = queries.chip_rows(queries.teams_of(ada), "mnist")
    assert [(r.run, r.level, r.accuracies) for r in rows] == [
        (tried, 0.0, [98, 98, 98]),
        (tried, 0.5, [80, 85, 90]),
    ]
    with django_assert_max_num_queries(5):
        page = member.get("/boards/robustness/").content.decode()
    assert "91.50" in page
    assert f"/runs/{tried}/" in page
    answer = call(member, lines(search="?kind=mismatch&level=0.5"))
    assert f"run {tried}" in answer.content.decode()
    for chart in CLICKED:
        picked = call(member, click(0.0 if chart == "heat" else ["mismatch", 0.0], chart=chart))
        assert "level=0" in picked.json()["response"]["robust-go"]["href"]


@pytest.mark.parametrize(
    "chosen", [["secret", 0.0], ["mismatch", 9], "x", None, [[], {}], [1], 9, True]
)
def test_a_click_on_what_is_not_there_does_nothing(member, tried, chosen):
    assert call(member, click(chosen)).status_code == 204


def test_another_teams_chips_are_not_there(stranger, tried):
    assert "No chips have been tested" in stranger.get("/boards/robustness/").content.decode()
    answer = call(stranger, lines(search=f"?run={tried}&team=lab"))
    assert f"run {tried}" not in answer.content.decode()
    assert call(stranger, click(["mismatch", 0.0])).status_code == 204


@pytest.mark.parametrize(
    "query", ["data=x&network=%00&level=nan&base=<b>", "kind=bits&level=1e999"]
)
def test_what_an_address_says_wrongly_is_left_out(member, tried, query):
    assert member.get(f"/boards/robustness/?{query}").status_code == 200
    assert call(member, lines(search=f"?{query}")).status_code == 200
