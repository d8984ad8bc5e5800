"""A run's page for a network that was put onto chips."""

import hashlib
import math

import pytest
import torch

from snnlab.experiments import actions, queries_chips, queue, recording
from snnlab.learning import checkpoint as files
from snnlab.learning.checkpoint import Checkpoint
from snnlab.web.deployed import costs, deployed, stages
from snnlab.web.picture import Scale, chart, ends, steps, strips
from tests.web import lab


CHIP = {"kind": "emulated", "chips": 4, "learning": {"epochs": 2}}
CALIBRATED = {"epochs": 3, "chip": CHIP, "deploy": "calibrated", "network": {"kind": "mlp"}}
CURVES = {
    "accuracy": [(1, 80.0), (2, 88.0), (3, 91.0)],
    "test_accuracy": [(3, 90.5)],
    "firing_rate/fc1": [(3, 0.2)],
    "chip_rate/fc1": [(4, 0.19), (6, 0.01)],
    "chip_held_out": [(4, 60.0), (5, 84.0), (6, 86.0)],
    "chip_accuracy": [(4, 59.5), (6, 85.25)],
    "chip_low": [(4, 50.0), (6, 84.0)],
    "chip_high": [(4, 69.0), (6, 86.5)],
    "chip_std": [(4, 6.0), (6, 0.75)],
    "chip_worst": [(4, 51.0), (6, 84.5)],
    "chip_latency": [(6, 8.0)],
    "chip_cores": [(6, 2.0)],
    "chip_traffic": [(6, 2080.0)],
    "chip_updates": [(6, 12.5)],
    "chip_overflows": [(6, 0.0)],
}
BEFORE, AFTER = [51.0, 58.0, 62.0, 67.0], [84.5, 85.0, 85.5, 86.0]


def definition(**changes):
    return lab.spec(**{**CALIBRATED, **changes}).model_dump(mode="json")


