import math

import pytest
import torch

from hardware.energy import Energy
from snnlab.learning.checkpoint import Checkpoint, load, save, weights_digest
from snnlab.learning.deploy import costs
from snnlab.learning.errors import DataError, NonFiniteLoss, TrainingError
from snnlab.learning.metrics import METRICS, metric
from snnlab.learning.presets import presets
from snnlab.learning.rules.bptt import BPTT
from snnlab.learning.spec import Spec
from snnlab.learning.train import Step, train
from snnlab.learning.work import work


def split_items(items):
    items = list(items)
    return [i for i in items if isinstance(i, Step)], [
        i for i in items if isinstance(i, Checkpoint)
    ]


def test_steps_tell_the_way_and_checkpoints_the_results(tiny):
    steps, checkpoints = split_items(train(tiny(epochs=2), seed=1))
    assert [(s.epoch, s.batch, s.batches) for s in steps] == [
        (epoch, batch, 4) for epoch in (1, 2) for batch in (1, 2, 3, 4)
    ]
    assert [c.epoch for c in checkpoints] == [1, 2]


def test_only_the_last_checkpoint_has_read_the_test_images(tiny):
    _, (first, last) = split_items(train(tiny(epochs=2), seed=1))
    assert "test_accuracy" not in first.metrics
    assert {"test_accuracy", "test_loss", "parameters"} <= last.metrics.keys()


def test_every_number_reported_is_a_defined_metric_and_every_metric_is_reported(tiny):
    taught = tiny(rule={"kind": "ltl-offline", "teacher_epochs": 1}, epochs=1)
    grid = tiny(task={"kind": "gradients", "widths": [1.0]})
    flawed = {
        "kind": "robustness",
        "bits": [],
        "thermal": [],
        "silencing": [],
        "chips": 2,
        "images": 20,
    }
    deployed = tiny(epochs=1, chip={"kind": "emulated", "images": 20}, deploy="calibrated")
    reported = {*costs(Energy(1.0, {}, 1.0, 1.0, ()))}  # such as no one chip of ours has
    for spec in (taught, grid, tiny(task=flawed, epochs=1), deployed):
        *_, last = work(spec, seed=1)
        reported |= last.metrics.keys()
    assert all(metric(name).definition for name in reported)
    assert {name.partition("/")[0] for name in reported} == METRICS.keys()


@pytest.mark.parametrize("encoder", ["direct", "poisson"])
@pytest.mark.parametrize("network", [{"kind": "mlp"}, {"kind": "convnet", "channels": [4, 4]}])
def test_a_resumed_training_ends_with_the_same_bits(tiny, tmp_path, encoder, network):
    spec = tiny(encoder={"kind": encoder}, network=network)
    _, straight = split_items(train(spec, seed=1))
    save(straight[0], tmp_path / "checkpoint")
    _, resumed = split_items(train(spec, seed=1, resume=load(tmp_path / "checkpoint")))
    assert [c.epoch for c in resumed] == [2, 3]
    assert weights_digest(resumed[-1]) == weights_digest(straight[-1])
    assert resumed[-1].metrics["test_loss"] == straight[-1].metrics["test_loss"]


def test_later_training_does_not_change_an_earlier_checkpoint(tiny):
    items = train(tiny(), seed=1)
    first = next(item for item in items if isinstance(item, Checkpoint))
    before = weights_digest(first), first.optimizer["state"][0]["exp_avg"].clone()
    list(items)
    assert weights_digest(first) == before[0]
    assert torch.equal(first.optimizer["state"][0]["exp_avg"], before[1])


def test_a_loss_that_is_no_number_ends_training_with_its_reason(tiny, monkeypatch):
    monkeypatch.setattr(BPTT, "updates", lambda *_: iter([math.nan]))
    with pytest.raises(
        NonFiniteLoss, match=r"the loss became nan in epoch 1\. Lower optimizer\.lr"
    ):
        next(train(tiny(), seed=1))
    assert NonFiniteLoss.reason == "non_finite_loss"


def test_a_dead_network_is_seen_in_its_firing_rate(tiny):
    spec = tiny(neuron={"kind": "lif", "v_threshold": 1e6}, epochs=1)
    _, checkpoints = split_items(train(spec, seed=1))
    assert checkpoints[-1].metrics["firing_rate"] == 0


def test_too_few_images_are_refused(tiny):
    with pytest.raises(DataError, match="1 images are too few"):
        next(train(tiny(dataset={"kind": "mnist-5k", "train_size": 1}), seed=1))


def test_a_batch_larger_than_the_data_is_one_batch_of_all(tiny):
    steps, _ = split_items(train(tiny(batch_size=10_000, epochs=1), seed=1))
    assert [(s.batch, s.batches) for s in steps] == [(1, 1)]


@pytest.mark.parametrize("name", presets())
def test_every_preset_is_a_valid_definition_with_title_and_description(name):
    preset = presets()[name]
    assert Spec.from_toml(preset.text) == Spec.parse(preset.definition)
    assert preset.title
    assert preset.description


def test_a_checkpoint_of_another_definition_or_seed_is_refused(tiny):
    _, checkpoints = split_items(train(tiny(epochs=1), seed=1))
    for spec, seed in (tiny(epochs=2), 1), (tiny(epochs=1), 2):
        with pytest.raises(TrainingError, match="Resume with what was interrupted"):
            next(train(spec, seed=seed, resume=checkpoints[0]))
