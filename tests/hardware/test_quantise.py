"""Quantisers against their laws."""

import dataclasses
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hardware.decay import nearest_alpha
from hardware.mapper import place
from hardware.network import Network
from hardware.profile import load, names
from hardware.quantise import quantise
from hardware.rates import compared
from hardware.rounding import best_step, rounded
from tests.hardware.networks import convnet, mlp, spikes


BITS = st.integers(2, 12)
WEIGHTS = st.lists(st.floats(-10, 10), min_size=1, max_size=60).map(
    lambda values: torch.tensor(values, dtype=torch.float64)
)
METHODS = st.sampled_from(["absmax", "mse"])


@given(weight=WEIGHTS, bits=BITS, method=METHODS)
@settings(max_examples=80)
def test_codes_are_few_symmetric_monotone_and_near(weight, bits, method) -> None:
    step = best_step(weight, bits, method)
    codes = rounded(weight, step, bits)
    assert len(codes.unique()) <= 2**bits - 1
    assert torch.equal(rounded(-weight, step, bits), -codes)
    assert (codes[weight.argsort()].diff() >= 0).all()
    assert torch.equal(rounded(codes * step, step, bits), codes)
    if method == "absmax":
        assert ((codes * step - weight).abs() <= step / 2 * (1 + 1e-9)).all()


@given(weight=WEIGHTS, bits=BITS, power=st.integers(-20, 20), method=METHODS)
@settings(max_examples=50)
def test_the_unit_of_weights_does_not_matter(weight, bits, power, method) -> None:
    if weight.abs().max() < 1e-200:
        return
    step, scaled = best_step(weight, bits, method), weight * 2.0**power
    assert best_step(scaled, bits, method) == step * 2.0**power
    assert torch.equal(rounded(scaled, step * 2.0**power, bits), rounded(weight, step, bits))


@given(weight=WEIGHTS, bits=BITS)
@settings(max_examples=50)
def test_the_mse_step_is_never_worse_than_absmax(weight, bits) -> None:
    error = {}
    for method in ("absmax", "mse"):
        step = best_step(weight, bits, method)
        error[method] = (rounded(weight, step, bits) * step - weight).square().sum()
    assert error["mse"] <= error["absmax"]


def test_on_uniform_weights_the_error_is_a_twelfth_of_a_step_squared() -> None:
    weight = torch.rand(200_000, dtype=torch.float64) * 2 - 1
    step = best_step(weight, 6)
    error = (rounded(weight, step, 6) * step - weight).square().mean()
    assert error == pytest.approx(step.item() ** 2 / 12, rel=0.02)


def test_two_bits_keep_more_normal_weights_with_the_mse_step() -> None:
    network = mlp(784, 64, 10)
    vanished = {
        method: quantise(network, load("ideal"), bits=2, method=method).errors[0].vanished
        for method in ("absmax", "mse")
    }
    assert vanished["mse"] < 0.6 < 0.9 < vanished["absmax"]


@pytest.mark.parametrize("name", names())
@pytest.mark.parametrize("network", [mlp(12, 9, 5), convnet()], ids=["mlp", "convnet"])
def test_codes_mean_the_network_that_runs(name: str, network: Network) -> None:
    held = quantise(network, load(name), bits=None, mapping=place(load(name), network))
    if name == "ideal":
        assert held.network is network
        return
    for before, after in zip(network.layers, held.network.layers, strict=True):
        codes = held.codes[before.name]
        assert torch.equal(codes.weight, codes.weight.round())
        assert torch.equal(after.weight, (codes.weight * codes.step).float())
        assert (after.weight - before.weight).abs().max() <= codes.step.max() * 0.5001
    errors = held.errors[0]
    bits = errors.bits
    assert errors.largest <= 0.51 / (2 ** (bits - 1) - 1) or name in {"dynapcnn", "xylo_a2"}
    assert errors.threshold < 0.6 / (2 ** (bits - 1) - 1) * 6


def test_neurons_of_one_core_share_a_step() -> None:
    network = mlp(50, 300, 10)
    network.layers[0].weight[256:] /= 100  # on the second core of 256 neurons
    profile = load("generic-mixed-signal")
    held = quantise(network, profile, bits=4, mapping=place(profile, network))
    step = held.codes["fc1"].step.flatten()
    assert step[0] > 50 * step[299]
    assert len(step.unique()) == 2
    assert held.network.layers[0].weight[256:].count_nonzero() > 1000


@pytest.mark.parametrize("threshold", [0.003, 0.5, 40.0])
def test_loihi_takes_the_finest_exponent(threshold: float) -> None:
    network = mlp(20, 10, 5)
    first = network.layers[0]
    dynamics = dataclasses.replace(first.dynamics, v_threshold=threshold, reset="hard")
    network = Network((dataclasses.replace(first, dynamics=dynamics), network.layers[1]), 1e-3)
    held = quantise(network, load("loihi1"), bits=8)
    codes = held.codes["fc1"]
    mantissa = codes.threshold.max().item() / 64
    assert mantissa == round(mantissa)
    assert mantissa <= 2**13
    assert -8 <= codes.exponent - 7 <= 7
    if codes.exponent - 7 < 7:
        currents = codes.weight.abs().sum(1).max() * 2.0**codes.exponent
        assert mantissa > 2**12 - 1 or currents > 2**22  # one exponent more would be too much
    # weight and threshold in chip units keep their ratio
    unit = codes.weight * 2.0**codes.exponent / codes.threshold.view(-1, 1)
    assert torch.allclose(unit, (first.weight / threshold).double(), atol=0.6 * unit.max() / 127)
    assert held.errors[0].threshold <= 0.51 / mantissa


def test_twelve_bits_of_decay_are_within_half_a_step() -> None:
    held = quantise(mlp(20, 10, 5, alpha=math.exp(-1 / 7)), load("loihi1"))
    assert 0 < held.errors[0].alpha <= 0.5 / 4096 + 1e-7


def test_a_network_that_falls_silent_is_named() -> None:
    network = mlp(30, 20, 5)
    first = network.layers[0]
    first.weight.clamp_(-0.4, 0.4)
    first.weight[0, 0] = 50.0  # with absmax and 4 bits, all others vanish
    x = spikes(10, 8, 30)
    x[..., 0] = 0
    firing = compared(network, quantise(network, load("dynapse2"), bits=4).network, x)
    assert firing.before["fc1"] > 0.01
    assert firing.warnings[0].startswith("layer fc1 falls silent: 0 spikes")
    assert not compared(network, quantise(network, load("ideal"), bits=16).network, x).warnings


def test_bits_that_the_chip_lacks_are_refused() -> None:
    with pytest.raises(ValueError, match=r"bits must be one of 4 on dynapse2, got 8. Choose one"):
        quantise(mlp(4, 2), load("dynapse2"), bits=8)


@given(alpha=st.floats(0, 1))
@settings(max_examples=100)
def test_every_decay_has_a_register_on_every_chip(alpha: float) -> None:
    for kind in ("exact", "twelve_bit", "shift"):
        near = nearest_alpha(kind, torch.tensor([alpha], dtype=torch.float64)).item()
        assert 0 <= near <= 1
        assert kind != "twelve_bit" or abs(near - alpha) <= 0.5 / 4096
        if kind == "shift" and math.exp(-1) < alpha < math.exp(-(2.0**-15)):
            shift = math.log2(1 / (1 - near))
            assert abs(shift - math.log2(-1 / math.log(alpha))) <= 0.5 + 1e-9
