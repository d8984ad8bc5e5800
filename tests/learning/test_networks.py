"""Shapes of networks: their sizes by hand, their analog twins, and what they refuse."""

from itertools import pairwise

import pytest
import torch
from torch import nn

from snnlab.learning.energy import metered
from snnlab.learning.network import Network
from snnlab.learning.networks.resnet import SHAPES, ResNet
from snnlab.learning.networks.vgg import VGG
from snnlab.learning.neurons.clipped_relu import ClippedReLU
from snnlab.learning.neurons.if_ import IF
from snnlab.learning.neurons.lif import LIF
from snnlab.learning.part import members
from snnlab.learning.rules.bptt import BPTT


SMALL = [
    *(VGG(depth=depth, pool=pool, width=0.05) for depth in (9, 16) for pool in ("max", "stride")),
    VGG(depth=13, pool="average", width=0.05),
    *(ResNet(depth=depth, width=0.05) for depth in SHAPES),
    ResNet(depth=20, width=0.2, zero_start=False, norm="none"),
]
EVERY = pytest.mark.parametrize("network", SMALL, ids=lambda n: f"{n.kind}-{n.depth}-{n.norm}")


def convolutions(maps, kernel=3):
    """Weights between a row of maps: a x b x kernel^2 each."""
    return sum(a * b * kernel**2 for a, b in pairwise(maps))


def awake(network):
    """Without blocks that begin as the identity: nothing inside them would be seen."""
    return (
        ResNet(**network.model_dump() | {"zero_start": False}) if "res" in network.kind else network
    )


VGG11 = (3, 64, 128, 256, 256, 512, 512, 512, 512)
VGG13 = (3, 64, 64, 128, 128, 256, 256, 512, 512, 512, 512)
VGG16 = (3, 64, 64, 128, 128, 256, 256, 256, 512, 512, 512, 512, 512, 512)
HEAD = 512 * 512 + 512 + 512 * 10 + 10


@pytest.mark.parametrize(
    ("network", "expected"),
    [
        # 9,220,480, 9,404,992 and 14,714,688 are the convolutions of torchvision's VGG as well
        (VGG(depth=11, norm="none"), 9_220_480 + 512 * 512 + 512 + HEAD),
        (VGG(depth=13, norm="none"), 9_404_992 + 512 * 512 + 512 + HEAD),
        (VGG(depth=16, norm="none"), 14_714_688 + 512 * 512 + 512 + HEAD),
        (VGG(depth=11, norm="none", pool="stride"), 9_220_480 + 2048 * 512 + 512 + HEAD),
        (VGG(depth=16, norm="none", pool="stride"), 14_714_688 + 2048 * 512 + 512 + HEAD),
        (
            VGG(depth=11),
            convolutions(VGG11) + 2 * sum(VGG11[1:]) + 2 * (512 * 512 + 2 * 512) + 512 * 10 + 10,
        ),
        (
            VGG(depth=9, norm="none"),
            convolutions((3, 64, 64, 128, 128, 256, 256, 256))
            + (2 * 64 + 2 * 128 + 3 * 256)
            + (256 * 4 * 4 * 1024 + 1024)
            + (1024 * 10 + 10),
        ),
        # the usual networks for CIFAR-10, with projections, have these sizes
        (ResNet(depth=18), 11_173_962),
        (ResNet(depth=34), 21_282_122),
        (ResNet(depth=50), 23_520_842),
        (ResNet(depth=20), 272_474),
        (
            ResNet(depth=19),
            (3 * 128 * 9 + 256)
            + 6 * (128 * 128 * 9 + 256)
            + (128 * 256 * 9 + 512 + 5 * (256 * 256 * 9 + 512) + 128 * 256 + 512)
            + (256 * 512 * 9 + 1024 + 3 * (512 * 512 * 9 + 1024) + 256 * 512 + 1024)
            + (512 * 256 + 512 + 256 * 10 + 10),
        ),
    ],
    ids=lambda value: f"{value.kind}-{value.depth}" if isinstance(value, Network) else str(value),
)
def test_the_number_of_weights_is_that_of_the_published_shape(network, expected):
    assert network.parameters((3, 32, 32), 10, LIF()) == expected


def test_the_strided_vgg_16_halves_where_the_official_code_of_ltl_does():
    """64, 64, 128, 128/s2, 256, 256, 256/s2, 512, 512, 512/s2, 512, 512, 512/s2."""
    layers = VGG(depth=16, pool="stride", width=0.1).layers((3, 32, 32), 10, LIF())
    strides = [x.synapse.stride[0] for name, x in layers.items() if "conv" in name]
    assert strides == [1, 1, 1, 2, 1, 1, 2, 1, 1, 2, 1, 1, 2]


def test_the_strided_vgg_11_halves_where_the_official_code_of_ltl_does():
    """64, 128/s2, 256, 256/s2, 512, 512/s2, 512, 512/s2."""
    layers = VGG(depth=11, pool="stride", width=0.1).layers((3, 32, 32), 10, LIF())
    strides = [x.synapse.stride[0] for name, x in layers.items() if "conv" in name]
    assert strides == [1, 2, 1, 2, 1, 2, 1, 2]


@EVERY
def test_depth_is_the_number_of_layers_with_weights(network):
    built = network.build((3, 32, 32), 10, LIF())
    synapses = [m for m in built.modules() if isinstance(m, nn.Linear | nn.Conv2d)]
    projections = [m for name, m in built.named_modules() if name.endswith("project.synapse")]
    assert len(synapses) - len(projections) == network.depth


