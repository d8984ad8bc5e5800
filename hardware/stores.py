"""Where a chip keeps the weights that it learns.

A shadow: a high resolution accumulator beside each synapse, which is rounded on every read. Or the
synapse alone, of b bits: then a change is rounded up or down by chance, in proportion, so that
changes smaller than a step are not lost but rare.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from hardware.checks import within
from hardware.chips import Draws, generator
from hardware.local import Change
from hardware.network import Layer
from hardware.nonidealities import quantised


@dataclass(frozen=True)
class Shadow:
    """Accumulators of 32 bits; synapses of `bits`, or as fine as these."""

    bits: int | None = None

    def __post_init__(self) -> None:
        if self.bits is not None:
            within("bits", self.bits, 2, 16, "Leave it out for synapses of full resolution")

    def start(self, layer: Layer, draws: Draws) -> "ShadowWeights":
        return ShadowWeights(layer, len(draws.chips), self.bits)


@dataclass(frozen=True)
class Stochastic:
    """Synapses of `bits` and nothing beside them."""

    bits: int = 8

    def __post_init__(self) -> None:
        within("bits", self.bits, 2, 16, "A weight of 1 bit has a sign only")

    def start(self, layer: Layer, draws: Draws) -> "CoarseWeights":
        return CoarseWeights(layer, self.bits, draws)


class ShadowWeights:
    def __init__(self, layer: Layer, chips: int, bits: int | None) -> None:
        self.layer, self.bits = layer, bits
        self.weight = layer.weight.repeat(chips, *[1] * layer.weight.dim())

    def add(self, changes: Sequence[Change]) -> None:
        for change in changes:
            change.add_to(self.weight, self.layer)

    def read(self) -> Tensor:
        """(chips, *weight), as each chip's synapses have them."""
        if self.bits is None:
            return self.weight
        return torch.stack([quantised(weight, self.bits) for weight in self.weight])


class CoarseWeights:
    r"""Multiples k of a step, :math:`|k| \le 2^{b-1} - 1`; the largest weight at first is half.

    The other half is room to learn in.
    """

    def __init__(self, layer: Layer, bits: int, draws: Draws) -> None:
        weight, self.layer = layer.weight, layer
        self.most = 2 ** (bits - 1) - 1
        self.step = 2 * weight.abs().max().clamp(min=1e-12) / self.most
        self.streams = [
            generator(draws.seed, chip, f"{layer.name}.rounding") for chip in draws.chips
        ]
        whole = torch.round(weight / self.step)
        self.whole = whole.repeat(len(draws.chips), *[1] * weight.dim())

    def add(self, changes: Sequence[Change]) -> None:
        total = torch.zeros_like(self.whole)
        for change in changes:
            change.add_to(total, self.layer)
        chance = torch.empty_like(self.whole)
        for row, stream in zip(chance, self.streams, strict=True):
            row.uniform_(generator=stream)
        self.whole += torch.floor(total / self.step + chance)
        self.whole.clamp_(-self.most, self.most)

    def read(self) -> Tensor:
        return torch.mul(self.whole, self.step)
