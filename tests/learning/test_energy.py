import pytest
import torch
from torch import nn

from snnlab.learning.energy import Meter, metered
from snnlab.learning.networks.convnet import ConvNet
from snnlab.learning.networks.mlp import MLP
from snnlab.learning.neurons.lif import LIF


def by_hand(synapse, x):
    """Every product of a weight and an input that is not zero, counted one by one."""
    products = 0
    for site in torch.nonzero(x):
        one = torch.zeros_like(x)
        one[tuple(site)] = 1
        ones = (synapse.weight != 0).to(x.dtype)
        if isinstance(synapse, nn.Linear):
            reached = one @ ones.T
        else:
            reached = nn.functional.conv2d(
                one, ones, None, synapse.stride, synapse.padding, synapse.dilation, synapse.groups
            )
        products += int(reached.sum())
    return products


SYNAPSES = [
    (nn.Linear(12, 5), (3, 12)),
    (nn.Conv2d(2, 3, 3), (2, 2, 5, 6)),
    (nn.Conv2d(2, 4, 3, stride=2, padding=1, groups=2), (2, 2, 6, 7)),
    (nn.Conv2d(1, 2, 3, padding=2, dilation=2), (2, 1, 5, 5)),
]


@pytest.mark.parametrize(("synapse", "shape"), SYNAPSES, ids=str)
def test_accumulates_are_counted_exactly(synapse, shape):
    with torch.no_grad():
        synapse.weight[torch.rand_like(synapse.weight) < 0.3] = 0
    x = (torch.rand(shape) < 0.4).float()
    meter = Meter()
    meter.count_operations(synapse, x)
    assert meter.acs == by_hand(synapse, x)
    assert meter.macs == 0


def test_a_zero_weight_is_a_synaptic_operation_but_no_accumulate():
    synapse = nn.Linear(4, 3)
    with torch.no_grad():
        synapse.weight[:] = torch.tensor([[0.0, 1, 1, 1]] * 3)
    meter = Meter()
    meter.count_operations(synapse, torch.tensor([[1.0, 1, 0, 0]]))
    assert (meter.synops, meter.acs) == (6, 3)


def test_analog_inputs_are_multiply_accumulates():
    meter = Meter()
    meter.count_operations(nn.Linear(4, 3), torch.tensor([[0.5, 1, 0, 0]]))
    assert (meter.macs, meter.acs) == (6, 0)


def test_a_constant_input_is_counted_once_and_spikes_at_every_step():
    network = MLP(hidden=(6,)).build((1, 3, 3), 2, LIF())
    x = torch.rand(2, 1, 3, 3).expand(5, 2, 1, 3, 3)
    with torch.no_grad(), metered(network) as meter:
        network(x)
    with torch.no_grad():
        spikes = network.layers[:2](x)
    meter.images = 2
    assert meter.metrics()["macs"] == 9 * 6
    assert meter.metrics()["acs"] == spikes.sum() * 2 / 2
    assert meter.metrics()["firing_rate/fc1"] == pytest.approx(spikes.mean().item())


def test_the_estimate_is_4_6_pj_for_a_mac_and_0_9_pj_for_an_ac():
    meter = Meter()
    meter.images, meter.macs, meter.acs = 1, 1000, 2000
    assert meter.metrics()["energy"] == pytest.approx((1000 * 4.6 + 2000 * 0.9) / 1000)


def test_the_published_estimate_of_spikingformer_is_reproduced():
    """0.3473 G MAC + 6.5175 G AC = 7.463 mJ: Zhou et al. 2023, arXiv:2304.11954."""
    meter = Meter()
    meter.images, meter.macs, meter.acs = 1, 0.3473e9, 6.5175e9
    assert meter.metrics()["energy"] / 1e6 == pytest.approx(7.463, abs=5e-4)


def test_a_silent_network_has_rate_zero_everywhere():
    network = ConvNet(channels=(2,), norm="none").build((1, 4, 4), 2, LIF(v_threshold=1e6))
    with torch.no_grad(), metered(network) as meter:
        network(torch.rand(1, 1, 1, 4, 4).expand(3, 1, 1, 4, 4))
    meter.images = 1
    assert meter.metrics()["firing_rate"] == meter.metrics()["acs"] == 0


def test_silent_and_saturated_neurons_are_counted_over_all_images():
    """One neuron fires always, one for one image only, one never."""
    meter = Meter()
    spikes = torch.zeros(4, 3, 3)
    spikes[:, :, 0] = 1
    spikes[2, 1, 1] = 1
    meter.images = 3
    for image in range(3):
        meter.count_spikes("fc1", spikes[:, image : image + 1])
    meter.count_spikes("fc2", torch.zeros(4, 3, 1))
    metrics = meter.metrics()
    assert metrics["silent/fc1"] == pytest.approx(100 / 3)
    assert metrics["silent"] == 50
    assert metrics["saturated/fc1"] == pytest.approx(100 / 3)
    assert metrics["saturated"] == pytest.approx(100 * 3 / 12)
