"""Energies against published powers, and the laws of sums."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hardware.chips import Draws
from hardware.circuits import Foundry
from hardware.emulator import run
from hardware.energy import Events, counted, energy, latency, of_chip
from hardware.mapper import place
from hardware.network import Network
from hardware.nonidealities import Nonidealities
from hardware.profile import load, names
from hardware.unknown import Unknown, is_known
from tests.hardware.networks import convnet, mlp, spikes


NEURONS = 4096 * 256
COUNTS = st.floats(0, 1e9)


@pytest.mark.parametrize(("rate", "watts"), [(11.58, 68e-3), (20.07, 71e-3), (95.93, 94e-3)])
def test_truenorth_uses_the_power_that_was_measured(rate: float, watts: float) -> None:
    # Merolla et al. 2014, 0.8 V, 128 synapses per neuron; 1000 steps of 1 ms are a second
    events = {"all": Events(synaptic_event=NEURONS * rate * 128)}
    used = energy(load("truenorth"), events, 1000, 1e-3)
    assert used.seconds == 1
    assert used.total == pytest.approx(watts, rel=0.01)
    assert used.verified


def test_a_mean_per_operation_is_no_price() -> None:
    # 26 pJ at 95.93 Hz would be 335 mW, where 94 were measured
    assert NEURONS * 95.93 * 128 * load("truenorth").number("energy.headline") > 0.3


@given(a=COUNTS, b=COUNTS, steps=st.integers(1, 1000))
@settings(max_examples=50)
def test_energies_add_up_over_layers_and_time(a: float, b: float, steps: int) -> None:
    profile = load("truenorth")
    one, two = Events(a, b, b, 0.0), Events(b, a, a, 0.0)

    def total(layers, steps):
        return energy(profile, layers, steps, 1e-3).total

    both = total({"one": one, "two": two}, steps)
    assert both == pytest.approx(total({"sum": one + two}, steps))
    apart = total({"one": one}, steps) + total({"two": two}, 2 * steps)
    assert apart == pytest.approx(total({"one": one, "two": two}, 3 * steps))
    assert total({"one": one.scaled(2)}, 2 * steps) == pytest.approx(2 * total({"one": one}, steps))


@pytest.mark.parametrize("name", names())
def test_what_is_not_published_makes_the_sum_unknown_never_zero(name: str) -> None:
    network = mlp(16, 20, 8)
    profile = load(name)
    mapping = place(profile, network)
    events = counted(network, spikes(10, 1, 16), mapping=mapping)
    used = energy(profile, events, 10, 1e-3, mapping)
    assert is_known(used.total) == (name == "truenorth")
    if isinstance(used.total, Unknown):
        assert name in used.total.reason
    assert is_known(used.average) == (name in {"dynapse2", "brainscales2", "xylo_a2"})


def test_loihi_knows_its_events_and_not_its_static_power() -> None:
    network = mlp(16, 20, 8)
    mapping = place(load("loihi1"), network)
    events = counted(network, spikes(10, 1, 16), mapping=mapping)
    used = energy(load("loihi1"), events, 10, 1e-3, mapping)
    all_ = events["fc1"] + events["output"]
    assert used.known == pytest.approx(
        35.5e-12 * all_.synaptic_event
        + (51.2e-12 + 21.6e-12) * all_.neuron_update
        + 69.3e-12 * all_.spike
        + 111e-12 * all_.message
    )
    assert "energy.static of loihi1 is not published" in used.total.reason
    assert "hops are not counted" in used.total.reason
    assert {fact.key for fact in used.facts} >= {"energy.spike", "time.barrier"}


@pytest.mark.parametrize("network", [mlp(16, 20, 8), convnet()], ids=["mlp", "convnet"])
def test_synaptic_events_are_what_unit_weights_would_pass_on(network: Network) -> None:
    x = spikes(6, 3, *network.layers[0].shape_in)
    events = counted(network, x)
    given_ = x
    for layer, said in zip(network.layers, network.trace(x), strict=True):
        ones = replace(layer, weight=torch.ones_like(layer.weight), bias=None)
        assert events[layer.name].synaptic_event == network.current(ones, given_).sum()
        given_ = layer.pooled(said)


def test_updates_and_spikes_and_messages_are_counted() -> None:
    network = mlp(16, 20, 8)
    x = spikes(6, 3, 16)
    said = network.trace(x)[0]
    mapping = replace(place(load("loihi1"), network))
    events = counted(network, x, mapping=mapping)
    assert events["fc1"].neuron_update == 20 * 6 * 3
    assert events["fc1"].spike == events["fc1"].message == said.sum()
    assert events["output"].spike == events["output"].message == 0
    assert isinstance(counted(network, x)["fc1"].message, Unknown)
    assert counted(network, x[:1], 6)["fc1"].synaptic_event == 0  # a constant is a bias


@pytest.mark.parametrize("network", [mlp(16, 20, 8), convnet()], ids=["mlp", "convnet"])
def test_an_ideal_chip_does_what_the_network_does(network: Network) -> None:
    x = spikes(6, 3, *network.layers[0].shape_in)
    mapping = place(load("loihi1"), network)
    chips = Foundry(network, Draws(0, range(2))).make(Nonidealities())
    result = run(chips, x, 6)
    expected = counted(network, x, mapping=mapping)
    for chip in range(2):
        assert of_chip(network, result, chip, 6, mapping) == expected


def test_latency_follows_the_clock_that_a_chip_has() -> None:
    network = mlp(784, 512, 10)
    assert latency(load("truenorth"), {}, 16, 5e-3) == pytest.approx(16e-3)
    assert latency(load("dynapse2"), {}, 16, 5e-3) == pytest.approx(80e-3)
    assert latency(load("brainscales2"), {}, 16, 5e-3) == pytest.approx(80e-6)
    assert isinstance(latency(load("dynapcnn"), {}, 16, 5e-3), Unknown)
    assert isinstance(latency(load("loihi1"), {}, 16, 5e-3), Unknown)
    mapping = place(load("loihi1"), network)
    events = {"fc1": Events(synaptic_event=512e3, neuron_update=512 * 16)}
    # 167 of 512 neurons on the busiest core
    slowest = 167e3 * 3.8e-9 + 167 * 16 * 9.7e-9
    found = latency(load("loihi1"), events, 16, 5e-3, mapping)
    assert found == pytest.approx(16 * 1.8e-6 + slowest)


def test_learning_costs_or_is_unknown() -> None:
    events = {"fc1": Events(learning_update=1e6)}
    costs = energy(load("loihi1"), events, 1, 1e-3).events
    assert costs["learning_update"] == pytest.approx(120e-6)
    generic = energy(load("generic-mixed-signal"), events, 1, 1e-3).events
    assert isinstance(generic["learning_update"], Unknown)
