"""Neurons with more state than a potential, and rests after a spike: closed forms."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from snnlab.learning.neurons.alif import ALIF
from snnlab.learning.neurons.cuba_lif import CubaLIF
from snnlab.learning.neurons.if_ import IF
from snnlab.learning.neurons.izhikevich import Izhikevich
from snnlab.learning.neurons.lif import LIF
from snnlab.learning.neurons.plif import PLIF


def noise(*shape):
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(3)) + 1


def constant(i):
    return torch.full((1, 1), i, dtype=torch.float64)


def times(neuron, current, steps):
    return neuron.scan(current, steps).flatten().nonzero().flatten()


@pytest.mark.parametrize("wait", [1, 2, 7, 30])
def test_the_threshold_of_alif_falls_back_exponentially(wait):
    """After one spike it is theta + beta rho^(k - 1) at the k-th step: what is just above fires."""
    neuron = ALIF(tau=1e-3, tau_adaptation=10, adaptation=3, v_threshold=1)
    threshold = 1 + 3 * math.exp(-(wait - 1) / 10)
    for probe, fires in (threshold - 1e-6, 0), (threshold + 1e-6, 1):
        current = torch.zeros(wait + 1, 1, dtype=torch.float64)
        current[0], current[wait] = 2, probe
        assert neuron.scan(current, wait + 1).flatten()[[0, -1]].tolist() == [1, fires]


@pytest.mark.parametrize("reset", ["soft", "hard"])
def test_alif_that_does_not_adapt_is_lif(reset):
    spikes = ALIF(adaptation=0, reset=reset).scan(noise(30, 50), 30)
    assert torch.equal(spikes, LIF(reset=reset).scan(noise(30, 50), 30))


def test_the_intervals_of_alif_grow_to_a_constant_one():
    intervals = times(ALIF(adaptation=0.5, tau_adaptation=30), constant(0.9), 400).diff()
    assert intervals[0] < intervals[-1]
    assert intervals[-5:].max() - intervals[-5:].min() <= 1


@given(tau=st.floats(1, 50), ratio=st.floats(0.1, 0.9), steps=st.integers(1, 40))
def test_an_input_spike_leaves_the_difference_of_two_exponentials(tau, ratio, steps):
    neuron = CubaLIF(tau=tau, tau_synapse=tau * ratio, v_threshold=1e6)
    state = neuron.init(torch.zeros(1, dtype=torch.float64))
    for t in range(steps):
        _, state = neuron.step(torch.full((1,), float(t == 0), dtype=torch.float64), state)
    alpha, kappa = math.exp(-1 / tau), math.exp(-1 / (tau * ratio))
    expected = (alpha**steps - kappa**steps) / (alpha - kappa)
    assert state["v"].item() == pytest.approx(expected, rel=1e-9)


def test_cuba_lif_with_an_instantaneous_synapse_is_lif():
    spikes = CubaLIF(tau_synapse=1e-3).scan(noise(30, 50), 30)
    assert torch.equal(spikes, LIF().scan(noise(30, 50), 30))


@pytest.mark.parametrize("scale_input", [False, True])
def test_plif_is_lif_with_the_same_decay(scale_input):
    """1 - 1 / tau of the one is exp(-1 / tau) of the other."""
    other = LIF(tau=-1 / math.log(1 - 1 / 3.5), scale_input=scale_input)
    spikes = PLIF(tau=3.5, scale_input=scale_input).scan(2 * noise(30, 50), 30)
    assert torch.equal(spikes, other.scan(2 * noise(30, 50), 30))


def test_izhikevich_rests_where_both_derivatives_vanish():
    """0.04 v^2 + (5 - b) v + 140 = 0 and u = b v: at v = -70 mV, u = -14 for b = 0.2."""
    neuron = Izhikevich()
    state = neuron.init(torch.zeros(1, dtype=torch.float64))
    for _ in range(1000):
        _, state = neuron.step(torch.zeros(1, dtype=torch.float64), state)
    assert (state["v"].item(), state["u"].item()) == pytest.approx((-70, -14), abs=1e-3)


def test_izhikevich_has_no_rest_above_its_rheobase():
    """(5 - b)^2 = 0.16 (140 + I), the two points of rest are one: I = 4 for b = 0.2."""
    silent, tonic = (times(Izhikevich(input_gain=1), constant(i), 3000) for i in (3.4, 4.1))
    assert len(silent) == 0
    assert len(tonic) > 10
    assert tonic[-1] > 2800


def test_izhikevich_spikes_regularly_and_adapts():
    """Regular spiking, Izhikevich 2003, figure 2: a short first interval, then longer ones."""
    intervals = times(Izhikevich(input_gain=1), constant(10.0), 1000).diff().double()
    assert intervals[0] < 0.7 * intervals[1:].mean()
    assert intervals[3:].std() < 0.2 * intervals[3:].mean()


def test_izhikevich_with_a_small_d_and_high_reset_chatters():
    """c = -50, d = 2: bursts of closely spaced spikes, figure 2 of the paper."""
    intervals = times(Izhikevich(input_gain=1, c=-50, d=2), constant(10.0), 1000).diff()
    assert (intervals < 8).sum() > 10
    assert (intervals > 20).sum() > 5


@pytest.mark.parametrize("rest", [0, 1, 5])
@pytest.mark.parametrize("i", [0.3, 1.0, 1.7])
def test_a_refractory_if_fires_once_in_the_time_to_threshold_and_its_rest(rest, i):
    fired = times(IF(refractory=rest, reset="hard"), constant(i), 60)
    assert fired[0] == math.ceil(1 / i) - 1
    assert set(fired.diff().tolist()) == {math.ceil(1 / i) + rest}


def test_a_refractory_lif_has_the_analytic_period():
    """i (1 - exp(-n dt / tau)) reaches the threshold after n = -tau / dt ln(1 - theta / i)."""
    neuron = LIF(tau=20, dt=0.5, refractory=4, reset="hard", scale_input=True)
    fired = times(neuron, constant(1.5), 500)
    assert set(fired.diff().tolist()) == {math.ceil(-20 / 0.5 * math.log(1 - 1 / 1.5)) + 4}


def test_a_resting_neuron_loses_its_input_and_keeps_its_potential():
    """With a soft reset 2.5 leaves 1.5, which fires when the rest of two steps is over."""
    current = torch.tensor([[2.5], [9.0], [9.0], [0.0], [0.0]])
    assert IF(refractory=2).scan(current, 5).flatten().tolist() == [1, 0, 0, 1, 0]
