"""A small task for learning chips: 8 x 8 digits, 64-128-64-10, trained by local tandem learning.

The teacher is an analog network of the same shape; targets are its activations over their 99th
percentile. The student is trained by the same online rule on one ideal chip.
"""

import gzip
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from hardware.chips import Draws
from hardware.circuits import Chips, Foundry
from hardware.emulator import run
from hardware.local import LocalTandem
from hardware.network import Dynamics, Layer, Network
from hardware.nonidealities import Nonidealities
from hardware.onchip import OnChip
from hardware.schedule import Schedule
from hardware.stores import Adam, Shadow
from tests.bench.tiles import FOLDER


STEPS, BATCH, TRAIN = 16, 32, 1437
SIZES = (64, 128, 64, 10)
NEURON = Dynamics(alpha=math.exp(-0.1), v_threshold=0.6, reset="soft")
RULE, STORE, SCHEDULE = LocalTandem(lr=3e-3), Shadow(adam=Adam()), Schedule(at="batch")


@dataclass(frozen=True, eq=False)
class Digits:
    x: Tensor  # (samples, 64), 0..1
    labels: Tensor

    def batches(self, generator: torch.Generator) -> Iterator[tuple[Tensor, Tensor]]:
        for some in torch.randperm(TRAIN, generator=generator).split(BATCH):
            yield self.x[some], self.labels[some]

    def accuracy(self, chips: Chips) -> Tensor:
        """Percent of the 360 test images, for each chip."""
        right = run(chips, self.x[None, TRAIN:], STEPS).correct(self.labels[TRAIN:])
        return 100 * right / len(self.labels[TRAIN:])


def load(seed: int) -> Digits:
    """Shuffled. Raises OSError where scikit-learn is not installed."""
    with gzip.open(FOLDER / "sklearn/datasets/data/digits.csv.gz") as file:
        table = torch.from_numpy(np.loadtxt(file, delimiter=","))
    order = torch.randperm(len(table), generator=torch.Generator().manual_seed(seed))
    return Digits(table[order, :64].float() / 16, table[order, 64].long())


class Teacher:
    """An analog network, and what its activations ask of spiking neurons."""

    def __init__(self, digits: Digits, seed: int, epochs: int = 60) -> None:
        torch.manual_seed(seed)
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(SIZES))
        adam = torch.optim.Adam(self.layers.parameters(), 2e-3)
        generator = torch.Generator().manual_seed(seed)
        for _ in range(epochs):
            for x, labels in digits.batches(generator):
                adam.zero_grad()
                cross_entropy(self(x)[-1], labels).backward()
                adam.step()
        with torch.no_grad():
            self.norms = [a.flatten().quantile(0.99) for a in self(digits.x[:TRAIN])[:-1]]

    def __call__(self, x: Tensor) -> list[Tensor]:
        """The activations of each layer; of the last, the scores."""
        said = []
        for layer in self.layers[:-1]:
            x = layer(x).relu()
            said.append(x)
        return [*said, self.layers[-1](x)]

    @torch.no_grad()
    def targets(self, x: Tensor) -> Mapping[str, Tensor]:
        rates = zip(self(x)[:-1], self.norms, strict=True)
        return {f"fc{n}": (a / norm).clamp(0, 1) for n, (a, norm) in enumerate(rates, 1)}


def student(digits: Digits, teacher: Teacher, seed: int, epochs: int = 60) -> Network:
    """Trained from random weights by the on-chip rule, on a chip without flaws."""
    generator = torch.Generator().manual_seed(seed)
    layers = []
    for number, (into, out) in enumerate(pairwise(SIZES), 1):
        weight = (2 * torch.rand(out, into, generator=generator) - 1) / math.sqrt(into)
        last = number == len(SIZES) - 1
        name, neuron = (f"fc{number}", NEURON) if not last else ("out", None)
        layers.append(Layer(name, weight, torch.zeros(out), (into,), dynamics=neuron))
    chips = Foundry(Network(tuple(layers), 1e-3), Draws(0, range(1))).make(Nonidealities())
    chip = OnChip(chips, RULE, STORE, SCHEDULE)
    for _ in range(epochs):
        for x, labels in digits.batches(generator):
            chip.learn(x[None], teacher.targets(x), labels, STEPS)
    made = (
        Layer(c.layer.name, c.synapses.weight[0], c.synapses.bias[0], c.layer.shape_in,
              dynamics=c.layer.dynamics)
        for c in chip.trained().circuits
        if c.synapses.bias is not None
    )  # fmt: skip
    return Network(tuple(made), 1e-3)
