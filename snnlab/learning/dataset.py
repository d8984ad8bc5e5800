"""The interface of a data set."""

import hashlib
from abc import abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from jaxtyping import Bool, Int64, UInt8
from pydantic import Field, model_validator
from torch import Tensor

from snnlab.learning.errors import DataError
from snnlab.learning.files import File, caveat, find
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
    """What a copy of a data set holds, a digest of it, and what a reader must know of it."""

    train: Samples
    test: Samples
    digest: str
    caveat: str = ""


class Dataset(Part):
    """Images with classes. A result names its data set, the digest of its bytes and its caveat."""

    board: ClassVar[str]
    title: ClassVar[str]
    shape: ClassVar[tuple[int, int, int]]
    all_classes: ClassVar[int]
    mean: ClassVar[tuple[float, ...]]
    std: ClassVar[tuple[float, ...]]
    licence: ClassVar[str]
    citation: ClassVar[str]
    caveat: ClassVar[str] = ""

    train_size: int = Field(
        0, ge=0, le=10_000_000, description="number of images to train on, 0 for all of them"
    )

    class_count: int = Field(
        0, ge=0, le=1000, description="number of classes to learn, the first ones, 0 for all"
    )

    @model_validator(mode="after")
    def has_so_many_classes(self) -> "Dataset":
        if self.class_count == 1 or self.class_count > self.all_classes:
            raise ValueError(
                f"class_count must be 0 or in 2..{self.all_classes}, got {self.class_count}"
            )
        return self

    @property
    def classes(self) -> int:
        """How many classes there are to tell apart."""
        return self.class_count or self.all_classes

    @property
    def narrowing(self) -> str:
        """In words, how much less than the whole data set is asked for."""
        fewer = f"trained on {self.train_size:,} images only" if self.train_size else ""
        some = f"first {self.classes} of {self.all_classes} classes" if self.class_count else ""
        return joined((some, fewer))

    def chosen(self) -> Data:
        """What this copy has of the classes asked for.

        Raises DataError if it has no image of one of them.
        """
        data = self.load()
        train, test = (s[s.labels < self.classes] for s in (data.train, data.test))
        refuse_missing(self, train.labels, "training")
        refuse_missing(self, test.labels, "test")
        return replace(data, train=train, test=test)

    @abstractmethod
    def load(self) -> Data:
        """Everything this copy has. Raises DataError naming the file and what to do."""

    @abstractmethod
    def files(self) -> list[File]:
        """Its files, wherever they may be."""

    def found(self) -> bool:
        """Whether it can be loaded without a download."""
        return all(find(file) for file in self.files())

    def published(self) -> str:
        """A digest of what its publishers serve: of the checksums of its archives or files."""
        served = {file.archive.checksum if file.archive else file.checksum for file in self.files()}
        return hashlib.sha256("\n".join(sorted(served)).encode()).hexdigest()

    def normalisation(self) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation of each channel, for pixels in 0..1."""
        return torch.tensor(self.mean).view(-1, 1, 1), torch.tensor(self.std).view(-1, 1, 1)


def of_board(board: str) -> Dataset:
    """The data set that a board is about: not a sample of it, nor images made of its images."""
    found = (kind() for kind in Dataset.__subclasses__() if kind.board == board)
    return next(dataset for dataset in found if not dataset.caveat)


def packed(train: Samples, test: Samples, caveats: Iterable[str]) -> Data:
    """Data, with the SHA-256 of all pixels and labels: the same for every way to store them."""
    digest = hashlib.sha256()
    for tensor in (train.images, train.labels, test.images, test.labels):
        digest.update(repr(tuple(tensor.shape)).encode())
        digest.update(tensor.contiguous().numpy().data)
    return Data(train, test, digest.hexdigest(), joined(caveats))


def caveats(dataset: Dataset) -> list[str]:
    """Of the data set itself, and of the copy of it that is here."""
    return [dataset.caveat, *dict.fromkeys(caveat(file) for file in dataset.files())]


def joined(texts: Iterable[str]) -> str:
    return "; ".join(filter(None, texts))


def refuse_missing(dataset: Dataset, labels: Labels, which: str) -> None:
    """Raise DataError if there is a class without an image."""
    there = labels.bincount(minlength=dataset.classes) > 0
    if there.all():
        return
    missing = (~there).nonzero().flatten().tolist()
    first = first_without(there)
    way_out = f"Set dataset.class_count to {first} or less" if first > 1 else "Take another copy"
    raise DataError(
        f"{dataset.title}: there is no {which} image of {len(missing)} of {dataset.classes} "
        f"classes, the first of them is class {missing[0]}. {way_out}"
    )


def first_without(there: Bool[Tensor, " classes"]) -> int:
    """How many classes from the first on have an image."""
    return int(there.long().cumprod(0).sum())


def split(samples: Samples, held_out: float, size: int, seed: int) -> tuple[Samples, Samples]:
    """Two disjoint parts, (1 - held_out) and held_out of `samples`, each class in equal shares.

    With `size` > 0 only that many samples, also in equal shares, go into the first part. Raises
    DataError if there are fewer, or if a class has no sample left to train on.
    """
    generator = torch.Generator().manual_seed(seed)
    order = torch.randperm(len(samples), generator=generator)
    rank = rank_in_class(samples.labels[order])
    held = rank < held_out
    first, second = order[~held], order[held]
    if size > len(first):
        raise DataError(
            f"dataset.train_size is {size:,}, but there are {len(first):,} images to train on and "
            f"{len(second):,} held out. Ask for fewer"
        )
    if size:
        first = first[rank[~held].argsort(stable=True)[:size]]
    if lost := set(samples.labels.tolist()) - set(samples.labels[first].tolist()):
        raise DataError(
            f"{len(first):,} images are too few to train on: none is left of {len(lost)} classes, "
            f"such as class {min(lost)}. Take more"
        )
    return samples[first], samples[second]


def rank_in_class(labels: Labels) -> Tensor:
    """Each sample's place among those of its class, as a share 0..1."""
    rank = torch.empty(len(labels))
    for label in labels.unique():
        mine = labels == label
        rank[mine] = torch.arange(int(mine.sum())) / int(mine.sum())
    return rank
