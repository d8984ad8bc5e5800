"""Plasticity on the chip: pairs of spikes in closed form, local, and of use."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor
from torch.nn.grad import conv2d_weight

from hardware import memory, traffic
from hardware.chips import Draws
from hardware.circuits import Chips, Foundry
from hardware.emulator import run
from hardware.frozen import Faults, Spread
from hardware.local import LocalView, total
from hardware.network import Dynamics, Layer, Network
from hardware.nonidealities import Nonidealities
from hardware.onchip import OnChip, Schedule
from hardware.plasticity import STDP, Eligible, RewardedSTDP, Traces
from hardware.stores import Shadow
from hardware.temporal import Thermal
from tests.hardware.networks import spikes as random_spikes
from tests.hardware.test_emulator import SOFT, convolutional


PAIRS = STDP(lr=1.0, potentiation=0.7, depression=0.4, decay_pre=0.8, decay_post=0.6)
STEPS = 20


def two_layers(*, competition: bool = False) -> Network:
    generator = torch.Generator().manual_seed(2)
    dynamics = Dynamics(0.9, 1.0, "soft", competition=competition)
    sizes = ((12, 9), (9, 6))
    weights = [torch.rand(out, into, generator=generator) / 2 for into, out in sizes]
    return Network(
        tuple(
            Layer(f"fc{n}", w, None, (w.shape[1],), dynamics=dynamics)
            for n, w in enumerate(weights, 1)
        ),
        1e-3,
    )


def learner(network: Network, rule: STDP, wrong: Nonidealities | None = None, n: int = 2) -> OnChip:
    made = Foundry(network, Draws(5, range(n))).make(wrong or Nonidealities())
    return OnChip(made, rule, Shadow())


def learned(chip: OnChip, x: Tensor, labels: Tensor | None = None) -> list[Tensor]:
    before = [layer.weight.read().clone() for layer in chip.layers]
    chip.learn(x, {}, torch.zeros(x.shape[1]).long() if labels is None else labels, len(x))
    return [layer.weight.read() - b for layer, b in zip(chip.layers, before, strict=True)]


def views(pre: list[int], post: list[int], steps: int = 30) -> list[LocalView]:
    """One synapse between an input and a neuron that fire at these steps."""
    made, count = [], torch.zeros(1, 1, 1)
    for t in range(steps):
        count = count + float(t in post)
        given = torch.full((1, 1, 1), float(t in pre))
        made.append(LocalView(given, torch.zeros(1, 1, 1), count, torch.zeros(()), t + 1))
    return made


def change(rule: STDP, pre: list[int], post: list[int]) -> float:
    traces, layer = rule.learner(), Layer("w", torch.zeros(1, 1), None, (1,))
    made = [one for view in views(pre, post) for one in traces.changes(view)]
    return total(made).add_to(torch.zeros(1, 1, 1), layer).item()


@pytest.mark.parametrize("apart", range(-6, 7))
def test_a_pair_of_spikes_has_the_window_in_closed_form(apart: int) -> None:
    expected = 0.7 * 0.8**apart if apart >= 0 else -0.4 * 0.6**-apart
    assert change(PAIRS, [10], [10 + apart]) == pytest.approx(expected, rel=1e-5)


def test_all_pairs_count_or_the_nearest_only() -> None:
    both = 0.7 * (0.8**2 + 0.8**5)
    assert change(PAIRS, [5, 8], [10]) == pytest.approx(both, rel=1e-5)
    nearest = replace(PAIRS, pairing="nearest")
    assert change(nearest, [5, 8], [10]) == pytest.approx(0.7 * 0.8**2, rel=1e-5)
    assert change(nearest, [15], [9, 12]) == pytest.approx(-0.4 * 0.6**3, rel=1e-5)
    assert change(PAIRS, [15], [9, 12]) == pytest.approx(-0.4 * (0.6**3 + 0.6**6), rel=1e-5)


def windows(pre: Tensor, post: Tensor) -> Tensor:
    """All pairs one by one: (batch, out, in) of spikes (time, batch, ...)."""
    found = torch.zeros(pre.shape[1], post.shape[2], pre.shape[2])
    for i, after in enumerate(post):
        for j, before in enumerate(pre):
            size = 0.7 * 0.8 ** (i - j) if i >= j else -0.4 * 0.6 ** (j - i)
            found += size * after[:, :, None] * before[:, None]
    return found


def test_chips_learn_from_all_pairs_of_the_spikes_that_they_had() -> None:
    network, x = two_layers(), random_spikes(STEPS, 4, 12)
    trace = network.trace(x)
    given = (x, trace[0])
    assert all(10 < said.sum() < said.numel() for said in trace)
    for mine, pre, post in zip(learned(learner(network, PAIRS), x), given, trace, strict=True):
        expected = windows(pre, post).mean(0)
        for chip in mine:
            torch.testing.assert_close(chip, expected, rtol=1e-4, atol=1e-5)


def test_a_kernel_learns_from_the_pairs_at_all_positions() -> None:
    network, x = convolutional(SOFT), random_spikes(8, 3, 2, 8, 8)
    post = network.trace(x)[0]
    chip = OnChip(Foundry(network, Draws(5, range(2))).make(Nonidealities()), PAIRS)
    mine = learned(chip, x)[0]
    expected = torch.zeros_like(mine[0])
    for i, after in enumerate(post):
        for j, before in enumerate(x):
            size = 0.7 * 0.8 ** (i - j) if i >= j else -0.4 * 0.6 ** (j - i)
            expected += size / 3 * conv2d_weight(before, expected.shape, after, 1, 1)
    assert expected.abs().max() > 1
    torch.testing.assert_close(mine[1], expected, rtol=1e-4, atol=1e-3)


def test_reward_multiplies_pairs_that_have_faded() -> None:
    rule = RewardedSTDP(**vars(PAIRS), decay_eligibility=0.9)
    traces, layer = rule.learner(), Layer("w", torch.zeros(1, 1), None, (1,))
    for view in views([10], [12], steps=15):
        assert traces.changes(view) == []
    made = total(traces.reward(torch.tensor([[-0.5]])))
    got = made.add_to(torch.zeros(1, 1, 1), layer).item()
    assert got == pytest.approx(-0.5 * 0.9**2 * 0.7 * 0.8**2, rel=1e-5)


def test_the_reward_is_what_is_better_than_expected() -> None:
    network, x = two_layers(competition=True), random_spikes(STEPS, 40, 12)
    chip = learner(network, RewardedSTDP(**vars(PAIRS) | {"lr": 0.0}))
    labels = run(chip.trained(), x, STEPS).scores[0].argmax(1)
    labels[10:] = 7  # what no neuron stands for
    assert chip.expected.eq(0).all()
    for _ in range(2):
        chip.learn(x, {}, labels, STEPS)
    share = 2 * 10 / 40 - 1
    torch.testing.assert_close(chip.expected, torch.full((2, 1), share * (1 - 0.9**2)))


def test_without_targets_nothing_is_told_to_the_synapses() -> None:
    network, x = two_layers(), random_spikes(STEPS, 4, 12)
    chip = learner(network, PAIRS)
    one = learned(chip, x)
    assert all(layer.target.shape == () for layer in chip.layers)
    other = learned(learner(network, PAIRS), x, labels=torch.arange(4))
    assert all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


def test_other_layers_weights_change_nothing_in_a_layer() -> None:
    network, x = two_layers(), random_spikes(STEPS, 4, 12)
    stronger = replace(network.layers[1], weight=2 * network.layers[1].weight)
    twin = replace(network, layers=(network.layers[0], stronger))
    here, there = (learned(learner(n, PAIRS), x) for n in (network, twin))
    assert torch.equal(here[0], there[0])
    assert not torch.equal(here[1], there[1])


def test_silent_neurons_learn_nothing_and_a_readout_neither() -> None:
    network, x = two_layers(), random_spikes(STEPS, 4, 12)
    wrong = Nonidealities(faults=Faults(silent=0.5))
    chip = learner(network, PAIRS, wrong)
    silent = chip.layers[0].circuit.cells.alive[:, 0] == 0
    first = learned(chip, x)[0]
    assert not first[silent].any()
    assert first[~silent].any()
    readout = replace(network.layers[1], dynamics=None)
    ended = replace(network, layers=(network.layers[0], readout))
    assert not learned(learner(ended, PAIRS), x)[1].any()


def test_a_chip_learns_the_same_in_any_company() -> None:
    network, x = two_layers(competition=True), random_spikes(STEPS, 4, 12)
    wrong = Nonidealities(spread=Spread(0.3, 0.1, 0.1), thermal=Thermal(0.1))
    rule = RewardedSTDP(lr=0.5)
    few, many = (learned(learner(network, rule, wrong, n), x) for n in (2, 5))
    for a, b in zip(few, many, strict=True):
        torch.testing.assert_close(a[1], b[1])
        assert not torch.allclose(b[1], b[2], atol=1e-4)


def test_inputs_that_fire_together_win_over_those_that_do_not() -> None:
    """Ten of twenty inputs share their spikes: the neuron comes to listen to them."""
    generator = torch.Generator().manual_seed(8)
    weight = torch.full((1, 20), 0.3)
    layer = Layer("out", weight, None, (20,), dynamics=Dynamics(0.5, 1.5, "soft"))
    chips = Foundry(Network((layer,), 1e-3), Draws(1, range(4))).make(
        Nonidealities(spread=Spread(0.2))
    )
    rule = STDP(lr=0.01, depression=1.5, decay_pre=0.6, decay_post=0.8)
    chip = OnChip(chips, rule, Shadow(bounds=(0.0, 0.6)))
    for _ in range(100):
        x = (torch.rand(50, 4, 20, generator=generator) < 0.1).float()
        x[:, :, :10] = (torch.rand(50, 4, 1, generator=generator) < 0.1).float()
        chip.learn(x, {}, torch.zeros(4).long(), 50)
    together, apart = chip.layers[0].weight.read()[:, 0].split(10, 1)
    assert together.min() > 2 * apart.max()
    assert chip.layers[0].weight.read().max() <= 0.6


def classes(*, competition: bool) -> Network:
    weight = 0.3 + 0.1 * torch.rand(3, 30, generator=torch.Generator().manual_seed(0))
    dynamics = Dynamics(0.8, 3.0, "soft", competition=competition)
    return Network((Layer("out", weight, None, (30,), dynamics=dynamics),), 1e-3)


def patterns(labels: Tensor, generator: torch.Generator) -> Tensor:
    """Ten of thirty inputs are busy, other ones for each class."""
    busy = torch.arange(30) // 10 == labels[:, None]
    rate = torch.where(busy, 0.5, 0.05)
    return (torch.rand(STEPS, *rate.shape, generator=generator) < rate).float()


def right(chips: Chips) -> Tensor:
    """The share of each chip; one that says nothing is not right."""
    labels = torch.arange(150) % 3
    scores = run(chips, patterns(labels, torch.Generator().manual_seed(99)), STEPS).scores
    return ((scores.argmax(2) == labels) & (scores.amax(2) > 0)).float().mean(1)


def taught(network: Network, rule: RewardedSTDP, wrong: Nonidealities) -> OnChip:
    chips = Foundry(network, Draws(3, range(4))).make(wrong)
    chip = OnChip(chips, rule, Shadow(bounds=(0.0, 1.0)))
    generator = torch.Generator().manual_seed(7)
    for _ in range(60):
        labels = torch.randint(0, 3, (10,), generator=generator)
        chip.learn(patterns(labels, generator), {}, labels, STEPS)
    return chip


def test_reward_alone_teaches_neurons_that_compete() -> None:
    network = classes(competition=True)
    wrong = Nonidealities(spread=Spread(0.3, 0.1))
    assert right(Foundry(network, Draws(3, range(4))).make(wrong)).max() < 0.6
    chip = taught(network, RewardedSTDP(lr=0.02, depression=0.5), wrong)
    assert right(chip.trained()).min() > 0.9
    assert chip.expected.min() > 0.8


def test_learning_by_reward_goes_on_where_it_was_left() -> None:
    network = classes(competition=True)
    rule = RewardedSTDP(lr=0.02)
    chip, later = (learner(network, rule, Nonidealities()) for _ in range(2))
    labels = torch.arange(10) % 3
    x = patterns(labels, torch.Generator().manual_seed(1))
    chip.learn(x, {}, labels, STEPS)
    later.restore(chip.state())
    for one in (chip, later):
        one.learn(x, {}, labels, STEPS)
    assert torch.equal(chip.layers[0].weight.read(), later.layers[0].weight.read())


def test_a_dead_network_is_never_right_and_learns_nothing() -> None:
    network = classes(competition=True)
    wrong = Nonidealities(faults=Faults(silent=1.0))
    chip = taught(network, RewardedSTDP(lr=0.02), wrong)
    assert not right(chip.trained()).any()
    assert torch.equal(chip.layers[0].weight.read()[0], network.layers[0].weight)
    assert chip.expected.max() < -0.9


def test_reward_is_the_only_traffic_and_traces_the_only_memory() -> None:
    network = two_layers()  # 12 inputs, 9 + 6 neurons, 108 + 54 weights
    assert traffic.plasticity(network) == traffic.Traffic(0, 0)
    rewarded = traffic.plasticity(network, steps=15, reward_bits=8)
    assert rewarded == traffic.Traffic(to_chip=8, from_chip=6 * 4)
    kept = memory.plasticity(network, Shadow(8))
    assert kept == memory.Memory(162 * (8 + 32 + 32) + 32 * (12 + 9 + 9 + 6), 0)


def test_updates_count_spikes_that_ask_for_a_change() -> None:
    network, x = two_layers(), random_spikes(STEPS, 4, 12)
    chip = learner(network, PAIRS)
    chip.learn(x, {}, torch.zeros(4).long(), STEPS)
    first, second = network.trace(x)
    expected = int(x.sum() + 2 * first.sum() + second.sum())
    assert chip.updates.tolist() == [expected, expected]


def test_bad_input_is_refused() -> None:
    with pytest.raises(ValueError, match=r"decay_pre must be in 0\.\.1, got 2"):
        STDP(decay_pre=2)
    with pytest.raises(ValueError, match="pairing must be one of"):
        STDP(pairing="triplet")
    chips = Foundry(two_layers(), Draws(0, range(1))).make(Nonidealities())
    with pytest.raises(ValueError, match="schedule must be left out for a rule by reward"):
        OnChip(chips, RewardedSTDP(), schedule=Schedule(at="step"))
    with pytest.raises(ValueError, match="bounds must be a lower and a higher number"):
        Shadow(bounds=(1.0, 0.0))


def test_a_rule_makes_the_learner_that_it_says() -> None:
    assert type(STDP().learner()) is Traces
    assert type(RewardedSTDP().learner()) is Eligible
