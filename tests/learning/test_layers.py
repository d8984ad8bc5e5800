"""Spikes that only pooling reads are not stored, and no result shows it."""

import pytest
import torch

from snnlab.learning import layers
from snnlab.learning.kernels import cpu
from snnlab.learning.layers import MaxPool
from snnlab.learning.networks.convnet import ConvNet
from snnlab.learning.networks.vgg import VGG
from snnlab.learning.neurons.alif import ALIF
from snnlab.learning.neurons.if_ import IF
from snnlab.learning.neurons.lif import LIF


NEURONS = [
    IF(),
    LIF(reset="hard", detach_reset=False, scale_input=True, surrogate="arctan"),
    LIF(surrogate="gaussian"),
    LIF(refractory=2),
    ALIF(),
]
NETWORKS = [
    (ConvNet(channels=(4, 6), kernel=3), (1, 12, 8)),
    (ConvNet(channels=(3, 5), kernel=3, norm="tebn"), (3, 7, 10)),
    (VGG(depth=9, width=0.05), (3, 32, 32)),
]


def gradients(network, forward, x):
    """Outputs, gradients and running statistics of a training step."""
    network.zero_grad()
    outputs = forward(x)
    outputs.square().sum().backward()
    return [outputs.detach(), *(p.grad for p in network.parameters())]


@pytest.mark.parametrize("neuron", NEURONS, ids=str)
@pytest.mark.parametrize(("part", "shape"), NETWORKS, ids=str)
@pytest.mark.parametrize("constant", [False, True])
def test_pooling_at_once_gives_the_bits_of_pooling_after(neuron, part, shape, constant):
    network = part.build(shape, 7, neuron, time_steps=3, seed=1)
    x = torch.rand(3, 5, *shape, generator=torch.Generator().manual_seed(2)) * 2
    x = x[:1].expand_as(x) if constant else x
    mine, plain = (gradients(network, f, x) for f in (network, network.layers))
    assert plain[0].any()
    assert all(map(torch.equal, mine, plain))


@pytest.fixture
def network():
    return ConvNet(channels=(4,), kernel=3).build((1, 8, 8), 3, LIF(), time_steps=2)


def pooled_after(monkeypatch, network):
    """How many times pooling had spikes to read."""
    read, plain = [], layers.largest
    monkeypatch.setattr(layers, "largest", lambda x: read.append(x) or plain(x))
    network(torch.rand(2, 3, 1, 8, 8))
    return len(read)


@pytest.mark.skipif(not cpu.kernel(), reason="no C compiler here")
def test_spikes_that_only_pooling_reads_are_not_stored(monkeypatch, network):
    assert pooled_after(monkeypatch, network) == 0


def test_whoever_watches_a_population_sees_all_its_spikes(monkeypatch, network):
    seen = []
    network.layers[0].register_forward_hook(lambda _, __, spikes: seen.append(spikes))
    assert pooled_after(monkeypatch, network) == 1
    assert seen[0].shape == (2, 3, 4, 8, 8)


def test_whoever_watches_the_pooling_sees_it(network):
    seen = []
    assert isinstance(network.layers[1], MaxPool)
    network.layers[1].register_forward_hook(lambda _, inputs, __: seen.extend(inputs))
    network(torch.rand(2, 3, 1, 8, 8))
    assert seen[0].shape == (2, 3, 4, 8, 8)
