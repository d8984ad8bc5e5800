"""Learning on the chip: equal to autograd where the chip is ideal, and local everywhere."""

import math
from dataclasses import fields, replace
from threading import Event

import pytest
import torch
from torch import Tensor
from torch.nn.functional import conv2d, cross_entropy, linear, max_pool2d

from hardware import memory
from hardware.chips import Draws
from hardware.circuits import Foundry
from hardware.emulator import run
from hardware.frozen import Faults, Spread
from hardware.local import Change, LocalTandem, LocalView, total
from hardware.network import Layer, Network
from hardware.nonidealities import Nonidealities
from hardware.onchip import OnChip, Schedule
from hardware.stores import Adam, CoarseWeights, Shadow, Stochastic
from hardware.temporal import Thermal
from hardware.traffic import ahead, in_the_loop, local_tandem, sent
from tests.hardware.test_emulator import HARD, SOFT, STEPS, convolutional, dense, image


RULE = LocalTandem(lr=0.05, width=0.6)
LABELS = torch.tensor([0, 1, 2, 3, 4, 0])


def targets(network: Network, batch: int = 6) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(3)
    return {
        layer.name: torch.rand(batch, *layer.shape_out, generator=generator)
        for layer in network.layers
        if layer.dynamics
    }


def learner(network: Network, wrong: Nonidealities, n: int = 2, **options: object) -> OnChip:
    return OnChip(Foundry(network, Draws(5, range(n))).make(wrong), **{"rule": RULE, **options})