def finished(user, folder, curves=CURVES, tensors=None, **changes):
    """A run of such a definition with these numbers and a checkpoint that holds the tensors."""
    spec = lab.spec(**{**CALIBRATED, **changes})
    team = user.teams.first()
    made = actions.submit(team=team, actor="ada", name="On chips", specs=[spec], seeds=[1])
    taken = queue.claim("worker:test:1", ["cpu"])
    points = [(name, step, value) for name, curve in curves.items() for step, value in curve]
    recording.record(taken, points)
    given = {"chips/untaught": BEFORE, "chips/accuracy": AFTER} if tensors is None else tensors
    network = {n: torch.tensor(v, dtype=torch.float64) for n, v in given.items()}
    network["layers.fc1.weight"] = torch.zeros(3, 3)
    path, weights = folder / "checkpoint", "0" * 64
    files.save(Checkpoint(spec.digest(), 1, 6, {}, network, {}, torch.zeros(8)), path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    size = path.stat().st_size
    recording.record(
        taken, checkpoint=recording.Fresh(6, str(path), digest, size, weights=weights, final=True)
    )
    queue.finish(taken)
    return made.runs.get()


def test_each_stage_has_its_accuracy_and_no_number_is_made_up():
    found = stages(definition(), CURVES)
    assert [(s.name, s.held_out, s.cells[0]) for s in found] == [
        ("Off the chip", "91.00", "90.50"),
        ("On the chips, as they come", "60.00", "59.50"),
        ("After pass 1 on the chips", "84.00", "–"),
        ("After pass 2 on the chips", "86.00", "85.25"),
    ]
    assert found[1].cells[-1] == "51.00"  # the worst chip


def test_on_the_chip_alone_there_is_no_network_off_it():
    on_chip = {
        "deploy": "on-chip",
        "rule": {"kind": "ltl-online"},
        "network": {"kind": "mlp", "norm": "none"},
        "neuron": {"kind": "lif", "surrogate": "boxcar"},
    }
    said = definition(**on_chip)
    curves = {"chip_held_out": [(1, 50.0), (2, 70.0)], "test_accuracy": [(3, 80.0)]}
    assert [s.name for s in stages(said, curves)] == [
        "After epoch 1 on the chips", "After epoch 2 on the chips"
    ]  # fmt: skip
    assert deployed(said, curves, {"chips/accuracy": [AFTER]}).strips.line is None


def test_of_many_passes_the_first_and_the_last_are_shown():
    said = definition(chip=CHIP | {"learning": {"epochs": 50}})
    curves = {"chip_held_out": [(step, 50.0) for step in range(4, 55)]}
    names = [s.name for s in stages(said, curves)]
    assert (len(names), names[0], names[-1]) == (
        12, "On the chips, as they come", "After pass 50 on the chips"
    )  # fmt: skip


def test_an_energy_that_nobody_can_know_is_unknown_and_names_what_is_missing():
    last = {"chip_cores": 2.0}
    energy, latency, *_ = costs(last, "loihi1")
    assert (energy.value, energy.badge) == ("unknown", "unknown")
    assert "energy.static" in energy.about
    assert latency.badge == "unknown"
    known, _, cores = costs(last | {"chip_energy": 1234.0}, "truenorth")
    assert (known.value, known.badge) == ("1,234 nJ per image", "estimated")
    assert (cores.value, cores.badge) == ("2", "counted")
    assert costs({}, "truenorth") == []


@pytest.mark.parametrize(
    ("changes", "kind"),
    [({"chip": {"kind": "none"}, "deploy": "off-chip"}, "none"), ({}, "gone")],
)
def test_a_run_without_a_chip_that_is_known_has_no_such_section(changes, kind):
    said = definition(**changes)
    if kind == "gone":
        said["chip"]["profile"] = "loihi9"
    assert deployed(said, CURVES, {}) is None


def test_the_page_shows_chips_costs_and_the_layer_that_fell_silent(
    member, ada, tmp_path, django_assert_max_num_queries
):
    run = finished(ada, tmp_path)
    with django_assert_max_num_queries(12):
        page = member.get(f"/runs/{run.pk}/").content.decode()
    assert "layer fc1 falls silent: 0.01 spikes for each neuron and step, 0.2 before" in page
    assert page.count('class="dot"') == 8
    assert "chip 0: 51.00 %" in page
    assert '<span class="badge evidence unknown">unknown</span>' in page
    assert "nobody has published energy.static" in page.lower()
    assert "8.000 ms per image" in page or "8.00 ms per image" in page
    live = member.get(f"/runs/{run.pk}/live").json()
    assert "After pass 2 on the chips" in live["pieces"]["chips"]


def test_each_chip_is_read_from_the_checkpoint_and_no_weight_beside_it(ada, tmp_path):
    run = finished(ada, tmp_path)
    kept = queries_chips.per_chip(run.pk)
    assert kept == {"chips/untaught": [BEFORE], "chips/accuracy": [AFTER]}
    for path in (tmp_path / "artifacts").rglob("*"):
        if path.is_file():
            path.write_bytes(b"damaged")
    assert queries_chips.per_chip(run.pk) == {}
    assert queries_chips.per_chip(0) == {}


def test_what_a_layer_says_on_the_chip_is_compared_with_the_network():
    quiet = deployed(definition(), CURVES, {}).warnings
    assert len(quiet) == 1
    loud = CURVES | {"chip_rate/fc1": [(6, 0.021)]}
    assert deployed(definition(), loud, {}).warnings == ()


def test_places_in_a_picture_are_affine_and_axes_are_round():
    scale = Scale(50, 100, 0, 10)
    assert [scale(v) for v in (50, 75, 100)] == [0, 5, 10]
    assert ends([62.0, 97.0]) == (60, 100)
    assert ends([95.1, 96.2]) == (95, 100)
    assert ends([]) == (0, 100)
    assert steps(60, 100) == [60, 70, 80, 90, 100]


def test_a_chart_leaves_out_what_was_not_measured():
    drawn = chart([0.0, 0.5, 1.0], [("a", "none", [(90.0, 88.0, 92.0), (None,) * 3, (70.0,) * 3])])
    (line,) = drawn.lines
    assert len(line.marks) == 2
    assert len(line.path.split()) == 2
    assert len(line.band.split()) == 4
    assert line.marks[0].x == drawn.x[0].at


def test_a_single_chip_has_no_interval():
    drawn = strips([("as they come", [70.0])], line=90.0)
    (row,) = drawn.rows
    assert row.low == row.mean == row.high == row.dots[0].x
    assert row.mean < drawn.line
    assert not math.isnan(row.low)
