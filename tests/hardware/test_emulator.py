"""Chips as a batch: ideal ones equal the network, each is itself in any company."""

import math
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn.functional import conv2d, linear

from hardware.chips import Draws
from hardware.circuits import Chips, Foundry
from hardware.emulator import Products, Result, run
from hardware.frozen import Drift, Faults, Spread
from hardware.network import Dynamics, Layer, Network
from hardware.nonidealities import Nonidealities
from hardware.temporal import Routing, Thermal


STEPS = 8
ALL_WRONG = Nonidealities(
    spread=Spread(0.3, 0.1, 0.2),
    drift=Drift(1e4),
    faults=Faults(silent=0.1, hot=0.05, dead=0.1, stuck=0.02),
    thermal=Thermal(0.1),
    routing=Routing(0.1, 0.1),
)


def weights(*shape: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator) * math.sqrt(4 / math.prod(shape[1:]))


def dense(dynamics: Dynamics, *, bias: bool = True) -> Network:
    b = 0.1 * weights(20, 1)[:, 0] if bias else None
    c = 0.1 * weights(5, 1)[:, 0] if bias else None
    return Network(
        (
            Layer("hidden", weights(20, 30), b, (30,), dynamics=dynamics),
            Layer("second", weights(15, 20, seed=1), None, (20,), dynamics=dynamics),
            Layer("out", weights(5, 15, seed=2), c, (15,), dynamics=None),
        ),
        dt=1e-3,
    )


def convolutional(dynamics: Dynamics) -> Network:
    return Network(
        (
            Layer(
                "c1", weights(4, 2, 3, 3), None, (2, 8, 8),
                padding=1, pool="max", dynamics=dynamics,
            ),
            Layer(
                "c2", weights(6, 4, 3, 3, seed=1), 0.1 * weights(6, 1)[:, 0], (4, 4, 4),
                padding=1, pool="average", dynamics=dynamics,
            ),
            Layer("out", weights(5, 24, seed=2), None, (24,), dynamics=None),
        ),
        dt=1e-3,
    )  # fmt: skip


SOFT = Dynamics(alpha=0.9, v_threshold=1.0, reset="soft")
HARD = Dynamics(alpha=0.8, v_threshold=0.7, reset="hard", v_reset=-0.1, v_initial=0.2, gain=0.2)
RESTING = Dynamics(alpha=1.0, v_threshold=1.0, reset="soft", refractory=2)


def image(network: Network, batch: int = 6) -> Tensor:
    return torch.rand(
        1, batch, *network.layers[0].shape_in, generator=torch.Generator().manual_seed(9)
    )


def spike_trains(network: Network, batch: int = 6) -> Tensor:
    shape = (STEPS, batch, *network.layers[0].shape_in)
    return (torch.rand(shape, generator=torch.Generator().manual_seed(9)) < 0.4).float()


def chips(network: Network, wrong: Nonidealities, numbers: range, seed: int = 1) -> Chips:
    return Foundry(network, Draws(seed, numbers)).make(wrong)


@pytest.mark.parametrize("dynamics", [SOFT, HARD, RESTING])
@pytest.mark.parametrize("build", [dense, convolutional])
@pytest.mark.parametrize("show", [image, spike_trains])
def test_an_ideal_chip_gets_the_bits_of_the_network(build, show, dynamics) -> None:
    network = build(dynamics)
    x = show(network)
    result = run(chips(network, Nonidealities(), range(3)), x, STEPS)
    assert all(0 < rate.mean() < 1 for rate in result.rates.values())
    for scores in result.scores:
        assert torch.equal(scores, network.run(x, STEPS).mean(0))


@pytest.mark.parametrize("build", [dense, convolutional])
@pytest.mark.parametrize("show", [image, spike_trains])
def test_chip_three_of_four_is_chip_three_of_thirty_two(build, show) -> None:
    network = build(HARD)
    x = show(network)
    of_four, of_many, alone = (
        run(chips(network, ALL_WRONG, numbers), x, STEPS)
        for numbers in (range(4), range(32), range(3, 4))
    )
    for few in (of_four, alone):
        assert torch.equal(few.scores[-1], of_many.scores[3])
        assert torch.equal(
            few.counts["c1" if build is convolutional else "hidden"][-1],
            of_many.counts["c1" if build is convolutional else "hidden"][3],
        )


