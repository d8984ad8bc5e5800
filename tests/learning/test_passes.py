"""Storing less and rounding more: what stays the same to the bit, and what does not."""

import pytest
import torch

from snnlab.learning import machine
from snnlab.learning.checkpoint import Checkpoint, weights_digest
from snnlab.learning.errors import TrainingError
from snnlab.learning.linear import Linear
from snnlab.learning.networks.convnet import ConvNet
from snnlab.learning.networks.mlp import MLP
from snnlab.learning.networks.resnet import ResNet
from snnlab.learning.networks.vgg import VGG
from snnlab.learning.neurons.lif import LIF
from snnlab.learning.neurons.plif import PLIF
from snnlab.learning.problems import SpecError
from snnlab.learning.train import train


NETWORKS = [
    (ConvNet(channels=(4, 6), kernel=3, readout="count"), (1, 12, 8)),
    (VGG(depth=9, width=0.05, norm="tebn"), (3, 32, 32)),
    (ResNet(depth=20, width=0.25, norm="bntt"), (3, 8, 8)),
]


def after_a_step(network, x):
    outputs = network(x)
    outputs.square().sum().backward()
    return [outputs.detach(), *(p.grad for p in network.parameters()), *network.buffers()]


@pytest.mark.parametrize("neuron", [LIF(), PLIF()], ids=str)
@pytest.mark.parametrize(("part", "shape"), NETWORKS, ids=str)
@pytest.mark.parametrize("constant", [False, True])
def test_recomputing_changes_no_bit(neuron, part, shape, constant):
    x = torch.rand(3, 5, *shape, generator=torch.Generator().manual_seed(2)) * 2
    x = x[:1].expand_as(x) if constant else x
    results = []
    for recompute in False, True:
        network = part.build(shape, 7, neuron, time_steps=3, seed=1)
        network.recompute = recompute
        results.append(after_a_step(network, x))
    assert results[0][0].any()
    assert all(map(torch.equal, *results))


def stored(network, x):
    """Numbers that the graph holds when all is computed forward, without the weights."""
    kept = {}

    def keep(tensor):
        kept[tensor.data_ptr()] = tensor.numel()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        outputs = network(x)
    nodes, seen = [outputs.grad_fn], set()
    while nodes:
        node = nodes.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        nodes += [before for before, _ in node.next_functions]
        if (own := getattr(node, "kept", None)) is not None:
            keep(own)
    weights = {p.data_ptr() for p in network.parameters()} | {x.data_ptr()}
    return sum(size for place, size in kept.items() if place not in weights)


def test_what_is_recomputed_is_not_stored():
    network = VGG(depth=9, width=0.1).build((3, 32, 32), 7, LIF(), time_steps=4)
    x = torch.rand(4, 2, 3, 32, 32)
    store = stored(network, x)
    network.recompute = True
    assert stored(network, x) < 0.3 * store


def weights(spec):
    *_, last = (item for item in train(spec, seed=1) if isinstance(item, Checkpoint))
    return weights_digest(last), last.metrics


def test_a_training_that_recomputes_ends_with_the_same_bits(tiny):
    convnet = {"kind": "convnet", "channels": [4, 4]}
    plain = tiny(network=convnet, epochs=1)
    thrifty = tiny(network=convnet, epochs=1, memory="recompute")
    assert plain.digest() != thrifty.digest()
    assert weights(plain)[0] == weights(thrifty)[0]


def test_a_rule_that_looks_into_the_network_does_not_recompute(tiny):
    with pytest.raises(SpecError, match="memory: recompute needs a rule"):
        tiny(rule={"kind": "ottt"}, memory="recompute")


needs_bfloat16 = pytest.mark.skipif(
    not machine.has_bfloat16("cpu"), reason="no bfloat16 in this processor"
)


@needs_bfloat16
@pytest.mark.parametrize("network", [{"kind": "mlp"}, {"kind": "convnet", "channels": [8]}])
def test_bfloat16_learns(tiny, network):
    digest, metrics = weights(tiny(network=network, precision="bfloat16"))
    exact, expected = weights(tiny(network=network))
    assert digest != exact
    assert metrics["test_accuracy"] > 30  # chance: 10
    assert abs(metrics["test_accuracy"] - expected["test_accuracy"]) < 15


@needs_bfloat16
def test_bfloat16_rounds_weights_and_nothing_else():
    """Spikes are exact in it, and the neurons go on with 32 bits."""
    network = MLP(hidden=(20,), norm="none").build((1, 4, 4), 3, LIF())
    network.precision = "bfloat16"
    seen = []
    network.layers[1].register_forward_hook(lambda layer, x, y: seen.extend((*x, y)))
    outputs = network(torch.rand(5, 6, 1, 4, 4))
    assert {tensor.dtype for tensor in (*seen, outputs)} == {torch.float32}
    outputs.sum().backward()
    assert all(p.grad.dtype == torch.float32 for p in network.parameters())


@needs_bfloat16
def test_bfloat16_is_used_by_our_linear_layers():
    with torch.autocast("cpu", torch.bfloat16):
        assert Linear(4, 3)(torch.rand(2, 4)).dtype == torch.bfloat16


@needs_bfloat16
def test_recomputing_is_exact_in_bfloat16():
    results = []
    for recompute in False, True:
        network = ConvNet(channels=(8,)).build((1, 8, 8), 3, LIF(), time_steps=3)
        network.recompute, network.precision = recompute, "bfloat16"
        x = torch.rand(3, 5, 1, 8, 8, generator=torch.Generator().manual_seed(2))
        results.append(after_a_step(network, x))
    assert all(map(torch.equal, *results))


def test_bfloat16_is_refused_where_it_would_be_imitated(tiny, monkeypatch):
    monkeypatch.setattr(machine, "has_bfloat16", lambda _: False)
    with pytest.raises(TrainingError, match="bfloat16 needs a processor that computes with it"):
        next(train(tiny(precision="bfloat16"), seed=1))
