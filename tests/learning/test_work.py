"""A run's task decides what is done with its definition."""

import math

import pytest

from snnlab.learning import checkpoint as files
from snnlab.learning.checkpoint import Checkpoint
from snnlab.learning.diagnosis import diagnose
from snnlab.learning.problems import SpecError
from snnlab.learning.spec import Spec
from snnlab.learning.work import work


GRID = {"kind": "gradients", "widths": [0.1, 3.0], "depths": [2, 4]}


def points(spec, **how):
    return [item for item in work(spec, seed=1, **how) if isinstance(item, Checkpoint)]


def test_a_grid_of_gradients_has_a_checkpoint_for_each_point(tiny):
    spec = tiny(task=GRID)
    found = points(spec)
    assert [point.epoch for point in found] == [1, 2, 3, 4]
    assert spec.task.checkpoints(spec) == 4
    measured = diagnose(spec, widths=(3.0,), depths=(4,))
    expected = {f"log10_gradient/{g.layer}": g.log10_norm for g in measured}
    assert found[-1].metrics == expected
    assert len(expected) == 5


def test_an_interrupted_grid_goes_on_at_its_next_point(tiny, tmp_path):
    spec = tiny(task=GRID)
    whole = points(spec)
    files.save(whole[1], tmp_path / "kept")
    rest = points(spec, resume=files.load(tmp_path / "kept"))
    assert [(p.epoch, p.metrics) for p in rest] == [(p.epoch, p.metrics) for p in whole[2:]]


def test_a_gradient_of_nothing_is_no_number(tiny):
    (point,) = points(tiny(task={"kind": "gradients", "widths": [1e-6], "depths": [50]}))
    assert math.isnan(point.metrics["log10_gradient/fc1"])


def test_training_is_the_task_unless_another_is_given(tiny):
    spec = tiny(epochs=1)
    assert spec.task.kind == "train"
    assert "test_accuracy" in points(spec)[-1].metrics
    assert Spec.parse(spec.model_dump(mode="json") | {"task": {"kind": "train"}}) == spec


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"neuron": {"kind": "clipped-relu"}}, "does not spike"),
        ({"network": {"kind": "convnet"}, "task": GRID}, "Set network.kind to mlp"),
        ({"task": {"kind": "gradients", "widths": [0.0]}}, "must be greater than 0"),
        ({"task": {"kind": "gradients", "widths": []}}, "at least 1 entries"),
        (
            {"task": GRID | {"widths": [1.0] * 100, "heights": [1.0] * 100}},
            "at most 1000 points, got 20000",
        ),
    ],
)
def test_a_grid_that_cannot_be_measured_is_refused(tiny, changes, message):
    with pytest.raises(SpecError, match=message):
        tiny(**{"task": {"kind": "gradients"}, **changes})