def test_bits_hold_where_products_are_large() -> None:
    layers = (
        Layer("hidden", weights(512, 784), None, (784,), dynamics=SOFT),
        Layer("out", weights(10, 512), None, (512,)),
    )
    network = Network(layers, dt=1e-3)
    x, wrong = image(network, 64), Nonidealities(spread=Spread(0.3, 0.1, 0.1))
    of_four, of_nine, alone = (
        run(chips(network, wrong, numbers), x, STEPS)
        for numbers in (range(4), range(9), range(3, 4))
    )
    assert torch.equal(of_four.scores[3], of_nine.scores[3])
    assert torch.equal(alone.scores[0], of_nine.scores[3])
    ideal = run(chips(network, Nonidealities(), range(2)), x, STEPS)
    assert torch.equal(ideal.scores[1], network.run(x, STEPS).mean(0))


def by_hand(made: Chips, x: Tensor, chip: int) -> Tensor:
    """The scores of one chip, without noise: a loop over steps and layers, as on paper."""
    states: dict[str, Tensor] = {}
    total = torch.zeros(())
    for t in range(STEPS):
        s = x[min(t, len(x) - 1)]
        for circuit in made.circuits:
            layer, cells, synapses = circuit.layer, circuit.cells, circuit.synapses
            if circuit.slope is not None:
                synapses = synapses.plus(circuit.level, circuit.slope)
            w = synapses.weight[chip % len(synapses.weight)]
            b = None if synapses.bias is None else synapses.bias[chip % len(synapses.bias)]
            i = linear(s.flatten(1), w, b) if w.dim() == 2 else conv2d(s, w, b, 1, layer.padding)
            if cells is None:
                total = total + i
                continue
            at = lambda p: p[chip, 0] if isinstance(p, Tensor) else p  # noqa: E731
            v = states.get(layer.name, torch.full_like(i, layer.dynamics.v_initial))
            h = at(cells.alpha) * v + at(cells.gain) * i
            s = (h >= at(cells.v_threshold)).float()
            soft = h - at(cells.v_threshold) * s
            states[layer.name] = (
                soft if layer.dynamics.reset == "soft" else h * (1 - s) + layer.dynamics.v_reset * s
            )
            s = torch.maximum(s * at(cells.alive), at(cells.hot))
            if layer.pool != "none":
                pool = (
                    torch.nn.functional.max_pool2d
                    if layer.pool == "max"
                    else (torch.nn.functional.avg_pool2d)
                )
                s = pool(s, 2)
    return total / STEPS


@pytest.mark.parametrize("dynamics", [SOFT, HARD])
@pytest.mark.parametrize("build", [dense, convolutional])
@pytest.mark.parametrize("show", [image, spike_trains])
def test_a_batch_of_chips_computes_what_each_does_by_hand(build, show, dynamics) -> None:
    network = build(dynamics)
    x = show(network)
    wrong = replace(ALL_WRONG, thermal=Thermal(), routing=Routing())
    made = chips(network, wrong, range(3))
    scores = run(made, x, STEPS).scores
    for chip in range(3):
        torch.testing.assert_close(scores[chip], by_hand(made, x, chip), rtol=1e-4, atol=1e-5)


def test_levels_that_share_their_products_get_the_bits_of_those_that_do_not() -> None:
    network = dense(SOFT)
    x, foundry, products = image(network), Foundry(network, Draws(1, range(3))), Products()
    for level in (0.0, 0.1, 0.5):
        wrong = Nonidealities(spread=Spread(level, level, level, reference=0.5))
        together = run(foundry.make(wrong), x, STEPS, products=products)
        alone = run(chips(network, wrong, range(3)), x, STEPS)
        assert torch.equal(together.scores, alone.scores)
    assert len(products.kept) == 2  # one for the mean, one for the deviation


def test_the_order_is_quantise_then_mismatch_then_faults() -> None:
    network = dense(SOFT, bias=False)
    wrong = Nonidealities(
        bits=3, spread=Spread(weight=0.4), faults=Faults(dead=0.2, stuck=0.1), compat="buechel2021"
    )
    made = chips(network, wrong, range(2)).circuits[1].synapses.weight
    stored = chips(network, replace(wrong, spread=Spread(), faults=Faults()), range(2))
    stored = stored.circuits[1].synapses.weight
    assert len(stored.unique()) <= 2**3 + 1
    matched = chips(network, replace(wrong, faults=Faults()), range(2)).circuits[1].synapses.weight
    untouched = made == matched
    assert untouched.float().mean() >= 0.7
    assert ((made == 0) | (made.abs() == stored.abs().max()))[~untouched].all()
    factor = (matched / stored)[:, stored[0] != 0]
    assert (factor > 0).all()  # signs of the quantised weights, times a lognormal factor
    assert len(factor.unique()) > factor.numel() / 2


