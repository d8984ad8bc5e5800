"""What a finished training shows of itself is true, bounded, and leaves no trace."""

import pytest
import torch

from snnlab.learning import portrait, train
from snnlab.learning.checkpoint import load, save, weights_digest
from snnlab.learning.portrait import confusion, gradient_norms, spread
from snnlab.learning.presets import presets
from snnlab.learning.rules.bptt import BPTT
from snnlab.learning.spec import Spec
from snnlab.learning.stepping import spiking, watched
from snnlab.learning.train import Training
from snnlab.learning.work import work
from tests.learning.conftest import TINY


def test_a_confusion_matrix_counts_by_hand():
    labels, predicted = torch.tensor([0, 0, 1, 2, 2, 2]), torch.tensor([0, 1, 1, 0, 2, 2])
    assert confusion(labels, predicted, 3).tolist() == [[1, 1, 0], [0, 1, 0], [1, 0, 2]]


@pytest.fixture
def trained(tiny):
    """A training that has ended, and its last checkpoint."""

    def make(**changes):
        training = Training(tiny(epochs=1, **changes), "cpu", 1)
        assert not list(training.prepare(resumed=False))
        *_, last = train.trained(training, after=0)
        return training, last

    return make


def test_a_portrait_that_cannot_be_drawn_does_not_cost_the_run(trained, monkeypatch):
    def fails(*_):
        raise torch.OutOfMemoryError("no memory left")

    monkeypatch.setattr(portrait, "passage", fails)
    _, last = trained()
    assert (last.portrait, last.epoch) == ({}, 1)
    assert "test_accuracy" in last.metrics


@pytest.mark.parametrize(
    "network", [{"kind": "mlp", "hidden": [100]}, {"kind": "convnet", "channels": [4, 4]}]
)
def test_the_raster_is_the_networks_own_spikes(trained, network):
    training, last = trained(network=network)
    own = {}
    with torch.no_grad(), watched(training.network, lambda n, s: own.update({n: s}) or None):
        training.network.eval()(training.encode(training.test.images[:1]))
    assert own
    for place, (name, spikes) in enumerate(own.items()):
        assert last.portrait[f"place/{name}"] == place
        flat, shown = spikes[:, 0].flatten(1), last.portrait[f"neurons/{name}"]
        assert torch.equal(last.portrait[f"raster/{name}"].float(), flat[:, shown])
        assert last.portrait[f"size/{name}"] == flat.shape[1]


@pytest.mark.parametrize("kind", ["if", "lif", "alif", "cuba-lif"])
def test_a_potential_goes_over_its_threshold_where_the_neuron_fires(trained, kind):
    neuron = {"kind": kind, "reset": "soft"}
    training, last = trained(neuron=neuron, time_steps=6)
    name = next(iter(spiking(training.network)))
    chosen, raster = last.portrait[f"traced/{name}"], last.portrait[f"raster/{name}"]
    place = {int(n): i for i, n in enumerate(last.portrait[f"neurons/{name}"])}
    fired = raster[:, [place[int(n)] for n in chosen]]
    potential, threshold = last.portrait[f"potential/{name}"], last.portrait[f"threshold/{name}"]
    assert potential.shape == fired.shape
    if kind in ("if", "lif"):  # others have more state than the potential
        assert ((potential + threshold * fired >= threshold - 1e-5) == fired.bool()).all()
    counts = raster.sum(0)
    assert fired.sum(0).tolist() == sorted(counts.tolist(), reverse=True)[: len(chosen)]


def test_the_matrix_and_the_pictures_agree_with_the_accuracy(trained):
    training, last = trained()
    matrix = last.portrait["confusion"]
    right = 100 * matrix.diag().sum().item() / matrix.sum().item()
    assert right == pytest.approx(last.metrics["test_accuracy"])
    labels, images = last.portrait["wrong/labels"], last.portrait["wrong/images"]
    assert 0 < len(labels) == len(images) <= portrait.MOST_WRONG
    assert (labels[:, 0] != labels[:, 1]).all()
    first = int((training.predicted != training.test.labels).nonzero()[0])
    assert torch.equal(images[0], training.test.images[first])


