"""Random numbers of chips: each chip has its own, whatever is drawn beside it.

One generator for each (seed, chip, name): chip 3 of 4 is chip 3 of 32, in any chunk. Levels are no
part of the name, so that a chip has the same flaws at every level, only larger: with common random
numbers, differences between levels and between methods need far fewer chips.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TypeVar

import torch
from torch import Tensor


Kept = TypeVar("Kept")


def generator(seed: int, chip: int, name: str) -> torch.Generator:
    digest = sha256(f"{seed}/{chip}/{name}".encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:8], "big") >> 1)


def normal(seed: int, chips: range, name: str, shape: tuple[int, ...]) -> Tensor:
    """Standard normal numbers (chips, *shape)."""
    numbers = torch.empty(len(chips), *shape)
    for row, chip in zip(numbers, chips, strict=True):
        row.normal_(generator=generator(seed, chip, name))
    return numbers


def uniform(seed: int, chips: range, name: str, shape: tuple[int, ...]) -> Tensor:
    """Uniform numbers in [0, 1) of the shape (chips, *shape)."""
    numbers = torch.empty(len(chips), *shape)
    for row, chip in zip(numbers, chips, strict=True):
        row.uniform_(generator=generator(seed, chip, name))
    return numbers


@dataclass(frozen=True)
class Draws:
    """Frozen numbers of some chips, kept for all levels that need them."""

    seed: int
    chips: range
    kept: dict[object, Tensor] = field(default_factory=dict, compare=False, repr=False)

    def __post_init__(self) -> None:
        if not len(self.chips) or self.chips.start < 0 or self.chips.step != 1:
            raise ValueError(
                f"chips must be one or more consecutive numbers from 0 on, got {self.chips}. "
                "Give range(32) for the first 32"
            )

    def normal(self, name: str, shape: tuple[int, ...]) -> Tensor:
        key = ("normal", name, tuple(shape))
        return once(self.kept, key, lambda: normal(self.seed, self.chips, name, shape))

    def uniform(self, name: str, shape: tuple[int, ...]) -> Tensor:
        key = ("uniform", name, tuple(shape))
        return once(self.kept, key, lambda: uniform(self.seed, self.chips, name, shape))


def once(kept: dict[object, Kept], key: object, make: Callable[[], Kept]) -> Kept:
    """The very same object for the same key."""
    if key not in kept:
        kept[key] = make()
    return kept[key]
