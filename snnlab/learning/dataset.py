"""The interface of a data set."""

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Int64, UInt8
from pydantic import Field
from torch import Tensor

from snnlab.learning.files import File, find
from snnlab.learning.part import Part


Images = UInt8[Tensor, "n channels height width"]
Labels = Int64[Tensor, " n"]


@dataclass(frozen=True)
class Samples:
    """Images (uint8) and their classes."""

    images: Images
    labels: Labels

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: Tensor) -> "Samples":
        return Samples(self.images[index], self.labels[index])


@dataclass(frozen=True)
class Data:
    """What a data set holds, and a digest of exactly these bytes."""

    train: Samples
    test: Samples
    digest: str


class Dataset(Part):
    """Images with classes. A result names its data set, the digest of its bytes and its caveat."""

    board: ClassVar[str]
    title: ClassVar[str]
    shape: ClassVar[tuple[int, int, int]]
    classes: ClassVar[int]
    mean: ClassVar[tuple[float, ...]]
    std: ClassVar[tuple[float, ...]]
    licence: ClassVar[str]
    citation: ClassVar[str]
    caveat: ClassVar[str] = ""

    train_size: int = Field(
        0, ge=0, le=10_000_000, description="number of images to train on, 0 for all of them"
    )

    @abstractmethod
    def load(self) -> Data:
        """Everything the data set has. Raises DataError naming the file and what to do."""

    @abstractmethod
    def files(self) -> list[File]:
        """Its files, wherever they may be."""

    def found(self) -> bool:
        """Whether it can be loaded without a download."""
        return all(find(file) for file in self.files())

    def normalisation(self) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation of each channel, for pixels in 0..1."""
        return torch.tensor(self.mean).view(-1, 1, 1), torch.tensor(self.std).view(-1, 1, 1)


def split(samples: Samples, held_out: float, size: int, seed: int) -> tuple[Samples, Samples]:
    """Two disjoint parts, (1 - held_out) and held_out of `samples`, each class in equal shares.

    With `size` > 0 only that many samples, also in equal shares, go into the first part.
    """
    generator = torch.Generator().manual_seed(seed)
    order = torch.randperm(len(samples), generator=generator)
    rank = rank_in_class(samples.labels[order])
    held = rank < held_out
    first, second = order[~held], order[held]
    if size:
        first = first[rank[~held].argsort(stable=True)[:size]]
    return samples[first], samples[second]


def rank_in_class(labels: Labels) -> Tensor:
    """Each sample's place among those of its class, as a share 0..1."""
    rank = torch.empty(len(labels))
    for label in labels.unique():
        mine = labels == label
        rank[mine] = torch.arange(int(mine.sum())) / int(mine.sum())
    return rank
