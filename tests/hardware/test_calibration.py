"""What calibration on the chip is for: frozen flaws, and not the noise of every step.

Ten noisy patterns; a network trained in the loop of an ideal chip, whose own rates are the targets.
"""

from functools import cache
from itertools import pairwise

import pytest
import torch
from torch import Tensor

from hardware.chips import Draws
from hardware.circuits import Chips, Foundry
from hardware.emulator import run
from hardware.local import LocalTandem
from hardware.loop import InTheLoop
from hardware.network import Dynamics, Layer, Network
from hardware.nonidealities import Nonidealities, nonideality
from hardware.onchip import OnChip, Schedule
from hardware.stores import Adam, Shadow
from hardware.surrogate import Surrogate


STEPS, BATCH, CHIPS = 16, 32, 16
SIZES = (64, 48, 32, 10)


def patterns(number: int, seed: int) -> tuple[Tensor, Tensor]:
    ten = 0.25 + 0.5 * torch.rand(10, 64, generator=torch.Generator().manual_seed(0))
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(0, 10, (number,), generator=generator)
    noise = 0.35 * torch.randn(number, 64, generator=generator)
    return (ten[labels] + noise).clamp(0, 1), labels


def untrained() -> Network:
    generator, layers = torch.Generator().manual_seed(1), []
    for number, (into, out) in enumerate(pairwise(SIZES), 1):
        weight = (2 * torch.rand(out, into, generator=generator) - 1) / into**0.5
        neuron = Dynamics(0.9, 0.6, "soft") if out > 10 else None
        layers.append(Layer(f"fc{number}", weight, None, (into,), dynamics=neuron))
    return Network(tuple(layers), 1e-3)


@cache
def trained() -> Network:
    chips = Foundry(untrained(), Draws(0, range(1))).make(Nonidealities())
    slope = Surrogate("triangle", width=0.6)
    host = InTheLoop(chips, 3e-3, Shadow(adam=Adam()), slope)
    x, labels = patterns(1024, seed=1)
    for _ in range(8):
        for some in torch.arange(1024).split(BATCH):
            host.learn(x[None, some], labels[some], STEPS)
    made = []
    for circuit in host.trained().circuits:
        layer = circuit.layer
        weight = circuit.synapses.weight[0]
        made.append(Layer(layer.name, weight, None, layer.shape_in, dynamics=layer.dynamics))
    return Network(tuple(made), 1e-3)


def accuracy(chips: Chips) -> Tensor:
    x, labels = patterns(400, seed=2)
    return 100 * run(chips, x[None], STEPS).correct(labels) / 400


def calibrated(name: str, level: float, epochs: int) -> tuple[Tensor, Tensor]:
    """Accuracies of the chips before and after."""
    network = trained()
    chips = Foundry(network, Draws(7, range(CHIPS))).make(nonideality(name, level))
    rule, store = LocalTandem(lr=3e-3), Shadow(adam=Adam())
    chip = OnChip(chips, rule, store, Schedule(at="batch"))
    x, labels = patterns(1024, seed=1)
    for _ in range(epochs):
        for some in torch.arange(1024).split(BATCH):
            said = zip(network.layers, network.trace(x[None, some], STEPS), strict=True)
            rates = {layer.name: out.mean(0) for layer, out in said if layer.dynamics}
            chip.learn(x[None, some], rates, labels[some], STEPS)
    return accuracy(chips), accuracy(chip.trained())


FROZEN = [("mismatch", 0.5, 10, 0.5), ("silencing", 0.6, 20, 0.75)]


@pytest.mark.parametrize(("name", "level", "gain", "spread"), FROZEN)
def test_frozen_flaws_are_learned_around_and_chips_become_alike(name, level, gain, spread) -> None:
    before, after = calibrated(name, level, epochs=5)
    assert after.mean() > before.mean() + gain
    assert after.std() < before.std() * spread
    assert after.min() > before.mean()


def test_noise_of_every_step_is_hardly_learned_around() -> None:
    before, after = calibrated("thermal", 0.8, epochs=5)
    assert abs(after.mean() - before.mean()) < 4
