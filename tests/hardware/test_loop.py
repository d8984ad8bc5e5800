"""In the loop: equal to autograd on an ideal chip, and around the flaws of others."""

import pytest
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, conv2d, cross_entropy, linear, max_pool2d

from hardware.adc import Adc
from hardware.chips import Draws
from hardware.circuits import Foundry
from hardware.emulator import run
from hardware.frozen import Faults, Spread
from hardware.loop import InTheLoop
from hardware.network import Network
from hardware.nonidealities import Nonidealities
from hardware.stores import Adam, Shadow, Stochastic
from hardware.surrogate import Surrogate
from hardware.temporal import Routing, Thermal
from snnlab.learning.layers import Readout, Spiking
from snnlab.learning.networks.convnet import ConvNet
from snnlab.learning.networks.mlp import MLP
from snnlab.learning.neurons.if_ import IF
from snnlab.learning.neurons.lif import LIF
from snnlab.learning.plain import plain
from tests.hardware.test_emulator import HARD, RESTING, SOFT, STEPS, convolutional, dense, image


LABELS = torch.tensor([0, 1, 2, 3, 4, 0])
FINE = Adc(bits=24, span=60.0)


def looped(network: Network, wrong: Nonidealities, n: int = 2, **options: object) -> InTheLoop:
    return InTheLoop(Foundry(network, Draws(5, range(n))).make(wrong), **options)


class Slope(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, surrogate):
        ctx.save_for_backward(x)
        ctx.surrogate = surrogate
        return (x >= 0).to(x.dtype)

    @staticmethod
    def backward(ctx, e):
        (x,) = ctx.saved_tensors
        return e * ctx.surrogate.slope(x), None


def by_autograd(network: Network, x: Tensor, surrogate: Surrogate) -> list[Tensor]:
    """Gradients of cross-entropy, the reset's path left out."""
    weights = [layer.weight.clone().requires_grad_() for layer in network.layers]
    signal = x.expand(STEPS, *x.shape[1:])
    for layer, w in zip(network.layers, weights, strict=True):
        flat = signal.reshape(-1, *layer.shape_in)
        b, d = layer.bias, layer.dynamics
        i = conv2d(flat, w, b, 1, layer.padding) if layer.convolves else linear(flat, w, b)
        i = i.view(STEPS, -1, *i.shape[1:])
        if d is None:
            return list(torch.autograd.grad(cross_entropy(i.mean(0), LABELS), weights))
        v, spikes = torch.full_like(i[0], d.v_initial), []
        for t in range(STEPS):
            h = d.alpha * v + d.gain * i[t]
            spikes.append(Slope.apply(h - d.v_threshold, surrogate))
            z = spikes[-1].detach()
            v = h - d.v_threshold * z if d.reset == "soft" else h * (1 - z) + d.v_reset * z
        signal = torch.stack(spikes)
        if layer.pool != "none":
            pool = max_pool2d if layer.pool == "max" else avg_pool2d
            small = pool(signal.flatten(0, 1), 2)
            signal = small.view(STEPS, -1, *small.shape[1:])
    raise AssertionError("the last layer must be a readout")


@pytest.mark.parametrize("shape", ["triangle", "fast_sigmoid"])
@pytest.mark.parametrize("dynamics", [SOFT, HARD])
@pytest.mark.parametrize("build", [dense, convolutional])
def test_the_change_is_autograds_on_an_ideal_chip_with_a_fine_adc(build, dynamics, shape) -> None:
    network, surrogate = build(dynamics), Surrogate(shape, 1.5, 0.5)
    x = image(network)
    host = looped(network, Nonidealities(), lr=1.0, surrogate=surrogate, adc=FINE)
    before = [layer.weight.read().clone() for layer in host.layers]
    host.learn(x, LABELS, STEPS)
    for layer, old, g in zip(host.layers, before, by_autograd(network, x, surrogate), strict=True):
        assert g.abs().max() > 1e-4
        for mine in old - layer.weight.read():
            torch.testing.assert_close(mine, g, rtol=1e-4, atol=1e-6)


LAB = [
    LIF(tau=3, v_threshold=0.3, scale_input=True, surrogate_width=0.8),
    LIF(tau=5, v_threshold=0.6, reset="hard", v_reset=-0.1, surrogate="fast_sigmoid"),
    IF(v_threshold=0.6, surrogate="boxcar", surrogate_height=2.0),
]


@pytest.mark.parametrize("neuron", LAB, ids=lambda n: f"{n.kind}-{n.reset}")
@pytest.mark.parametrize("kind", [MLP(hidden=(20, 15), norm="none"), ConvNet(norm="none")])
def test_the_change_is_that_of_the_lab_s_own_training(neuron, kind) -> None:
    lab = kind.build((1, 12, 12), 10, neuron, seed=3)
    x = 2 * torch.rand(6, 1, 12, 12, generator=torch.Generator().manual_seed(1))
    network = plain(lab, (1, 12, 12))
    slope = Surrogate(neuron.surrogate, neuron.surrogate_width, neuron.surrogate_height)
    host = looped(network, Nonidealities(), 1, lr=1.0, surrogate=slope, adc=FINE)
    before = [layer.weight.read()[0].clone() for layer in host.layers]
    host.learn(x.flatten(1)[None] if len(network.layers[0].shape_in) == 1 else x[None], LABELS, 8)
    cross_entropy(lab(x.expand(8, *x.shape)).mean(0), LABELS).backward()
    synapses = [m.synapse for m in lab.modules() if isinstance(m, Spiking | Readout)]
    for layer, old, synapse in zip(host.layers, before, synapses, strict=True):
        g = synapse.weight.grad.view_as(old)
        assert g.abs().max() > 1e-5
        torch.testing.assert_close(old - layer.weight.read()[0], g, rtol=1e-4, atol=1e-6)


