"""What is averaged over time to give the class scores."""

import pytest
import torch
from torch import nn

from snnlab.learning.energy import metered
from snnlab.learning.layers import Fired
from snnlab.learning.networks.mlp import MLP
from snnlab.learning.neurons.clipped_relu import ClippedReLU
from snnlab.learning.neurons.if_ import IF
from snnlab.learning.train import train


STEPS = 8
CURRENTS = [0.0, 0.1, 0.25, 0.5, 1.0]  # of each class, at each step


def outputs(readout, neuron=None):
    """What comes out at every step if the classes receive CURRENTS."""
    network = MLP(hidden=(), readout=readout).build((1, 1, 1), 5, neuron or IF())
    for module in network.modules():
        if isinstance(module, nn.Linear):
            module.weight.data = torch.tensor(CURRENTS).view(5, 1)
    return network(torch.ones(1, 1, 1, 1).expand(STEPS, 1, 1, 1, 1))[:, 0]


def test_current_is_the_current_and_potential_its_running_sum():
    steps = torch.arange(1.0, STEPS + 1).view(STEPS, 1)
    torch.testing.assert_close(outputs("current"), torch.tensor([CURRENTS] * STEPS))
    torch.testing.assert_close(outputs("potential"), steps * torch.tensor(CURRENTS))


def test_count_is_the_rate_of_the_output_neurons():
    """IF with a soft reset: r = floor(i T) / T, Rueckauer et al. 2017."""
    assert outputs("count").mean(0).tolist() == [0, 0, 2 / 8, 4 / 8, 8 / 8]


def test_first_is_one_less_the_time_of_the_first_spike():
    """A current i reaches the threshold 1 after 1 / i steps."""
    assert outputs("first").mean(0).tolist() == [0, 0, 5 / 8, 7 / 8, 8 / 8]


def test_the_earliest_class_wins_at_every_moment():
    sums = outputs("first").cumsum(0)
    assert sums.argmax(1).tolist() == [4] * STEPS


def test_spikes_after_the_first_say_nothing():
    spikes = torch.tensor([[0, 0], [1, 1], [0, 1], [1, 0]]).float()
    assert Fired.apply(spikes).tolist() == [[0, 0], [1, 1], [1, 1], [1, 1]]


def test_the_gradient_of_first_is_one_step_of_time_for_the_first_spike():
    """dt/ds = -1 at the first spike, at the last step if there is none; the mean is (T - t) / T."""
    spikes = torch.tensor([[0, 0, 1], [1, 0, 1], [0, 0, 0], [1, 0, 1]]).float().requires_grad_()
    Fired.apply(spikes).mean(0).backward(torch.tensor([3.0, 5.0, 7.0]))
    expected = torch.tensor([[0, 0, 7], [3, 0, 0], [0, 0, 0], [0, 5, 0]]) / 4
    torch.testing.assert_close(spikes.grad, expected)


@pytest.mark.parametrize("readout", ["count", "first"])
def test_the_spikes_of_output_neurons_are_metered(readout):
    network = MLP(hidden=(4,), readout=readout).build((1, 2, 2), 3, IF())
    with torch.no_grad(), metered(network) as meter:
        network(torch.rand(2, 1, 2, 2).expand(5, 2, 1, 2, 2))
    assert len(meter.spikes) == 2


@pytest.mark.parametrize("readout", ["current", "count", "first"])
def test_an_analog_network_is_read_by_its_current(readout):
    torch.testing.assert_close(outputs(readout, ClippedReLU()).mean(0), torch.tensor(CURRENTS))


LEARNING = {"optimizer": {"kind": "adam", "lr": 0.02}, "time_steps": 6, "epochs": 10}


@pytest.mark.parametrize("readout", ["count", "first"])
def test_spiking_readouts_learn_the_digits(readout, tiny):
    """Their scores lie in 0..1, so the loss cannot fall below ln(1 + 9 / e) = 1.46."""
    network = {"kind": "mlp", "hidden": [32], "readout": readout}
    *_, last = train(tiny(network=network, **LEARNING), seed=1)
    assert last.metrics["test_accuracy"] > 50


@pytest.mark.parametrize("encoder", ["poisson", "latency", "delta"])
def test_every_encoder_lets_the_digits_be_learnt(encoder, tiny):
    *_, last = train(tiny(encoder={"kind": encoder}, **LEARNING), seed=1)
    assert last.metrics["test_accuracy"] > 60