def test_frozen_effects_are_the_same_for_every_batch_and_noise_is_not() -> None:
    network = dense(SOFT)
    x = image(network)

    def scores(wrong: Nonidealities, first: int) -> Tensor:
        return run(chips(network, wrong, range(2)), x, STEPS, first=first).scores

    frozen = replace(ALL_WRONG, thermal=Thermal(), routing=Routing())
    assert torch.equal(scores(frozen, 0), scores(frozen, 64))
    for wrong in (Nonidealities(thermal=Thermal(0.3)), Nonidealities(routing=Routing(0.3))):
        assert torch.equal(scores(wrong, 0), scores(wrong, 0))
        assert not torch.equal(scores(wrong, 0), scores(wrong, 64))
        assert not torch.equal(*scores(wrong, 0))


def test_no_temperature_gets_the_bits_of_no_noise() -> None:
    network = dense(SOFT)
    cold = Nonidealities(thermal=Thermal(0.5, temperature=0))
    result = run(chips(network, cold, range(2)), image(network), STEPS)
    assert torch.equal(result.scores[1], network.run(image(network), STEPS).mean(0))


def test_noise_alone_gives_the_membrane_its_declared_spread() -> None:
    """P(h >= theta) of a membrane at rest, after it has forgotten its start: 1 - Phi(1 / sigma)."""
    sigma, n = 0.5, 4000
    dynamics = Dynamics(alpha=0.8, v_threshold=2.0, reset="hard", v_reset=0.0)
    layer = Layer("only", torch.zeros(n, 1), None, (1,), dynamics=dynamics)
    made = chips(Network((layer,), 1e-3), Nonidealities(thermal=Thermal(sigma)), range(4))
    made = replace(made, circuits=(replace(made.circuits[0]),))
    first = run(made, torch.zeros(1, 10, 1), 1).rates["only"].mean().item()
    share = 0.5 * math.erfc(1 / (sigma * math.sqrt(1 - 0.8**2)) / math.sqrt(2))
    assert first == pytest.approx(share, abs=5 * math.sqrt(share / (n * 40)))


@settings(max_examples=10)
@given(silent=st.floats(0, 1), seed=st.integers(0, 5))
def test_silent_neurons_never_fire_and_hot_ones_always_do(silent: float, seed: int) -> None:
    network = dense(SOFT)
    faults = Faults(silent=silent, hot=1 - silent)
    result = run(
        chips(network, Nonidealities(faults=faults), range(2), seed), image(network), STEPS
    )
    counts = result.counts["hidden"]
    assert set(counts.unique().tolist()) <= {0.0, float(STEPS)}
    assert ((counts == 0).all(1).sum(1) == round(silent * 20)).all()


def test_an_event_is_a_spike_at_a_synapse() -> None:
    network = dense(SOFT)
    result: Result = run(chips(network, ALL_WRONG, range(2)), image(network), STEPS)
    ideal = run(chips(network, Nonidealities(), range(2)), image(network), STEPS)
    assert ideal.events["second"].tolist() == (ideal.counts["hidden"].sum((1, 2)) * 15).tolist()
    assert "hidden" not in ideal.events  # a constant image has no spikes
    assert (result.events["second"] < result.counts["hidden"].sum((1, 2)) * 15).all()  # some lost
    convolved = convolutional(SOFT)
    spikes = torch.zeros(STEPS, 1, 2, 8, 8)
    spikes[0, 0, 0, 0, 0] = spikes[0, 0, 0, 4, 4] = 1  # a corner reaches 4 x 4 maps, the middle 9
    events = run(chips(convolved, Nonidealities(), range(1)), spikes, STEPS).events["c1"]
    assert events.tolist() == [4 * 4 + 9 * 4]


def test_a_wrong_number_of_steps_is_refused() -> None:
    network = dense(SOFT)
    with pytest.raises(ValueError, match="x must have 1 or 8 steps, got 3"):
        run(chips(network, Nonidealities(), range(1)), torch.zeros(3, 1, 30), STEPS)
