"""A trained network on chips that get worse, as a run's task."""

import pytest
import torch

from snnlab.learning import checkpoint as files
from snnlab.learning.checkpoint import Checkpoint
from snnlab.learning.deploy import per_chip
from snnlab.learning.problems import SpecError
from snnlab.learning.work import work


TASK = {
    "kind": "robustness",
    "mismatch": [0.0, 1.5],
    "bits": [],
    "thermal": [0.0],
    "silencing": [0.0, 1.0],
    "chips": 4,
    "images": 100,
}


@pytest.fixture
def spec(tiny):
    return tiny(task=TASK, epochs=2)


def split(items):
    found = list(items)
    points = [item for item in found if isinstance(item, Checkpoint)]
    return [item.phase for item in found if not isinstance(item, Checkpoint)], points


def test_chips_lose_accuracy_with_the_level(spec):
    _, (mismatch, thermal, silencing) = split(work(spec, seed=1))
    ideal = mismatch.metrics["chip_accuracy/mismatch/0"]
    assert ideal > 30  # chance is 10
    assert mismatch.metrics["chip_accuracy/mismatch/1.5"] < ideal
    assert mismatch.metrics["chip_worst/mismatch/1.5"] < mismatch.metrics["chip_high/mismatch/1.5"]
    assert thermal.metrics["chip_accuracy/thermal/0"] == ideal
    assert silencing.metrics["chip_accuracy/silencing/0"] == ideal
    dead = silencing.network["chips/silencing"][1]
    assert torch.equal(dead, dead[:1].expand(4))  # all say the same, whatever they see
    assert silencing.network["chips/mismatch"].shape == (2, 4)


def test_the_network_is_trained_once_and_found_again(spec):
    first, points = split(work(spec, seed=2))
    again, same = split(work(spec, seed=2))
    assert "training" in first
    assert "training" not in again
    assert [p.metrics for p in same] == [p.metrics for p in points]


def test_interrupted_it_goes_on_with_the_next_kind(spec, tmp_path):
    _, whole = split(work(spec, seed=1))
    files.save(whole[0], tmp_path / "kept")
    _, rest = split(work(spec, seed=1, resume=files.load(tmp_path / "kept")))
    assert [(p.epoch, p.metrics) for p in rest] == [(p.epoch, p.metrics) for p in whole[1:]]
    assert spec.task.checkpoints(spec) == whole[-1].epoch == 3


def test_neurons_that_never_leak_gather_noise_for_the_time_that_is_given(tiny):
    noise = TASK | {"mismatch": [], "silencing": [], "thermal": [0.0, 3.0], "thermal_time": 1.0}
    spec = tiny(neuron={"kind": "if"}, task=noise, epochs=2)
    _, (thermal,) = split(work(spec, seed=1))
    assert thermal.metrics["chip_accuracy/thermal/3"] < thermal.metrics["chip_accuracy/thermal/0"]
    wrong = spec.task.flaws("thermal", 3.0).thermal
    assert wrong.step(torch.ones(1), torch.ones(1), 0.0, 1e-3).item() == pytest.approx(3.0)


def test_calibrated_chips_are_tested_after_the_first_and_the_last_pass(tiny, tmp_path):
    chip = {"kind": "emulated", "learning": {"epochs": 3, "lr": 0.003}}
    spec = tiny(dataset={"kind": "mnist-5k"}, task=TASK, epochs=2, chip=chip, deploy="calibrated")
    _, whole = split(work(spec, seed=1))
    assert spec.task.checkpoints(spec) == len(whole) == 3 + 5
    found = per_chip(whole[-1].network)
    assert [len(row) for row in found["learned/mismatch/1.5"]] == [4, 4]
    before = whole[0].metrics["chip_accuracy/mismatch/1.5"]
    after = whole[4].metrics["chip_accuracy/mismatch/1.5/3"]
    assert after > before + 10
    assert whole[4].metrics["chip_updates"] > 0
    dead = found["learned/silencing/1"][1]
    assert len(set(dead)) == 1  # no neuron is left that could learn
    files.save(whole[3], tmp_path / "kept")
    _, rest = split(work(spec, seed=1, resume=files.load(tmp_path / "kept")))
    assert [(p.epoch, p.metrics) for p in rest] == [(p.epoch, p.metrics) for p in whole[4:]]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"task": TASK | {"silencing": [1.1]}}, "silen"),
        ({"task": TASK | {"mismatch": [-0.1]}}, "at least 0"),
        ({"task": TASK | {"bits": [1.0]}}, "bits"),
        (
            {"neuron": {"kind": "if"}, "task": TASK | {"thermal": [0.2]}},
            r"task\.thermal: 0\.2 .* Give task\.thermal_time",
        ),
        (
            {
                "task": {
                    "kind": "robustness",
                    "mismatch": [],
                    "bits": [],
                    "thermal": [],
                    "silencing": [],
                }
            },
            "there is no level of any kind",
        ),
    ],
)
def test_levels_that_no_chip_has_are_refused(tiny, changes, message):
    with pytest.raises(SpecError, match=message):
        tiny(**changes)


def test_what_no_chip_can_run_is_refused_before_it_is_queued(tiny):
    with pytest.raises(SpecError, match="cannot be put onto a chip"):
        tiny(task=TASK, network={"kind": "resnet", "depth": 20, "width": 0.1})