class Boxcar(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return (x >= 0).to(x.dtype)

    @staticmethod
    def backward(ctx, e):
        (x,) = ctx.saved_tensors
        return e * (x.abs() < RULE.width / 2) / RULE.width


def by_autograd(network: Network, x: Tensor, warm_up: int) -> list[Tensor]:
    """The weights after one batch: each step's own loss, its gradient by autograd, plain SGD."""
    weights = [layer.weight.clone().requires_grad_() for layer in network.layers]
    wanted, counts, v = targets(network), {}, {}
    biases = [None if y.bias is None else y.bias.clone().requires_grad_() for y in network.layers]
    for t in range(1, STEPS + 1):
        s, losses = x[0], []
        for layer, w, b in zip(network.layers, weights, biases, strict=True):
            i = linear(s.flatten(1), w, b) if w.dim() == 2 else conv2d(s, w, b, 1, layer.padding)
            past = counts.get(layer.name, torch.zeros(()))
            if layer.dynamics is None:
                counts[layer.name] = past + i.detach()
                losses.append(cross_entropy((past + i) / t, LABELS))
                break
            d = layer.dynamics
            h = d.alpha * v.get(layer.name, torch.full_like(i, d.v_initial)) + i
            s = Boxcar.apply(h - d.v_threshold)
            z = s.detach()
            after = h - d.v_threshold * z if d.reset == "soft" else h * (1 - z) + d.v_reset * z
            v[layer.name], counts[layer.name] = after.detach(), past + z
            losses.append(((past + s) / t - wanted[layer.name]).square().sum() / len(LABELS))
            s = (
                z
                if layer.pool == "none"
                else (
                    max_pool2d(z, 2)
                    if layer.pool == "max"
                    else torch.nn.functional.avg_pool2d(z, 2)
                )
            )
        if t > warm_up:
            learned = [p for p in (*weights, *biases) if p is not None]
            gradients = torch.autograd.grad(sum(losses), learned)
            with torch.no_grad():
                for p, g in zip(learned, gradients, strict=True):
                    p -= RULE.lr * g
    return [w.detach() for w in weights]


@pytest.mark.parametrize("dynamics", [SOFT, replace(HARD, gain=1.0)])
@pytest.mark.parametrize("build", [dense, convolutional])
def test_the_update_by_hand_equals_autograd_on_an_ideal_chip(build, dynamics) -> None:
    network = build(dynamics)
    x = image(network)
    chip = learner(network, Nonidealities())
    chip.learn(x, targets(network), LABELS, STEPS)
    expected = by_autograd(network, x, warm_up=6)
    for layer, plastic, w in zip(network.layers, chip.layers, expected, strict=True):
        assert not torch.equal(w, layer.weight)
        for mine in plastic.weight.read():
            torch.testing.assert_close(mine, w, rtol=1e-5, atol=1e-6)


def test_the_learner_is_shown_its_own_synapses_and_nothing_else() -> None:
    names = {field.name for field in fields(LocalView)}
    assert names == {"pre_spikes", "u_minus_threshold", "spike_count", "target", "t"}


def changed(chip: OnChip, network: Network, x: Tensor) -> list[Tensor]:
    before = [layer.weight.read().clone() for layer in chip.layers]
    chip.learn(x, targets(network), LABELS, STEPS)
    return [layer.weight.read() - b for layer, b in zip(chip.layers, before, strict=True)]


def test_other_layers_weights_change_nothing_in_a_layer() -> None:
    network = dense(SOFT)
    other = replace(network.layers[1], weight=-network.layers[1].weight)
    twin = replace(network, layers=(network.layers[0], other, network.layers[2]))
    wrong = Nonidealities(spread=Spread(0.3, 0.1, 0.1))
    here, there = (changed(learner(n, wrong), n, image(n)) for n in (network, twin))
    assert torch.equal(here[0], there[0])
    assert not torch.equal(here[1], there[1])


def test_no_error_changes_nothing() -> None:
    view = LocalView(
        torch.ones(2, 3, 4), torch.zeros(2, 3, 5), torch.full((2, 3, 5), 4.0),
        torch.full((3, 5), 0.5), t=8,
    )  # fmt: skip
    for gate in ("boxcar", "sign", "error-triggered"):
        change = LocalTandem(gate=gate).change(view)
        assert not change.error.any()
        assert change.updates.tolist() == [0, 0]


def test_silent_neurons_never_change_their_weights() -> None:
    network = dense(SOFT)
    chip = learner(network, Nonidealities(faults=Faults(silent=0.4)))
    silent = chip.layers[0].circuit.cells.alive[:, 0] == 0
    first = changed(chip, network, image(network))[0]
    assert silent.sum(1).tolist() == [8, 8]
    assert not first[silent].any()
    assert first[~silent].abs().sum(1).count_nonzero() > 10


def test_a_chip_learns_the_same_in_any_company() -> None:
    network = dense(SOFT)
    wrong = Nonidealities(
        spread=Spread(0.3, 0.1, 0.1), faults=Faults(silent=0.2, dead=0.1), thermal=Thermal(0.1)
    )
    options = {"store": Stochastic(6), "rule": replace(RULE, lr=1.0)}
    few = changed(learner(network, wrong, 2, **options), network, image(network))
    many = changed(learner(network, wrong, 7, **options), network, image(network))
    for a, b in zip(few, many, strict=True):
        assert torch.equal(a[1], b[1])
        assert not torch.equal(b[1], b[2])


def test_gates_send_less_and_count_it() -> None:
    network = dense(SOFT)
    counts = {}
    for gate in ("boxcar", "sign", "error-triggered"):
        rule = replace(RULE, gate=gate, trigger=0.4)
        chip = learner(network, Nonidealities(), 1, rule=rule, schedule=Schedule(at="batch"))
        changed(chip, network, image(network))
        counts[gate] = chip.updates.item()
    most = 6 * 2 * (20 + 15 + 5)  # samples x steps after the warm-up x neurons
    assert 0 < counts["error-triggered"] < counts["boxcar"] <= most
    assert counts["sign"] == counts["boxcar"]


def test_signs_carry_one_size_of_change() -> None:
    generator = torch.Generator().manual_seed(1)
    view = LocalView(
        torch.ones(1, 1, 1), torch.zeros(1, 1, 50), 8 * torch.rand(1, 1, 50, generator=generator),
        torch.rand(1, 50, generator=generator), t=8,
    )  # fmt: skip
    error = LocalTandem(gate="sign", width=0.5).error(view)
    assert torch.allclose(error.abs(), torch.tensor(2 / (8 * 0.5)))
    triggered = LocalTandem(gate="error-triggered", width=0.5, trigger=0.3).error(view)
    large = (view.spike_count / 8 - view.target).abs() >= 0.3
    assert torch.equal(triggered, error * large)


def ramp(n: int) -> Layer:
    return Layer("w", torch.linspace(-1, 1, n)[None], None, (n,))


def by(amount: float, chips: int, n: int) -> Change:
    """The same change of all n synapses of one neuron."""
    error, pre = torch.full((chips, 1, 1), amount), torch.ones(1, 1, n)
    return Change(error, pre, torch.ones(chips))


def test_stochastic_rounding_is_right_on_average() -> None:
    n = 40_000
    weights = CoarseWeights(ramp(n), 6, Draws(1, range(1)))
    before, step = weights.read(), weights.step.item()
    weights.add([by(0.1 * step, 1, n)])
    change = weights.read() - before
    steps = change / step
    assert torch.allclose(steps, steps.round(), atol=1e-4)
    assert steps.mean().item() == pytest.approx(0.1, abs=4 * math.sqrt(0.09 / n))
    weights.add([by(100.0, 1, n)])
    assert weights.read().max().item() == pytest.approx(31 * step)  # it saturates


def test_a_shadow_forgets_no_small_change() -> None:
    store = Shadow(bits=4).start(ramp(15), Draws(1, range(2)))
    for _ in range(100):
        store.add([by(1e-3, 2, 15)])
    assert store.weight[1, 0, 7].item() == pytest.approx(0.1, rel=1e-4)


def test_several_steps_are_one_change() -> None:
    generator = torch.Generator().manual_seed(4)

    def rand(*shape: int) -> Tensor:
        return torch.rand(*shape, generator=generator)

    layer = Layer("w", rand(5, 4), None, (4,))
    constant = rand(1, 3, 4)
    for pre in ([constant] * 3, [rand(2, 3, 4) for _ in range(3)]):
        parts = [Change(rand(2, 3, 5) - 0.5, x, torch.tensor([1, 2])) for x in pre]
        one_by_one = torch.zeros(2, 5, 4)
        for part in parts:
            part.add_to(one_by_one, layer)
        whole = total(parts)
        torch.testing.assert_close(whole.add_to(torch.zeros(2, 5, 4), layer), one_by_one)
        torch.testing.assert_close(whole.bias, sum(part.bias for part in parts))
        assert whole.updates.tolist() == [3, 6]
    assert total([Change(rand(2, 3, 5), constant, torch.ones(2))] * 2).error.shape == (2, 3, 5)


def test_adam_is_that_of_the_paper_for_each_synapse_and_bias() -> None:
    generator = torch.Generator().manual_seed(4)
    bias = torch.zeros(2, 1)
    store = Shadow(adam=Adam(beta1=0.8, beta2=0.99)).start(ramp(6), Draws(1, range(2)), bias)
    before, m, v = store.read().clone(), 0.0, 0.0
    rate, expected = 0.01, torch.cat([before, bias[..., None]], 2)
    for n in range(1, 6):
        error, pre = torch.randn(2, 1, 1, generator=generator), torch.rand(1, 1, 6)
        store.add([Change(error * -rate, pre, torch.ones(2), rate)])
        g = error * torch.cat([pre, torch.ones(1, 1, 1)], 2)
        m, v = 0.8 * m + 0.2 * g, 0.99 * v + 0.01 * g.square()
        expected -= rate * (m / (1 - 0.8**n)) / ((v / (1 - 0.99**n)).sqrt() + 1e-8)
    torch.testing.assert_close(store.read(), expected[..., :6], rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(store.bias, expected[..., 6], rtol=1e-4, atol=1e-6)


def test_a_store_says_the_bits_of_a_synapse() -> None:
    assert Shadow().memory == 32
    assert Shadow(bits=8).memory == 40
    assert Shadow(bits=8, adam=Adam()).memory == 40 + 64
    assert Shadow(adam=Adam(beta1=0)).memory == 64
    assert Stochastic(6).memory == 6


@pytest.mark.parametrize("scale", ["absmax", "mse"])
def test_synapses_of_few_bits_are_rounded_as_the_chips_are(scale: str) -> None:
    network = dense(SOFT)
    chips = Foundry(network, Draws(5, range(3))).make(Nonidealities(bits=3, scale=scale))
    for layer, circuit in zip(OnChip(chips).layers, chips.circuits, strict=True):
        assert torch.equal(layer.weight.read()[1], circuit.synapses.weight[0])


def test_silent_neurons_of_adam_never_change_either() -> None:
    network = dense(SOFT)
    store = Shadow(adam=Adam())
    chip = learner(network, Nonidealities(faults=Faults(silent=0.4)), store=store)
    silent = chip.layers[0].circuit.cells.alive[:, 0] == 0
    assert not changed(chip, network, image(network))[0][silent].any()


def test_chips_taken_from_a_learner_do_not_learn_on() -> None:
    network = dense(SOFT)
    chip = learner(network, Nonidealities(), store=Shadow(adam=Adam()))
    taken = chip.trained()
    before = run(taken, image(network), STEPS).scores
    changed(chip, network, image(network))
    assert torch.equal(run(taken, image(network), STEPS).scores, before)


def test_a_chip_learns_around_its_own_flaws() -> None:
    """A teacher's rates, a mismatch of 0.5: the error of the rates falls by half at least."""
    network = dense(SOFT, bias=False)
    x, labels = image(network, 30), torch.arange(30) % 5
    ideal = run(Foundry(network, Draws(0, range(1))).make(Nonidealities()), x, STEPS)
    wanted = {name: count[0] / STEPS for name, count in ideal.counts.items()}
    chip = learner(network, Nonidealities(spread=Spread(0.5)), 4, rule=replace(RULE, lr=0.3))

    def error(name: str) -> float:
        rates = run(chip.trained(), x, STEPS).counts[name] / STEPS
        return (rates - wanted[name]).square().mean().item()

    before = error("hidden")
    for _ in range(60):
        chip.learn(x, wanted, labels, STEPS)
    assert error("hidden") < before / 2


@pytest.mark.parametrize("store", [Shadow(), Shadow(4, adam=Adam()), Stochastic(6)])
def test_interrupted_it_goes_on_with_the_same_bits(store) -> None:
    network, wrong = dense(SOFT), Nonidealities(spread=Spread(0.3), thermal=Thermal(0.1))
    x, wanted = image(network), targets(network)
    whole, first, second = (learner(network, wrong, store=store) for _ in range(3))
    for _ in range(3):
        whole.learn(x, wanted, LABELS, STEPS)
    first.learn(x, wanted, LABELS, STEPS)
    second.restore(first.state())
    for _ in range(2):
        second.learn(x, wanted, LABELS, STEPS)
    kept, again = whole.state(), second.state()
    assert kept.keys() == again.keys()
    assert all(torch.equal(kept[name], again[name]) for name in kept)
    assert int(again["updates"].sum()) > 0


def test_what_was_learned_is_what_the_emulator_runs() -> None:
    network = dense(SOFT)
    wrong = Nonidealities(spread=Spread(0.3, 0.1, 0.1), faults=Faults(dead=0.1, stuck=0.05))
    chip = learner(network, wrong)
    fresh = run(Foundry(network, Draws(5, range(2))).make(wrong), image(network), STEPS)
    same = run(chip.trained(), image(network), STEPS)
    torch.testing.assert_close(same.scores, fresh.scores, rtol=1e-4, atol=1e-5)
    changed(chip, network, image(network))
    assert not torch.allclose(run(chip.trained(), image(network), STEPS).scores, fresh.scores)


def test_traffic_counts_bits_per_sample() -> None:
    network = dense(SOFT)  # 20 + 15 neurons, 5 classes, 600 + 300 + 75 weights
    assert local_tandem(network, target_bits=8).to_chip == 35 * 8 + 3
    assert local_tandem(network, target_bits=8).from_chip == 0
    loop = in_the_loop(network, steps=16, batch=10, read_bits=8, weight_bits=4)
    assert loop.from_chip == 16 * (35 * 9 + 5 * 8)
    assert loop.to_chip == 975 * 4 / 10


def test_memory_counts_bits_on_the_chip_and_on_the_host() -> None:
    network = dense(SOFT)  # 975 weights, 20 + 5 biases, 35 neurons, 5 classes
    small = {"steps": 15, "batch": 10, "target_bits": 8}
    tandem = memory.local_tandem(network, Shadow(8, Adam()), **small)
    assert tandem.chip == 1000 * (8 + 3 * 32 + 32) + 35 * (4 + 8) + 5 * 33
    assert tandem.host == 10 * (35 * 8 + 3)
    at_once = memory.local_tandem(network, Stochastic(8), **(small | {"batch": 1}), at="step")
    assert at_once.chip == 1000 * 8 + 35 * 12 + 5 * 33
    loop = memory.in_the_loop(network, Shadow(8, Adam()), steps=15, batch=10, read_bits=8)
    assert loop.chip == 8000
    assert loop.host == 1000 * 104 + 10 * 15 * (35 * 9 + 5 * 8)


def test_the_host_works_one_batch_ahead_and_no_more() -> None:
    begun = {number: Event() for number in range(4)}

    def make(number: int) -> int:
        begun[number].set()
        return 10 * number

    made = []
    for number, item in enumerate(ahead(make, iter(range(4)))):
        assert number == 3 or begun[number + 1].wait(10)  # while this one is used
        assert number > 1 or not begun[number + 2].is_set()
        made.append(item)
    assert made == [0, 10, 20, 30]
    assert list(ahead(make, [])) == []


def test_what_the_host_cannot_make_is_raised_where_it_is_used() -> None:
    with pytest.raises(ZeroDivisionError):
        list(ahead(lambda number: 1 / number, [1, 0]))


def test_rates_are_sent_in_as_many_bits_as_are_counted() -> None:
    rates = torch.linspace(0, 1, 999)
    coarse = sent({"hidden": rates}, 3)["hidden"]
    assert len(coarse.unique()) == 8
    assert (coarse - rates).abs().max() <= 0.5 / 7 + 1e-6
    assert coarse[0] == 0
    assert coarse[-1] == 1


def test_bad_input_is_refused() -> None:
    network = dense(SOFT)
    with pytest.raises(ValueError, match="targets must name each layer of neurons"):
        learner(network, Nonidealities()).learn(image(network), {}, LABELS, STEPS)
    with pytest.raises(ValueError, match=r"warm_up must be in 0\.\.1"):
        Schedule(warm_up=1.0)
    with pytest.raises(ValueError, match=r"bits must be in 2\.\.16, got 1"):
        Stochastic(1)
    with pytest.raises(ValueError, match=r"adam.beta1 must be in 0\.\.0\.9999, got 1"):
        Adam(beta1=1)
    with pytest.raises(ValueError, match="rule must be local, as a chip's synapses"):
        learner(network, Nonidealities(), rule=torch.optim.SGD)
    with pytest.raises(ValueError, match="gate must be one of"):
        LocalTandem(gate="global")
