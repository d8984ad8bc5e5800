"""The two published formats of CIFAR-10 and CIFAR-100: binary records, and Python's batches."""

import pickle
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy._core.multiarray import _reconstruct

from snnlab.learning.dataset import Samples
from snnlab.learning.errors import DataError
from snnlab.learning.files import File, fetch


SHAPE = (3, 32, 32)
PIXELS = 3 * 32 * 32
ARRAYS = {
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
    ("numpy.core.multiarray", "_reconstruct"): _reconstruct,
}


def load(
    files: Sequence[File], label_bytes: int, key: str, classes: int
) -> tuple[Samples, Samples]:
    """Training images of all files but the last, test images of the last one.

    A record of the binary format is `label_bytes` bytes, the last of them the class, then 3,072
    pixels: the rows of the red, the green and the blue channel. In a Python batch the classes stand
    under `key`. Source: https://www.cs.toronto.edu/~kriz/cifar.html
    """
    parts = []
    for file in files:
        place = fetch(file)
        samples = read_records(place, label_bytes) if binary(place) else read_batch(place, key)
        if int(samples.labels.max()) >= classes or int(samples.labels.min()) < 0:
            raise DataError(f"{place} has a class outside 0..{classes - 1}. Delete it")
        parts.append(samples)
    train = Samples(
        torch.cat([part.images for part in parts[:-1]]),
        torch.cat([part.labels for part in parts[:-1]]),
    )
    return train, parts[-1]


def binary(place: Path) -> bool:
    return place.suffix == ".bin"


def read_records(place: Path, label_bytes: int) -> Samples:
    """The images and classes of a file of binary records."""
    content = np.fromfile(place, np.uint8)
    size = label_bytes + PIXELS
    if not len(content) or len(content) % size:
        raise DataError(
            f"{place} is no CIFAR file: {len(content):,} bytes are not a number of records of "
            f"{size:,} bytes. Delete it"
        )
    table = content.reshape(-1, size)
    labels = torch.from_numpy(table[:, label_bytes - 1].astype(np.int64))
    return Samples(torch.from_numpy(table[:, label_bytes:].reshape(-1, *SHAPE).copy()), labels)


def read_batch(place: Path, key: str) -> Samples:
    """The images and classes of a Python batch: a pickle of a dictionary with an array in it."""
    try:
        with place.open("rb") as file:
            content = Plain(file, encoding="latin1").load()
        images = np.asarray(content["data"], np.uint8).reshape(-1, *SHAPE)
        labels = torch.tensor(content[key], dtype=torch.int64)
        if len(images) != len(labels) or not len(images):
            raise ValueError(f"{len(images)} images and {len(labels)} classes")
    except (pickle.UnpicklingError, EOFError, KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"{place} is no CIFAR batch: {error}. Take the binary version of the data set"
        ) from error
    return Samples(torch.from_numpy(images.copy()), labels)


class Plain(pickle.Unpickler):
    """Reads numbers, texts, lists, dictionaries and arrays; whatever else is named is refused.

    A pickle runs what it names: one that may name nothing but an array can run nothing.
    """

    def find_class(self, module: str, name: str) -> object:
        if (module, name) not in ARRAYS:
            raise pickle.UnpicklingError(f"it names {module}.{name}")
        return ARRAYS[module, name]
