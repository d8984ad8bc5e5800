"""Whole-number arithmetic against published vectors and formulas, and against the ideal network."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hardware.integer import arithmetic, decay_shift, decay_twelve_bit, run, saturate, wrap
from hardware.network import Network
from hardware.profile import load
from hardware.program import compile
from hardware.quantise import quantise
from tests.hardware.networks import convnet, mlp, spikes


LOIHI = arithmetic(load("loihi1"))


def whole(*numbers: int) -> torch.Tensor:
    return torch.tensor(numbers)


def test_loihi_follows_the_neuron_of_brian2_loihi_s_readme() -> None:
    # github.com/sagacitysite/brian2_loihi, README: threshold_v_mant=400, decay_v=decay_I=1024,
    # weight 124, spikes at steps 12 and 14; v from step 10 on as brian2-loihi 0.5.2 gives it
    u = v = whole(0)
    seen = []
    for t in range(10, 17):
        drive = 64 * 124 * (t in (12, 14))
        u = LOIHI.current(decay_twelve_bit(u, whole(1024)) + drive)
        v = LOIHI.potential(decay_twelve_bit(v, whole(1024)) + u)
        v = v * (1 - LOIHI.fires(v, whole(64 * 400)))
        seen.append(v.item())
    assert seen == [0, 0, 7936, 11904, 21328, 25296, 0]


@given(v=st.integers(-(2**23), 2**23), d=st.integers(0, 4096))
def test_twelve_bit_decay_is_lava_s_formula(v: int, d: int) -> None:
    sign = (v > 0) - (v < 0)
    expected = sign * ((abs(v) * (4096 - d)) >> 12)
    assert decay_twelve_bit(whole(v), whole(d)).item() == expected
    assert abs(expected) <= abs(v)
    assert abs(expected - v * (1 - d / 4096)) < 1


@given(v=st.integers(-(2**15), 2**15 - 1), k=st.integers(0, 15))
def test_a_shift_decays_towards_zero_and_stops_below_its_step(v: int, k: int) -> None:
    after = decay_shift(whole(v), whole(k)).item()
    assert after == v - v // 2**k  # an arithmetic shift rounds down
    assert abs(after) <= abs(v)
    assert (after == v) == (0 <= v < 2**k)


@given(x=st.integers(-(2**25), 2**25))
def test_loihi_s_current_wraps_and_its_potential_clips(x: int) -> None:
    u = LOIHI.current(whole(x)).item()
    assert -(2**23) < u <= 2**23
    assert (u - x) % 2**24 == 0
    assert LOIHI.potential(whole(x)).item() == max(-(2**23) + 1, min(2**23 - 1, x))


def test_edges_of_registers() -> None:
    assert wrap(whole(2**23, 2**23 + 1, -(2**23)), 24).tolist() == [2**23, 1 - 2**23, 2**23]
    assert saturate(whole(32767, 32768, -32768, -32769), 16).tolist() == [
        32767,
        32767,
        -32768,
        -32768,
    ]


def test_loihi_fires_above_its_threshold_and_the_others_at_it() -> None:
    assert LOIHI.fires(whole(99, 100, 101), whole(100)).tolist() == [0, 0, 1]
    others = arithmetic(load("dynapcnn"))
    assert others.fires(whole(99, 100, 101), whole(100)).tolist() == [0, 1, 1]


def over_whole_numbers(program, network: Network) -> Network:
    """The ideal network whose weights and thresholds are the codes themselves."""
    layers = []
    for layer in network.layers:
        codes = program.codes[layer.name]
        dynamics = layer.dynamics and replace(
            layer.dynamics, v_threshold=codes.threshold, alpha=1.0
        )
        weight = codes.weight * codes.spikes
        layers.append(replace(layer, weight=weight, bias=codes.bias, dynamics=dynamics))
    return Network(tuple(layers), network.dt)


@pytest.mark.parametrize("name", ["dynapcnn", "truenorth"])
@pytest.mark.parametrize("seed", range(3))
def test_without_leak_or_overflow_it_is_the_ideal_network_over_whole_numbers(name, seed) -> None:
    network = mlp(16, 30, 20, 8, alpha=1.0, seed=seed)
    program = compile(load(name), network)
    x = spikes(25, 6, 16, seed=seed).double()
    result = run(program, x)
    exact = over_whole_numbers(program, network).trace(x)
    assert result.spikes["fc1"].double().mean() > 0.01
    assert torch.equal(result.spikes["fc1"].double(), exact[0])
    assert torch.equal(result.spikes["fc2"].double(), exact[1])
    assert not any(result.overflows.values())
    step = program.codes["output"].unit
    assert torch.allclose(result.output, exact[2] * step)


def test_average_pooling_adds_spikes_and_divides_nothing() -> None:
    network = convnet(size=8, maps=4)
    first = replace(network.layers[0], pool="average", bias=torch.full((4,), 0.05))
    network = replace(network, layers=(first, network.layers[1]))
    program = compile(load("dynapcnn"), network)
    assert program.codes["output"].spikes == 4
    x = spikes(20, 3, 1, 8, 8)
    result = run(program, x)
    exact = over_whole_numbers(program, network).trace(x.double())
    assert torch.equal(result.spikes["conv1"].double(), exact[0])
    assert torch.allclose(result.output, exact[1] * program.codes["output"].unit)


@pytest.mark.parametrize(
    ("name", "alpha", "alike"), [("loihi1", 0.9, 0.999), ("xylo_a2", 0.875, 0.95)]
)
def test_it_stays_close_to_the_network_that_its_codes_mean(name, alpha, alike) -> None:
    network = mlp(16, 30, 8, alpha=alpha)
    if name == "loihi1":
        first = network.layers[0]
        hard = replace(first, dynamics=replace(first.dynamics, reset="hard"))
        network = replace(network, layers=(hard, network.layers[1]))
    program = compile(load(name), network)
    x = spikes(40, 8, 16)
    result, meant = run(program, x), program.network.trace(x)[0]
    assert meant.mean() > 0.05
    same = (result.spikes["fc1"] == meant).double().mean()
    assert same > alike  # rounding moves spikes: Xylo's threshold is but some hundred steps
    assert not any(result.overflows.values())


def test_saturation_is_counted_and_refused_in_strict_mode() -> None:
    network = mlp(16, 30, 8, alpha=1.0)
    first = network.layers[0]
    dynamics = replace(first.dynamics, v_threshold=1e4)  # never reached
    weight = -first.weight.abs()
    network = replace(
        network, layers=(replace(first, weight=weight, dynamics=dynamics), network.layers[1])
    )
    program = compile(load("xylo_a2"), network)
    codes = dict(program.codes)
    codes["fc1"] = replace(codes["fc1"], weight=codes["fc1"].weight - 127)
    program = replace(program, codes=codes)
    result = run(program, torch.ones(200, 1, 16))
    assert result.overflows["fc1"] > 0
    with pytest.raises(OverflowError, match=r"numbers must fit their registers, got overflows"):
        run(program, torch.ones(200, 1, 16), strict=True)


@given(seed=st.integers(0, 50), split=st.integers(1, 5))
@settings(max_examples=15)
def test_a_sample_does_not_depend_on_its_batch(seed: int, split: int) -> None:
    program = compile(load("xylo_a2"), mlp(16, 12, 8, alpha=0.875, seed=seed))
    x = spikes(10, 6, 16, seed=seed)
    parts = [run(program, part).output for part in (x[:, :split], x[:, split:])]
    assert torch.equal(run(program, x).output, torch.cat(parts, 1))


def test_a_constant_input_is_a_bias() -> None:
    program = compile(load("dynapcnn"), mlp(16, 12, 8, alpha=1.0))
    x = spikes(1, 3, 16)
    assert torch.equal(run(program, x, 9).output, run(program, x.expand(9, 3, 16)).output)


def test_chips_that_do_not_count_are_refused() -> None:
    with pytest.raises(ValueError, match=r"profile must be of a digital chip .* got dynapse2"):
        run(compile(load("dynapse2"), mlp(16, 8, 4)), spikes(3, 1, 16))
    leaky = compile(load("truenorth"), mlp(16, 8, 4, alpha=0.9))
    with pytest.raises(ValueError, match=r"layer fc1: decay must be known"):
        run(leaky, spikes(3, 1, 16))
    whole_ = compile(load("truenorth"), mlp(16, 8, 4, alpha=1.0))
    assert run(whole_, spikes(3, 1, 16)).output.shape == (3, 1, 4)


def test_a_divided_step_means_the_same_network() -> None:
    network = convnet(size=8, maps=4)
    first = replace(network.layers[0], pool="average")
    held = quantise(replace(network, layers=(first, network.layers[1])), load("dynapcnn"))
    assert torch.allclose(
        held.network.layers[1].weight, network.layers[1].weight, atol=held.errors[1].largest * 2
    )
