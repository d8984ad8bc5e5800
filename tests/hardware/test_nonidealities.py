"""What is wrong with a chip, by name and level."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from hardware.chips import Draws
from hardware.circuits import Foundry
from hardware.nonidealities import (
    NAMES,
    Nonidealities,
    buechel2021_quantise,
    nonideality,
)
from hardware.profile import load
from hardware.quantise import quantise
from hardware.rounding import best_step, quantised
from tests.hardware.networks import mlp


@pytest.mark.parametrize("name", NAMES)
def test_each_name_sets_one_thing_wrong(name: str) -> None:
    level = {"bits": 4.0, "drift": 100.0}.get(name, 0.2)
    wrong, ideal = nonideality(name, level), Nonidealities()
    fields = ("bits", "spread", "drift", "faults", "thermal", "routing")
    assert sum(getattr(wrong, field) != getattr(ideal, field) for field in fields) == 1


def test_the_four_definitions_of_buechel() -> None:
    mismatch = nonideality("mismatch", 0.5, compat="buechel2021").spread
    assert (mismatch.law, mismatch.weight, mismatch.tau) == ("buechel2021", 0.5, 0.5)
    assert nonideality("bits", 3, compat="buechel2021").compat == "buechel2021"
    assert nonideality("thermal", 0.1, compat="buechel2021").thermal.definition == "buechel2021"
    assert nonideality("silencing", 0.4, compat="buechel2021").faults.silent == 0.4
    with pytest.raises(ValueError, match="nonideality must be one of mismatch, bits"):
        nonideality("drift", 100, compat="buechel2021")


@given(bits=st.integers(2, 8), seed=st.integers(0, 99))
def test_the_quantiser_of_buechel_is_its_formula(bits: int, seed: int) -> None:
    w = torch.randn(200, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    q = buechel2021_quantise(w, bits)
    step = (w.max() - w.min()) / (2**bits - 1)
    assert len(q.unique()) <= 2**bits + 1  # zero is a level, so the ends may round apart
    assert ((q - w).abs() <= step / 2 + 1e-12).all()
    torch.testing.assert_close(q / step, torch.round(q / step))


@given(bits=st.integers(2, 8), seed=st.integers(0, 99))
def test_stored_weights_are_signed_multiples_of_a_step(bits: int, seed: int) -> None:
    w = torch.randn(200, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    q = quantised(w, bits)
    assert len(q.unique()) <= 2**bits - 1
    torch.testing.assert_close(quantised(q, bits), q)
    torch.testing.assert_close(quantised(-w, bits), -q)
    torch.testing.assert_close(quantised(3 * w, bits), 3 * q)
    assert ((q - w).abs() <= w.abs().max() / (2 ** (bits - 1) - 1) / 2 + 1e-12).all()
    assert (q[w.argsort()].diff() >= 0).all()


def test_weights_without_bits_are_as_the_host_has_them() -> None:
    w = torch.tensor([0.1, 0.2])
    assert Nonidealities().stored(w) is w
    assert not quantised(torch.zeros(3), 4).any()


@pytest.mark.parametrize("method", ["absmax", "mse"])
def test_emulated_chips_and_programs_have_the_same_weights(method: str) -> None:
    network = mlp(20, 12, 5)
    held = quantise(network, load("dynapcnn"), bits=8, method=method)
    wrong = Nonidealities(bits=8, scale=method)
    chips = Foundry(network, Draws(0, range(2))).make(wrong)
    for circuit, layer in zip(chips.circuits, held.network.layers, strict=True):
        whole = held.codes[layer.name].step.flatten()[0]
        torch.testing.assert_close(whole.float(), best_step(circuit.layer.weight, 8, method))
        torch.testing.assert_close(circuit.synapses.weight[0], layer.weight)


def test_absmax_is_its_formula_to_the_last_bit() -> None:
    for seed in range(20):
        w = torch.randn(64, 100, generator=torch.Generator().manual_seed(seed))
        for bits in range(2, 17):
            step = w.abs().max() / (2 ** (bits - 1) - 1)
            assert torch.equal(quantised(w, bits), step * torch.round(w / step))


def test_two_bits_keep_more_by_the_least_squared_error() -> None:
    w = torch.randn(2000, generator=torch.Generator().manual_seed(1))
    kept = {m: nonideality("bits", 2, scale=m).stored(w) for m in ("absmax", "mse")}
    lost = {m: (q == 0).float().mean() for m, q in kept.items()}
    assert lost["absmax"] > 0.8
    assert lost["mse"] < 0.6
    assert (kept["mse"] - w).square().sum() < (kept["absmax"] - w).square().sum()


def test_what_is_no_level_is_refused() -> None:
    with pytest.raises(ValueError, match=r"bits must be in 2\.\.16, got 1"):
        nonideality("bits", 1)
    with pytest.raises(ValueError, match=r"bits must be a whole number, got 2\.5"):
        nonideality("bits", 2.5)
    with pytest.raises(ValueError, match="nonideality must be one of"):
        nonideality("weather", 1)
