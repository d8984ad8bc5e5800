"""Networks on emulated chips: tried, calibrated and taught there, as a definition says."""

import pytest
import torch

from snnlab.learning import checkpoint as files
from snnlab.learning.checkpoint import Checkpoint
from snnlab.learning.deploy import per_chip
from snnlab.learning.errors import TrainingError
from snnlab.learning.problems import SpecError
from snnlab.learning.work import work


REAL = {"dataset": {"kind": "mnist-5k"}, "epochs": 3}
IDEAL = {"kind": "emulated", "profile": "ideal", "bits": 16, "chips": 2}
WRONG = {"kind": "emulated", "mismatch": 1.0, "chips": 3, "learning": {"epochs": 3, "lr": 0.003}}
LOCAL = {
    "network": {"kind": "mlp", "hidden": [32], "norm": "none"},
    "neuron": {"kind": "lif", "surrogate": "boxcar"},
    "rule": {"kind": "ltl-online", "teacher_epochs": 5},
    "time_steps": 8,
}


def points(spec, **options):
    found = [x for x in work(spec, seed=1, **options) if isinstance(x, Checkpoint)]
    assert found[-1].epoch == spec.task.checkpoints(spec)
    return found


def test_an_ideal_chip_is_as_accurate_as_the_network(tiny):
    *_, trained, chips = points(tiny(**REAL, chip=IDEAL))
    assert trained.metrics["test_accuracy"] > 70
    assert chips.metrics["chip_accuracy"] == pytest.approx(trained.metrics["test_accuracy"], abs=1)
    assert chips.metrics["chip_std"] == 0
    both = round(chips.metrics["chip_accuracy"], 2)
    assert per_chip(chips.network) == {"chips/accuracy": [[both, both]]}
    assert torch.equal(chips.network["chips/accuracy"][0], chips.network["chips/accuracy"][1])
    fired = {k: v for k, v in trained.metrics.items() if k.startswith("firing_rate/")}
    for name, rate in fired.items():
        assert chips.metrics[name.replace("firing_rate", "chip_rate")] == pytest.approx(rate, 0.05)


def test_training_is_that_of_the_same_definition_without_a_chip(tiny):
    alone, put = points(tiny(epochs=2)), points(tiny(epochs=2, chip=IDEAL))
    for one, other in zip(alone, put[:2], strict=True):
        assert all(torch.equal(x, other.network[name]) for name, x in one.network.items())


def test_calibration_brings_back_what_mismatch_took(tiny):
    spec = tiny(**REAL, chip=WRONG, deploy="calibrated")
    *_, trained, before, _, _, after = points(spec)
    lost = trained.metrics["test_accuracy"] - before.metrics["chip_accuracy"]
    assert lost > 20
    assert after.metrics["chip_accuracy"] > before.metrics["chip_accuracy"] + lost / 2
    assert after.metrics["chip_std"] < before.metrics["chip_std"]
    assert after.metrics["chip_updates"] > 0
    assert after.metrics["chip_traffic"] > 0
    assert "chip_accuracy" not in trained.metrics
    assert after.metrics["test_accuracy"] == trained.metrics["test_accuracy"]


@pytest.mark.parametrize("deploy", ["calibrated", "on-chip"])
@pytest.mark.parametrize("store", ["adam", "shadow", "stochastic"])
def test_interrupted_anywhere_it_ends_with_the_same_bits(tiny, tmp_path, deploy, store):
    learning = WRONG["learning"] | {"store": store}
    spec = tiny(epochs=2, chip=WRONG | {"learning": learning}, deploy=deploy, **LOCAL)
    whole = points(spec)
    for kept in whole[:-1]:
        files.save(kept, tmp_path / "kept")
        rest = points(spec, resume=files.load(tmp_path / "kept"))
        assert [p.epoch for p in rest] == [p.epoch for p in whole[kept.epoch :]]
        assert rest[-1].network.keys() == whole[-1].network.keys()
        assert all(torch.equal(x, rest[-1].network[k]) for k, x in whole[-1].network.items())


def test_on_the_chip_weights_are_trained_there_alone(tiny):
    chip = WRONG | {"learning": {"lr": 0.01}}
    spec = tiny(**REAL, chip=chip, deploy="on-chip", **LOCAL)
    first, *_, last = points(spec)
    assert first.metrics["chip_held_out"] < last.metrics["chip_held_out"]
    assert last.metrics["test_accuracy"] == last.metrics["chip_accuracy"] > 40
    assert "test_accuracy" not in first.metrics
    weights = last.network["chips/0/fc1/weight"]
    assert weights.shape[0] == 3
    assert not torch.equal(weights[0], weights[1])


def test_a_digital_chip_computes_in_whole_numbers(tiny):
    spec = tiny(
        epochs=3,
        neuron={"kind": "if", "reset": "hard"},
        chip={"kind": "emulated", "profile": "loihi1"},
    )
    *_, trained, chips = points(spec)
    assert chips.network["chips/accuracy"].shape == (1,)
    assert chips.metrics["chip_accuracy"] == pytest.approx(trained.metrics["test_accuracy"], abs=5)
    assert chips.metrics["chip_latency"] > 0


def test_what_does_not_fit_is_refused_before_training(tiny):
    spec = tiny(chip={"kind": "emulated", "profile": "dynapse2"})
    with pytest.raises(TrainingError, match=r"limits\.fan_in"):
        next(work(spec, seed=1))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"deploy": "calibrated"}, "without a chip"),
        ({"chip": IDEAL | {"profile": "loihi2"}}, "chip must be one of"),
        ({"chip": IDEAL | {"profile": "loihi1", "bits": 7}}, "bits: must be one of"),
        ({"chip": WRONG | {"silencing": 1.5}}, "at most 1"),
        ({"chip": WRONG | {"law": "gaussian"}}, "lognormal"),
        ({"chip": {"kind": "emulated", "profile": "loihi1", "mismatch": 0.1}}, "is digital"),
        ({"chip": WRONG | {"thermal": 0.1}, "neuron": {"kind": "if"}}, "thermal_time"),
        (
            {"chip": {"kind": "emulated", "profile": "truenorth"}, "deploy": "calibrated"},
            "a chip that learns",
        ),
        ({"chip": WRONG, "deploy": "on-chip"}, "got rule.kind 'bptt'"),
        ({"chip": WRONG, "task": {"kind": "gradients"}}, "on the host"),
        ({"chip": WRONG, "task": {"kind": "robustness"}}, "chips of its own"),
    ],
)
def test_what_cannot_be_is_refused_in_words(tiny, changes, message):
    with pytest.raises(SpecError, match=message):
        tiny(**changes)