@EVERY
def test_every_layer_learns(network):
    built = awake(network).build((3, 32, 32), 10, LIF(v_threshold=0.5))
    [loss] = BPTT().updates(built, torch.rand(3, 4, 3, 32, 32), torch.tensor([0, 1, 2, 3]))
    assert loss < 10
    for name, parameter in built.named_parameters():
        assert parameter.grad is not None, name
    first = next(p for p in built.parameters())
    assert first.grad.abs().max() > 0


@EVERY
def test_with_an_analog_neuron_it_is_the_analog_network_of_the_same_shape(network):
    spiking, analog = (network.build((3, 32, 32), 10, n, seed=1) for n in (LIF(), ClippedReLU()))
    weights = spiking.state_dict()
    assert weights.keys() == analog.state_dict().keys()
    assert all(torch.equal(w, weights[name]) for name, w in analog.state_dict().items())
    image = torch.rand(2, 3, 32, 32)
    scores = analog(image.expand(3, *image.shape))
    torch.testing.assert_close(scores[0], scores[2])


@EVERY
def test_a_constant_input_is_the_same_as_its_repetition(network):
    built = awake(network).build((3, 32, 32), 10, LIF(v_threshold=0.5)).double().eval()
    image = torch.rand(2, 3, 32, 32, dtype=torch.float64)
    constant, repeated = built(image.expand(4, *image.shape)), built(image.repeat(4, 1, 1, 1, 1))
    assert constant.std() > 0
    torch.testing.assert_close(constant, repeated)


@pytest.mark.parametrize("norm", ["batch", "bntt", "tdbn", "tebn"])
@pytest.mark.parametrize("depth", [18, 50])
def test_a_residual_block_begins_as_the_identity(norm, depth):
    network = ResNet(depth=depth, width=0.05, norm=norm)
    built = network.build((3, 8, 8), 10, LIF(v_threshold=0.5), time_steps=3)
    kept = built.layers.block1_2
    x = torch.randn(3, 2, kept.leave.synapse.out_channels, 8, 8)
    before = x.clone()
    assert kept.enter(x).sum() > 0
    assert torch.equal(kept(x), x)
    assert torch.equal(x, before)  # the neurons do not overwrite a current that is still needed
    for parameter in kept.leave.norm.parameters():
        nn.init.ones_(parameter)
    assert not torch.allclose(kept(x), x)


def test_the_gradient_through_a_shortcut_is_not_lost():
    block = ResNet(depth=18, width=0.05).build((3, 8, 8), 10, IF(v_threshold=1e6)).layers.block1_2
    x = torch.randn(3, 2, block.leave.synapse.out_channels, 8, 8, requires_grad=True)
    (block(x) * 2).sum().backward()
    torch.testing.assert_close(x.grad, torch.full_like(x, 2))


def test_every_convolution_of_a_resnet_but_the_first_only_accumulates():
    network = ResNet(depth=18, width=0.05, zero_start=False)
    built = network.build((3, 16, 16), 10, LIF(v_threshold=0.5)).eval()
    seen = {}
    for name, module in built.layers.named_modules():
        if isinstance(module, nn.Conv2d):
            module.register_forward_hook(lambda _, x, __, name=name: seen.update({name: x[0]}))
    with torch.no_grad(), metered(built) as meter:
        built(torch.rand(2, 3, 16, 16).expand(4, 2, 3, 16, 16))
    analog = [name for name, x in seen.items() if not ((x == 0) | (x == 1)).all()]
    assert analog == ["stem.synapse"]
    assert len(meter.spikes) == 2 * 8 + 1
    assert meter.acs > 0


def test_convolutions_stay_channels_last_through_a_resnet():
    built = ResNet(depth=20, width=0.5).build((3, 16, 16), 10, LIF(v_threshold=0.5))
    layouts = []
    for module in built.modules():
        if isinstance(module, nn.Conv2d) and module.kernel_size == (3, 3):
            module.register_forward_hook(
                lambda _, x, y: layouts.append(y.is_contiguous(memory_format=torch.channels_last))
            )
    built(torch.rand(2, 3, 16, 16).expand(4, 2, 3, 16, 16))
    assert len(layouts) == 19
    assert all(layouts)


REFUSED = [
    ({"kind": "vgg", "depth": 11}, "network.depth: VGG-11 halves an image of 28 x 28 pixels"),
    ({"kind": "vgg", "depth": 12}, "network.depth: must be one of 9, 11, 13 or 16, got 12"),
    ({"kind": "vgg", "width": 0}, "network.width: must be greater than 0.0, got 0"),
    ({"kind": "vgg", "width": -1.0}, "network.width: must be greater than 0.0, got -1.0"),
    ({"kind": "resnet", "depth": 1}, "network.depth: must be one of 18, 19, 20, 34 or 50, got 1"),
    ({"kind": "mlp", "norm": "layer"}, "network.norm: must be one of"),
    ({"kind": "mlp", "readout": "last"}, "network.readout: must be one of"),
]


@pytest.mark.parametrize(("network", "message"), REFUSED, ids=[m for _, m in REFUSED])
def test_a_network_that_cannot_be_is_refused(network, message, tiny):
    with pytest.raises(ValueError, match="network") as caught:
        tiny(network=network)
    assert message in str(caught.value)


def test_an_image_too_small_for_a_resnet_is_refused():
    with pytest.raises(ValueError, match="ResNet-18 halves an image of 4 x 7 pixels 3 times"):
        ResNet(depth=18).build((1, 4, 7), 10, LIF())


@pytest.mark.parametrize("network", members(Network, "snnlab.learning.networks"))
def test_every_network_says_what_it_is(network):
    assert network.__doc__
    assert network.parse(network().model_dump(mode="json")) == network()