def test_spikes_as_input_give_the_same_as_a_constant_one() -> None:
    network = dense(SOFT)
    x = image(network)
    hosts = [looped(network, Nonidealities(), adc=FINE) for _ in range(2)]
    hosts[0].learn(x, LABELS, STEPS)
    hosts[1].learn(x.expand(STEPS, *x.shape[1:]), LABELS, STEPS)
    for one, other in zip(hosts[0].layers, hosts[1].layers, strict=True):
        torch.testing.assert_close(one.weight.read(), other.weight.read())


def test_the_host_meets_the_flaws_and_does_not_know_them() -> None:
    """What is computed is the chip's; through which weights errors return is the host's."""
    network = dense(SOFT)
    wrong = Nonidealities(spread=Spread(0.4, 0.1, 0.1), faults=Faults(silent=0.2))
    host = looped(network, wrong, adc=FINE)
    chips = Foundry(network, Draws(5, range(2))).make(wrong)
    expected = run(chips, image(network), STEPS)
    assert torch.equal(
        host.learn(image(network), LABELS, STEPS).argmax(2), expected.scores.argmax(2)
    )
    counts = host.layers[0].said.sum(1)
    torch.testing.assert_close(counts, expected.counts["hidden"])
    read = [layer.weight.read() for layer in looped(network, wrong).layers]
    assert all(
        torch.equal(w[0], layer.weight) for w, layer in zip(read, network.layers, strict=True)
    )


def test_a_coarse_adc_saturates_and_rounds() -> None:
    adc = Adc(bits=3, span=2.0)  # steps of a third of the full scale
    read = adc.read(torch.tensor([0.0, 0.3, 0.4, 1.4, 9.0, -9.0]), 1.5)
    torch.testing.assert_close(read, torch.tensor([0.0, 0.5, 0.5, 1.5, 1.5, -1.5]))
    x = torch.linspace(-1, 1, 999)
    assert (Adc(8).read(x, 1.0) - x).abs().max() <= 0.5 / 127 + 1e-6
    assert Adc(4).read(x, 1.0).unique().numel() == 15


@pytest.mark.parametrize("store", [Shadow(adam=Adam()), Stochastic(8)])
def test_a_chip_is_trained_the_same_in_any_company(store: Shadow | Stochastic) -> None:
    network = dense(SOFT)
    wrong = Nonidealities(spread=Spread(0.3, 0.1, 0.1), thermal=Thermal(0.1))
    few, many = (looped(network, wrong, n, lr=0.01, store=store) for n in (2, 7))
    for host in (few, many):
        host.learn(image(network), LABELS, STEPS)
    for a, b in zip(few.layers, many.layers, strict=True):
        torch.testing.assert_close(a.weight.read()[1], b.weight.read()[1])
        assert not torch.allclose(b.weight.read()[1], b.weight.read()[2], atol=1e-4)


def test_frozen_mismatch_is_made_up_for() -> None:
    network = dense(SOFT)
    generator = torch.Generator().manual_seed(3)
    x = torch.rand(1, 60, 30, generator=generator)
    ideal = run(Foundry(network, Draws(0, range(1))).make(Nonidealities()), x, STEPS)
    labels = ideal.scores[0].argmax(1)
    wrong = Nonidealities(spread=Spread(0.5))
    host = looped(network, wrong, 4, lr=0.003, store=Shadow(adam=Adam()))
    before = run(host.trained(), x, STEPS).correct(labels) / 60
    for _ in range(60):
        host.learn(x, labels, STEPS)
    after = run(host.trained(), x, STEPS).correct(labels) / 60
    assert before.mean() < 0.8
    assert after.mean() > before.mean() + 0.15
    assert after.min() > 0.85


def test_a_network_that_says_nothing_at_first_can_be_read_later() -> None:
    network = dense(SOFT, bias=False)
    host = looped(network, Nonidealities(), adc=FINE)
    nothing = host.learn(torch.zeros_like(image(network)), LABELS, STEPS)
    assert not nothing.any()
    fresh = run(host.trained(), image(network), STEPS).scores
    torch.testing.assert_close(host.learn(image(network), LABELS, STEPS), fresh)


def test_updates_count_errors_that_are_not_zero() -> None:
    network = dense(SOFT)
    host = looped(network, Nonidealities(), 1, surrogate=Surrogate("boxcar", 0.5))
    host.learn(image(network), LABELS, STEPS)
    most = 6 * STEPS * (20 + 15 + 5)
    assert 6 * STEPS * 5 <= host.updates.item() < most


def test_bad_input_is_refused() -> None:
    with pytest.raises(ValueError, match=r"adc.bits must be in 2\.\.24, got 1"):
        Adc(bits=1)
    with pytest.raises(ValueError, match=r"surrogate.shape must be one of"):
        Surrogate("cubic")
    with pytest.raises(ValueError, match=r"dynamics.refractory must be left out"):
        looped(dense(RESTING), Nonidealities())
    with pytest.raises(ValueError, match="routing must be ideal"):
        looped(dense(SOFT), Nonidealities(routing=Routing(loss=0.1)))
