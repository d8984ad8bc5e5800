"""The network that a chip is given computes what the lab's network computes, to the last bit."""

import math
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hardware.chips import Draws
from hardware.circuits import Foundry
from hardware.emulator import run
from hardware.frozen import Faults, Spread
from hardware.network import Dynamics, Layer, Network
from hardware.nonidealities import Nonidealities
from snnlab.learning.networks.convnet import ConvNet
from snnlab.learning.networks.mlp import MLP
from snnlab.learning.neurons.if_ import IF
from snnlab.learning.neurons.lif import LIF
from snnlab.learning.plain import plain
from tests.hardware.networks import convnet, mlp, spikes


NEURONS = [
    IF(v_threshold=0.6),
    LIF(tau=3, v_threshold=0.6, scale_input=True),
    LIF(tau=5, v_threshold=0.6, reset="hard", v_reset=-0.1, v_initial=0.2),
    LIF(tau=5, v_threshold=0.6, refractory=2),
]


@pytest.mark.parametrize("neuron", NEURONS, ids=lambda n: f"{n.kind}-{n.reset}-{n.refractory}")
@pytest.mark.parametrize("kind", [MLP(hidden=(20, 15), norm="none"), ConvNet(norm="none")])
def test_it_equals_the_lab_s_network_bit_for_bit(neuron, kind) -> None:
    # in 64 bits both use the same matrix product; in 32 the lab takes oneDNN's where it is faster
    lab = kind.build((1, 12, 12), 10, neuron, seed=3).double()
    x = 3 * torch.rand(4, 1, 12, 12, generator=torch.Generator().manual_seed(1)).double()
    network = plain(lab, (1, 12, 12))
    with torch.no_grad():
        expected = lab(x.expand(8, *x.shape))
    assert network.trace(x[None], 8)[0].mean() > 0.02  # or the test would compare silence
    assert torch.equal(network.run(x[None], 8), expected)


def test_it_equals_the_lab_s_kernels_in_single_precision() -> None:
    # on a grid of 1/16 every sum is exact, in whatever order
    lab = MLP(hidden=(20,), norm="none").build((1, 4, 4), 10, IF(v_threshold=0.75), seed=3)
    with torch.no_grad():
        for parameter in lab.parameters():
            parameter.copy_((parameter * 16).round() / 16)
        x = spikes(16, 8, 1, 4, 4)
        expected = lab(x)
    assert torch.equal(plain(lab, (1, 4, 4)).run(x), expected)


@given(alpha=st.floats(0.1, 1), seed=st.integers(0, 99))
@settings(max_examples=25)
def test_a_constant_input_equals_itself_repeated(alpha: float, seed: int) -> None:
    network = mlp(6, 5, 3, alpha=alpha, seed=seed, dtype=torch.float64)
    x = torch.rand(1, 2, 6, generator=torch.Generator().manual_seed(seed)).double()
    # a matrix product of another size may sum in another order
    assert torch.allclose(network.run(x, 7), network.run(x.repeat(7, 1, 1)), atol=1e-12)


@given(alpha=st.floats(0.1, 0.99), i=st.floats(-2, 2), steps=st.integers(1, 30))
@settings(max_examples=50)
def test_below_threshold_the_potential_is_a_geometric_sum(alpha, i, steps) -> None:
    dynamics = Dynamics(alpha, 1e9, "soft", v_initial=0.5)
    *_, (_, v) = dynamics.states(torch.tensor([[i]], dtype=torch.float64), steps)
    exact = 0.5 * alpha**steps + i * (1 - alpha**steps) / (1 - alpha)
    assert v.item() == pytest.approx(exact, abs=1e-9)


