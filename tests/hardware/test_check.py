"""A network that does not fit is told all reasons at once, and nothing is raised."""

import dataclasses
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hardware.check import check, demand
from hardware.network import Dynamics, Layer, Network
from hardware.profile import load, names
from tests.hardware.networks import convnet, mlp


MNIST = mlp(784, 512, 10)


def with_dynamics(network: Network, **change: object) -> Network:
    first, *rest = network.layers
    dynamics = dataclasses.replace(first.dynamics, **change)
    return Network((dataclasses.replace(first, dynamics=dynamics), *rest), network.dt)


def test_784_inputs_exceed_the_fan_in_of_dynap_se2() -> None:
    report = check(load("dynapse2"), MNIST)
    assert not report.fits
    assert "layer fc1: limits.fan_in_signed must be at most 64, got 784. Use smaller" in str(report)
    assert "layer output: limits.fan_in_signed must be at most 64, got 512" in str(report)


@pytest.mark.parametrize("name", ["ideal", "generic-mixed-signal"])
def test_chips_made_for_studies_take_it(name: str) -> None:
    assert check(load(name), MNIST, bits=4, learning=True).fits


def test_all_violations_come_in_one_message() -> None:
    network = with_dynamics(MNIST, reset="hard", alpha=0.5, refractory=3)
    biased = dataclasses.replace(network.layers[1], bias=torch.ones(10))
    report = check(load("xylo_a2"), Network((network.layers[0], biased), 1e-3), learning=True)
    limits = {v.limit for v in report.violations}
    assert limits >= {
        "limits.inputs",
        "limits.outputs",
        "limits.fan_out",
        "neuron.resets",
        "learning.on_chip",
    }
    assert all(str(v) in str(report) for v in report.violations)
    assert all(v.way_out for v in report.violations)
    with pytest.raises(ValueError, match=r"5 reasons against xylo_a2"):
        demand(load("xylo_a2"), Network((network.layers[0], biased), 1e-3), learning=True)


def test_what_could_not_be_checked_is_named() -> None:
    report = check(load("xylo_a2"), with_dynamics(mlp(16, 50, 8), refractory=3, alpha=1.0))
    assert report.fits
    assert set(report.unchecked) == {"limits.fan_in", "neuron.refractory"}
    assert "not checked, as not published: limits.fan_in, neuron.refractory" in str(report)


def test_a_time_constant_between_two_shifts_names_the_nearest() -> None:
    network = with_dynamics(mlp(16, 50, 8), alpha=math.exp(-1 / 5.6))
    (violation,) = check(load("xylo_a2"), network).violations
    # round(log2 5.6) = 2, and 1 - 1/4 decays with 1 / -ln(3/4) = 3.476 steps
    assert violation.got == "0.0056 s, of which the nearest is 0.003476 s"
    again = with_dynamics(mlp(16, 50, 8), alpha=math.exp(-1 / 3.476))
    assert check(load("xylo_a2"), again).fits


def test_a_neuron_that_leaks_is_refused_where_none_does() -> None:
    network = with_dynamics(convnet(), alpha=0.9)
    assert [v.limit for v in check(load("dynapcnn"), network).violations] == [
        "neuron.pools",
        "neuron.leak",
    ]


def test_bits_that_the_chip_lacks_are_refused() -> None:
    (violation,) = check(load("dynapcnn"), mlp(16, 10), bits=4).violations
    assert str(violation) == (
        "layer output: formats.weight_bits must be one of 8, got 4. Choose one of them"
    )


def test_weights_that_are_not_finite_are_refused() -> None:
    broken = mlp(8, 4, 2)
    broken.layers[0].weight[0, 0] = math.nan
    report = check(load("ideal"), broken)
    assert str(report.violations[0]).startswith(
        "layer fc1: weight must be finite, got 1 that are not"
    )


def test_one_fan_out_too_many_is_found_in_a_convolution() -> None:
    report = check(load("xylo_a2"), convnet(size=4, maps=8))  # 3 x 3 x 8 = 72
    got = {v.layer: v.got for v in report.violations if v.limit == "limits.fan_out"}
    assert got == {"conv1": "72"}


@given(
    name=st.sampled_from(names()),
    sizes=st.lists(st.integers(1, 40), min_size=2, max_size=4),
    alpha=st.floats(0, 1) | st.just(math.nan) | st.floats(),
    threshold=st.floats(width=32),
    reset=st.sampled_from(["soft", "hard"]),
    bits=st.none() | st.integers(-3, 40),
    weight=st.floats(width=32),
    learning=st.booleans(),
)
@settings(max_examples=100)
def test_it_never_raises(name, sizes, alpha, threshold, reset, bits, weight, learning) -> None:
    network = mlp(*sizes)
    network.layers[0].weight[0, 0] = weight
    layers = tuple(
        dataclasses.replace(one, dynamics=Dynamics(alpha, threshold, reset))
        for one in network.layers
    )
    report = check(load(name), Network(layers, 1e-3), bits=bits, learning=learning)
    assert str(report)
    assert report.fits == (not report.violations)


@pytest.mark.parametrize("name", names())
def test_a_convolution_is_checked_on_every_chip(name: str) -> None:
    weight = torch.randn(2, 1, 17, 17)
    layer = Layer("conv", weight, torch.ones(2), (1, 130, 18), dynamics=Dynamics(1.0, 1.0, "soft"))
    report = check(load(name), Network((layer,), 1e-3))
    large = {v.limit for v in report.violations}
    if name == "dynapcnn":
        assert large >= {"limits.kernel", "limits.side_in", "limits.side_out"}
    assert report.fits == (name == "ideal")


def test_neurons_compete_only_where_the_chip_is_known_to_do_it() -> None:
    network = with_dynamics(mlp(16, 30, 8), competition=True)
    assert check(load("generic-mixed-signal"), network).fits
    for name in ("brainscales2", "loihi1"):
        reasons = {v.limit for v in check(load(name), network).violations}
        assert "neuron.competition" in reasons
