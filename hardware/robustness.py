"""How accurate chips stay as they get worse: levels of each non-ideality, many chips each.

All levels of a non-ideality, and all networks that are tried with the same seed, meet the same
chips (common random numbers): differences need far fewer chips than averages do. Chips are made
and run in chunks that fit the cache; what a level does not change is computed once for all levels.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean, stdev

import torch
from torch import Tensor

from hardware.chips import Draws
from hardware.circuits import Chips, Foundry
from hardware.emulator import Products, run
from hardware.network import Network
from hardware.nonidealities import Nonidealities, nonideality
from hardware.student import student


CACHE = 32 * 2**20  # bytes that the tensors of a chunk of chips may take; measured, see bench/chip


@dataclass(frozen=True)
class Row:
    """One chip at one level."""

    nonideality: str
    level: float
    chip: int
    accuracy: float


@dataclass(frozen=True)
class Level:
    """All chips at one level; the interval is that of the mean, by Student's t at 95 %."""

    nonideality: str
    level: float
    chips: int
    mean: float
    std: float
    low: float
    high: float
    worst: float


@dataclass(frozen=True)
class Samples:
    """What all chips are shown: (1 or steps, samples, ...), in batches."""

    x: Tensor
    labels: Tensor
    steps: int
    batch: int = 64

    def __post_init__(self) -> None:
        if self.x.shape[1] != len(self.labels) or not len(self.labels):
            raise ValueError(
                f"labels must be one for each of 1 or more samples, got {len(self.labels)} for "
                f"{self.x.shape[1]}. Give x as (time, samples, ...)"
            )
        if self.batch < 1:
            raise ValueError(f"batch must be at least 1, got {self.batch}. Try 64")

    def __iter__(self) -> Iterator[tuple[int, Tensor, Tensor]]:
        """The number of a batch's first sample, its inputs and labels."""
        for first in range(0, len(self.labels), self.batch):
            part = slice(first, first + self.batch)
            yield first, self.x[:, part], self.labels[part]


def sweep(
    network: Network,
    grid: Mapping[str, Sequence[float]],
    samples: Samples,
    *,
    chips: int = 32,
    seed: int = 0,
    chunk: int | None = None,
    compat: str = "none",
) -> list[Row]:
    """Rows of all non-idealities by name, at their levels, on chips 0, 1, 2, ... of `seed`."""
    if chips < 1:
        raise ValueError(f"chips must be at least 1, got {chips}. Try 32")
    rows = []
    for name, levels in grid.items():
        highest = max(levels)
        flaws = [nonideality(name, x, highest=highest, compat=compat) for x in levels]
        shares = accuracies(network, flaws, samples, range(chips), seed=seed, chunk=chunk)
        for level, accuracy in zip(levels, shares.tolist(), strict=True):
            rows += [Row(name, level, chip, share) for chip, share in enumerate(accuracy)]
    return rows


def accuracies(
    network: Network,
    flaws: Sequence[Nonidealities],
    samples: Samples,
    chips: range,
    *,
    seed: int,
    chunk: int | None = None,
) -> Tensor:
    """Shares of right answers (flaws, chips)."""
    parts = []
    for foundry in foundries(network, samples, chips, seed=seed, chunk=chunk):
        parts.append(correct([foundry.make(wrong) for wrong in flaws], samples))
    return torch.cat(parts, 1).double() / len(samples.labels)


def foundries(
    network: Network, samples: Samples, chips: range, *, seed: int, chunk: int | None = None
) -> Iterator[Foundry]:
    """One for each chunk of chips."""
    size = chunk or chunk_size(network, samples)
    for start in range(chips.start, chips.stop, size):
        numbers = range(start, min(start + size, chips.stop))
        yield Foundry(network, Draws(seed, numbers))


def correct(made: Sequence[Chips], samples: Samples) -> Tensor:
    """How many samples each chip gets right, (levels, chips); each batch meets all levels."""
    right = torch.zeros(len(made), len(made[0]), dtype=torch.int64)
    with torch.inference_mode():
        for first, x, labels in samples:
            products = Products()
            for row, chips in zip(right, made, strict=True):
                result = run(chips, x, samples.steps, first=first, products=products)
                row += result.correct(labels)
    return right


def chunk_size(network: Network, samples: Samples, cache: int = CACHE) -> int:
    """How many chips at once, so that weights and spikes of the largest layer stay in cache."""
    steps = samples.steps * min(samples.batch, len(samples.labels))
    largest = max(layer.weight.numel() + steps * layer.neurons for layer in network.layers)
    return max(1, cache // (4 * largest))


def summary(rows: Iterable[Row]) -> list[Level]:
    """One line for each non-ideality and level, in the order in which they came."""
    groups: dict[tuple[str, float], list[float]] = {}
    for row in rows:
        groups.setdefault((row.nonideality, row.level), []).append(row.accuracy)
    return [level(name, value, accuracy) for (name, value), accuracy in groups.items()]


def level(name: str, value: float, accuracy: Sequence[float]) -> Level:
    n, mean = len(accuracy), fmean(accuracy)
    std = stdev(accuracy) if n > 1 else math.nan
    half = student(n - 1) * std / math.sqrt(n) if n > 1 else math.nan
    return Level(name, value, n, mean, std, mean - half, mean + half, min(accuracy))


def area(levels: Sequence[Level]) -> float:
    """The area under mean accuracy over level, by trapezoids, per unit of level: a mean accuracy.

    Of one non-ideality; a single level is its own mean.
    """
    points = sorted((level.level, level.mean) for level in levels)
    if len({level.nonideality for level in levels}) != 1:
        names = sorted({level.nonideality for level in levels})
        raise ValueError(f"levels must be of one non-ideality, got {names}. Take them one by one")
    width = points[-1][0] - points[0][0]
    if width == 0:
        return points[0][1]
    return sum((b[0] - a[0]) * (a[1] + b[1]) / 2 for a, b in pairwise(points)) / width