def test_a_portrait_leaves_no_trace(tiny, monkeypatch):
    spec = tiny(epochs=2, encoder={"kind": "poisson"})
    *_, drawn = train.train(spec, seed=1)
    monkeypatch.setattr(train, "drawn", lambda _: {})
    *_, plain = train.train(spec, seed=1)
    assert drawn.portrait
    assert not plain.portrait
    assert weights_digest(drawn) == weights_digest(plain)
    assert torch.equal(drawn.generator, plain.generator)
    apart = {"seconds"}
    assert {k: v for k, v in drawn.metrics.items() if k not in apart} == {
        k: v for k, v in plain.metrics.items() if k not in apart
    }


def test_only_the_last_checkpoint_has_one_and_its_file_keeps_it(tiny, tmp_path):
    found = [item for item in train.train(tiny(epochs=2), seed=1) if hasattr(item, "portrait")]
    assert [bool(each.portrait) for each in found] == [False, True]
    save(found[-1], tmp_path / "last")
    again = load(tmp_path / "last")
    assert again.portrait.keys() == found[-1].portrait.keys()
    assert all(torch.equal(again.portrait[k], v) for k, v in found[-1].portrait.items())
    assert not any("portrait" in name for name in again.network)


def test_what_goes_on_after_the_training_hands_the_portrait_on(tiny):
    chip = {"kind": "emulated", "images": 20, "chips": 2}
    *_, last = work(tiny(epochs=1, chip=chip), seed=1)
    assert "confusion" in last.portrait


def test_a_rule_without_gradients_has_none_and_its_spikes_are_still_shown():
    definition = presets()["mnist-stdp"].definition | {"time_steps": 20, "epochs": 1}
    network = definition["network"] | {"neurons": 20}
    dataset = {"kind": "mnist-5k", "train_size": 50}
    spec = Spec.parse(definition | {"network": network, "dataset": dataset})
    *_, last = train.train(spec, seed=1)
    assert "gradient_norm" not in last.metrics
    assert any(name.startswith("raster/") for name in last.portrait)


def test_gradient_norms_are_those_of_the_last_batch(tiny):
    training = Training(tiny(epochs=1), "cpu", 1)
    list(training.prepare(resumed=False))
    for step in training.epoch(1):
        if step.batch < step.batches:
            assert training.gradients == {}
    assert training.gradients["gradient_norm"] > 0
    network, samples = training.network, training.train[torch.arange(5)]
    list(BPTT().updates(network, training.encode(samples.images), samples.labels))
    norms = gradient_norms(network)
    named = {n: m for n, m in network.layers.named_modules() if isinstance(m, torch.nn.Linear)}
    squares = [float(m.weight.grad.square().sum()) for m in named.values()]
    assert norms["gradient_norm"] == pytest.approx(sum(squares) ** 0.5)
    assert len(norms) == len(named) + 1


NEURONS = ("if", "lif", "plif", "alif", "cuba-lif", "izhikevich", "qcfs", "clipped-relu")
NETWORKS = (
    {"kind": "mlp", "hidden": [9]},
    {"kind": "mlp", "hidden": [9], "norm": "bntt", "readout": "count"},
    {"kind": "convnet", "channels": [2, 3], "norm": "tebn", "readout": "first"},
    {"kind": "convnet", "channels": [2, 3], "norm": "none", "readout": "potential"},
    {"kind": "resnet", "depth": 20},
)


@pytest.mark.parametrize(
    "network", NETWORKS, ids=lambda network: "-".join(map(str, network.values()))
)
@pytest.mark.parametrize("kind", NEURONS)
def test_an_image_passes_through_every_neuron_and_network(kind, network):
    trains = {"train_v_threshold": True} if kind in ("if", "lif", "plif") else {}
    definition = TINY | {"neuron": {"kind": kind} | trains, "network": network, "time_steps": 2}
    if kind in ("qcfs", "clipped-relu"):
        definition |= {"time_steps": 1}
    training = Training(Spec.parse(definition), "cpu", 1)
    list(training.prepare(resumed=False))
    found = portrait.passage(training, training.test.images[:1])
    analog = kind in ("qcfs", "clipped-relu")
    assert any(name.startswith("raster/") for name in found) is not analog
    for name, potential in found.items():
        if name.startswith("potential/"):
            assert potential.shape[0] == training.spec.time_steps
            assert 0 < potential.shape[1] <= portrait.MOST_TRACES
            assert not potential.requires_grad


def test_few_neurons_are_spread_over_all():
    assert spread(5).tolist() == [0, 1, 2, 3, 4]
    assert (spread(1000)[0], spread(1000)[-1], len(spread(1000))) == (0, 999, 64)