@given(i=st.floats(0, 1.5), steps=st.integers(1, 50))
@settings(max_examples=50)
def test_a_soft_reset_loses_no_charge(i: float, steps: int) -> None:
    current = torch.tensor([[i]], dtype=torch.float64)
    states = list(Dynamics(1.0, 1.0, "soft").states(current, steps))
    fired = sum(s.item() for s, _ in states)
    assert fired + states[-1][1].item() == pytest.approx(i * steps, abs=1e-9)


def test_neurons_may_differ() -> None:
    alpha, threshold = torch.tensor([0.5, 0.9]), torch.tensor([1.0, 2.0])
    current = torch.full((1, 1, 2), 0.6)
    both = Dynamics(alpha, threshold, "soft").scan(current, 20)
    for n in range(2):
        one = Dynamics(alpha[n].item(), threshold[n].item(), "soft").scan(current[..., n], 20)
        assert torch.equal(both[..., n], one)


def test_a_network_that_does_not_fit_together_is_refused() -> None:
    good = mlp(4, 3, 2)
    with pytest.raises(ValueError, match=r"layer fc1.shape_in must be \(4,\), got \(3,\)"):
        Layer("fc1", good.layers[0].weight, None, (3,))
    with pytest.raises(ValueError, match=r"layer output.shape_in must be as large as"):
        Network((mlp(4, 5, 2).layers[0], good.layers[1]), 1e-3)
    with pytest.raises(ValueError, match=r"layer output.dynamics must be given for all but"):
        Network((good.layers[1], Layer("x", torch.ones(1, 2), None, (2,))), 1)
    with pytest.raises(ValueError, match=r"network.dt must be more than 0 s, got nan"):
        Network(good.layers, math.nan)
    with pytest.raises(ValueError, match=r"input must have 1 or 5 steps, got 2"):
        convnet().run(torch.zeros(2, 1, 1, 8, 8), 5)


def competing(**options: object) -> Network:
    layers = mlp(8, 12, 6, seed=3).layers
    dynamics = Dynamics(0.9, 0.5, "hard", v_reset=-0.2, competition=True, **options)
    return Network(tuple(replace(layer, dynamics=dynamics) for layer in layers), 1e-3)


def test_one_neuron_fires_in_a_step_and_resets_the_others() -> None:
    network, x = competing(), spikes(30, 5, 8)
    first, second = network.trace(x)
    for said in (first, second):
        assert said.sum(2).max() == 1
        assert 0 < said.mean() < 1 / said.shape[2]
    current = network.current(network.layers[0], x)
    v = torch.zeros(5, 12)
    for i, s in zip(current, first, strict=True):
        h = 0.9 * v + i
        fired = h.amax(1) >= 0.5
        assert torch.equal(s.argmax(1)[fired], h.argmax(1)[fired])
        assert torch.equal(s.any(1), fired)
        v = torch.where(fired[:, None], -0.2, h)


def test_chips_compete_as_the_network_does() -> None:
    for network in (competing(), competing(refractory=2)):
        x = spikes(30, 5, 8)
        chips = Foundry(network, Draws(0, range(3))).make(Nonidealities())
        assert torch.equal(run(chips, x, 30).scores[1], network.run(x).mean(0))
        apart = Foundry(network, Draws(0, range(3))).make(Nonidealities(spread=Spread(0, 1e-9)))
        assert torch.equal(run(apart, x, 30).scores[1], network.run(x).mean(0))


def test_the_silent_do_not_compete() -> None:
    network, x = competing(), spikes(30, 5, 8)
    chips = Foundry(network, Draws(0, range(3))).make(Nonidealities(faults=Faults(silent=0.5)))
    counts = run(chips, x, 30).counts["fc1"]
    silent = chips.circuits[0].cells.alive[:, 0] == 0
    for chip in range(3):  # as if nothing led to the silent ones
        first = network.layers[0]
        weight = first.weight.masked_fill(silent[chip][:, None], 0.0)
        without = replace(network, layers=(replace(first, weight=weight), network.layers[1]))
        assert torch.equal(counts[chip], without.trace(x)[0].sum(0))
