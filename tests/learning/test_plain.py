"""What is put onto a chip computes what was trained."""

import pytest
import torch

from snnlab.learning.errors import TrainingError
from snnlab.learning.networks.convnet import ConvNet
from snnlab.learning.networks.mlp import MLP
from snnlab.learning.networks.resnet import ResNet
from snnlab.learning.networks.vgg import VGG
from snnlab.learning.neurons.alif import ALIF
from snnlab.learning.neurons.if_ import IF
from snnlab.learning.neurons.lif import LIF
from snnlab.learning.plain import plain


NETWORKS = [
    (MLP(hidden=(12, 8)), (1, 4, 4)),
    (ConvNet(channels=(3, 5), kernel=3), (2, 8, 8)),
    (ConvNet(channels=(3,), kernel=5, pool="average", norm="none"), (1, 8, 8)),
    (VGG(depth=9, width=0.05, pool="stride"), (3, 8, 8)),
    (MLP(hidden=(6,), readout="count"), (1, 4, 4)),
]
LIVELY = 0.1  # a threshold at which untrained networks fire
NEURONS = [
    IF(v_threshold=LIVELY),
    LIF(tau=3, v_threshold=LIVELY),
    LIF(v_threshold=LIVELY, reset="hard", v_reset=0.05, scale_input=True, refractory=2),
]


@pytest.mark.parametrize("neuron", NEURONS, ids=["if", "lif", "lif-hard"])
@pytest.mark.parametrize(("network", "shape"), NETWORKS)
@torch.no_grad()
def test_the_plain_network_says_what_the_trained_one_says(network, shape, neuron):
    built = network.build(shape, 4, neuron, seed=1).double()
    for module in built.modules():  # statistics and scales as a training leaves them
        if isinstance(module, torch.nn.BatchNorm1d | torch.nn.BatchNorm2d):
            module.running_mean.uniform_(-0.2, 0.2)
            module.running_var.uniform_(0.5, 1.5)
            module.weight.uniform_(0.5, 1.5)
    images = torch.rand(1, 6, *shape, dtype=torch.float64)
    expected = built.eval()(images.expand(5, *images.shape[1:]))
    said = plain(built, shape).run(images, 5)
    assert expected.abs().sum() > 0
    torch.testing.assert_close(said, expected, rtol=1e-9, atol=1e-9)


@torch.no_grad()
def test_without_a_norm_every_bit_is_the_same():
    network = ConvNet(channels=(3, 5), kernel=3, norm="none")
    built = network.build((1, 8, 8), 4, LIF(), seed=1).double()  # one way to multiply in 64 bit
    x = torch.rand(7, 6, 1, 8, 8, dtype=torch.float64)
    assert torch.equal(plain(built, (1, 8, 8)).run(x), built.eval()(x))


def test_a_step_is_as_long_as_the_neurons_say():
    assert plain(MLP().build((1, 4, 4), 4, LIF(dt=0.5), seed=1), (1, 4, 4)).dt == 5e-4


@pytest.mark.parametrize(
    ("network", "neuron", "message"),
    [
        (ResNet(depth=20), LIF(), "cannot be put onto a chip"),
        (MLP(readout="potential"), LIF(), "layer output .Potential. cannot be put onto a chip"),
        (MLP(), ALIF(), "neuron: ALIF of layer fc1"),
        (MLP(norm="tebn"), LIF(), "cannot be folded"),
    ],
)
def test_what_no_chip_has_is_refused(network, neuron, message):
    built = network.build((1, 8, 8), 4, neuron, time_steps=2, seed=1)
    with pytest.raises(TrainingError, match=message):
        plain(built, (1, 8, 8))
