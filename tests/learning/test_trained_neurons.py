"""Constants of neurons that training changes: their gradients, and where they are kept."""

import math

import pytest
import torch
from torch import nn

from snnlab.learning import neuron as neurons
from snnlab.learning.checkpoint import Checkpoint
from snnlab.learning.layers import Spiking
from snnlab.learning.networks.mlp import MLP
from snnlab.learning.neurons.if_ import IF
from snnlab.learning.neurons.lif import LIF
from snnlab.learning.neurons.plif import PLIF
from snnlab.learning.surrogates import Surrogate
from snnlab.learning.train import train


STEPS = 12
GENERATOR = torch.Generator().manual_seed(0)
CURRENT = torch.randn(STEPS, 40, dtype=torch.float64, generator=GENERATOR) + 0.5
ERROR = torch.randn(STEPS, 40, dtype=torch.float64, generator=GENERATOR)


def population(neuron):
    return Spiking(nn.Identity(), nn.Identity(), neuron).double()


def gradients(layer):
    (layer(CURRENT) * ERROR).sum().backward()
    return {name: p.grad.item() for name, p in layer.cells.items()}


def by_hand(neuron, d_h, d_v, d_threshold):
    """dL/dx = sum_t e_t sigma_t (dh_t/dx - dtheta/dx), the reset detached; x is any constant.

    `d_h`(v) is the direct effect of x on h, `d_v`(s) that on the potential after the reset.
    """
    slope = Surrogate(neuron.surrogate, neuron.surrogate_width, neuron.surrogate_height).slope_
    v = g = torch.zeros(40, dtype=torch.float64)
    total = torch.zeros(())
    for i, e in zip(CURRENT, ERROR, strict=True):
        h, g = neuron.alpha * v + i, neuron.alpha * g + d_h(v)
        s = (h >= neuron.v_threshold).double()
        total = total + (e * slope(h - neuron.v_threshold) * (g - d_threshold)).sum()
        v, g = h - neuron.v_threshold * s, g + d_v(s)
    return total.item()


def test_the_gradient_of_tau_is_the_recursion_derived_by_hand():
    neuron = LIF(tau=3, train_tau=True)
    d_alpha = neuron.alpha / neuron.tau  # d alpha / d ln tau
    expected = by_hand(neuron, lambda v: d_alpha * v, torch.zeros_like, 0.0)
    assert gradients(population(neuron)) == {"log_tau": pytest.approx(expected, rel=1e-5)}
    assert abs(expected) > 0.1


def test_the_gradient_of_plif_is_the_recursion_derived_by_hand():
    neuron = PLIF(tau=3)
    d_alpha = -(1 / 3) * (2 / 3)  # d (1 - sigmoid(w)) / d w
    expected = by_hand(neuron, lambda v: d_alpha * v, torch.zeros_like, 0.0)
    assert gradients(population(neuron)) == {"w": pytest.approx(expected, rel=1e-5)}
    assert abs(expected) > 0.1


def test_the_gradient_of_the_threshold_is_the_recursion_derived_by_hand():
    neuron = IF(v_threshold=0.8, train_v_threshold=True)
    expected = by_hand(neuron, torch.zeros_like, lambda s: -0.8 * s, 0.8)
    assert gradients(population(neuron)) == {"log_v_threshold": pytest.approx(expected, rel=1e-5)}
    assert abs(expected) > 0.1


@pytest.mark.parametrize(
    "neuron",
    [
        LIF(tau=3, train_tau=True, train_v_threshold=True, scale_input=True, detach_reset=False),
        PLIF(tau=3, scale_input=True, reset="hard", v_reset=-0.2, detach_reset=False),
    ],
    ids=["lif", "plif"],
)
def test_with_a_smooth_step_the_gradients_are_finite_differences(neuron, monkeypatch):
    def smooth(x, surrogate):
        return torch.sigmoid(x / surrogate.width)

    monkeypatch.setattr(neurons.Spike, "apply", smooth)
    layer = population(neuron)
    found = gradients(layer)
    for name, parameter in layer.cells.items():
        losses = []
        for change in 1e-5, -1e-5:
            with torch.no_grad():
                parameter.add_(change)
                losses.append((layer(CURRENT) * ERROR).sum().item())
                parameter.sub_(change)
        assert found[name] == pytest.approx((losses[0] - losses[1]) / 2e-5, rel=1e-5)


@pytest.mark.parametrize("neuron", [LIF(train_tau=True), IF(train_v_threshold=True), PLIF()])
def test_before_training_nothing_is_different(neuron):
    assert torch.equal(population(neuron)(CURRENT), neuron.scan(CURRENT, STEPS))


def test_only_what_is_trained_takes_the_plain_loop(monkeypatch):
    monkeypatch.setattr(LIF, "unrolled", None)
    layer = population(LIF())
    assert list(layer.parameters()) == []
    assert layer.neuron is layer.untrained
    assert layer(CURRENT).shape == CURRENT.shape


def test_each_layer_has_its_own_constants():
    network = MLP(hidden=(5, 4), norm="none").build((1, 2, 2), 3, LIF(train_tau=True, tau=4))
    names = [name for name, _ in network.named_parameters() if "cells" in name]
    assert names == ["layers.fc1.cells.log_tau", "layers.fc2.cells.log_tau"]
    assert network.layers.fc1.neuron.tau.item() == pytest.approx(4)
    assert network.layers.fc1.neuron.alpha.item() == pytest.approx(math.exp(-1 / 4))


def test_training_changes_them_and_goes_on_from_a_checkpoint_with_the_same_bits(tiny):
    spec = tiny(neuron={"kind": "lif", "train_tau": True, "train_v_threshold": True})
    whole = [item for item in train(spec, seed=1) if isinstance(item, Checkpoint)]
    *_, resumed = train(spec, seed=1, resume=whole[0])
    for name in "layers.fc1.cells.log_tau", "layers.fc1.cells.log_v_threshold":
        assert whole[0].network[name] != whole[-1].network[name]
    for name, value in whole[-1].network.items():
        assert torch.equal(value, resumed.network[name]), name
