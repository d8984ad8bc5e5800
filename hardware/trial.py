"""Tries chips on images: how many they get right, and what an image costs there.

Two engines, one face: analog chips run in the floating-point emulator, many as one batch; digital
ones in whole numbers, all of a kind alike.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from hardware import emulator, integer
from hardware.circuits import Chips
from hardware.emulator import reached
from hardware.energy import Energy, energy, tallied
from hardware.mapper import Mapping
from hardware.network import Network
from hardware.program import Program
from hardware.robustness import Samples


@dataclass(frozen=True, eq=False)
class Trial:
    """What chips did with all images."""

    accuracy: Tensor  # share of right answers, (chips,)
    energy: Energy  # of one image, a mean over images and chips
    rates: dict[str, float]  # spikes for each neuron and step, by name of layer
    overflows: int  # numbers that did not fit their registers


@dataclass
class Tally:
    """Sums over batches and chips: synaptic events, and spikes of each neuron."""

    hits: dict[str, float] = field(default_factory=dict)
    spikes: dict[str, Tensor] = field(default_factory=dict)

    def hit(self, layer: str, number: float) -> None:
        self.hits[layer] = self.hits.get(layer, 0.0) + number

    def spiked(self, layer: str, counts: Tensor) -> None:
        """`counts`: (n, *shape) spikes, to be summed over n."""
        self.spikes[layer] = self.spikes.get(layer, torch.zeros(())) + counts.double().sum(0)

    def energy(self, program: Program, mapping: Mapping, steps: int, images: int) -> Energy:
        """Of one of so many images."""
        network = program.network
        counts = {name: sums[None] for name, sums in self.spikes.items()}
        events = tallied(network, self.hits, counts, steps * images, mapping)
        each = {name: one.scaled(1 / images) for name, one in events.items()}
        return energy(program.profile, each, steps, network.dt, mapping)

    def rates(self, network: Network, steps: int, images: int) -> dict[str, float]:
        sizes = {layer.name: layer.neurons * steps * images for layer in network.layers}
        return {name: sums.sum().item() / sizes[name] for name, sums in self.spikes.items()}


def analog(program: Program, mapping: Mapping, made: Sequence[Chips], samples: Samples) -> Trial:
    """Chips, in chunks that are run one after another."""
    tally, right = Tally(), []
    for chips in made:
        correct = torch.zeros(len(chips), dtype=torch.int64)
        with torch.inference_mode():
            for first, x, labels in samples:
                result = emulator.run(chips, x, samples.steps, first=first)
                correct += result.correct(labels)
                for name, events in result.events.items():
                    tally.hit(name, events.sum().item())
                for name, counts in result.counts.items():
                    tally.spiked(name, counts.flatten(0, 1))
        right.append(correct)
    shares = torch.cat(right).double() / len(samples.labels)
    images = len(shares) * len(samples.labels)
    return Trial(
        shares,
        tally.energy(program, mapping, samples.steps, images),
        tally.rates(program.network, samples.steps, images),
        overflows=0,
    )


def digital(program: Program, mapping: Mapping, samples: Samples) -> Trial:
    """The one result of all chips: (1,) accuracies."""
    tally, right, overflows = Tally(), 0, 0
    for _, x, labels in samples:
        result = integer.run(program, x, samples.steps)
        right += int((result.scores.argmax(1) == labels).sum())
        overflows += sum(result.overflows.values())
        arrived = x.sum(0) if len(x) > 1 else None  # a constant input is a bias, and no event
        for layer in program.network.layers:
            if arrived is not None:
                hits = reached(layer, arrived.float().reshape(1, -1, *layer.shape_in))
                tally.hit(layer.name, hits.item())
            if layer.name in result.spikes:
                spikes = result.spikes[layer.name]
                tally.spiked(layer.name, spikes.sum(0))
                arrived = layer.pooled(spikes.double()).sum(0)
    images = len(samples.labels)
    return Trial(
        torch.tensor([right / images], dtype=torch.float64),
        tally.energy(program, mapping, samples.steps, images),
        tally.rates(program.network, samples.steps, images),
        overflows,
    )
