"""MNIST: 70,000 handwritten digits of 28 x 28 pixels, in its four published IDX files."""

import gzip
import zlib
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
import torch

from snnlab.learning.dataset import Data, Dataset, Samples, caveats, packed
from snnlab.learning.errors import DataError
from snnlab.learning.files import File, fetch


MIRROR = "https://ossci-datasets.s3.amazonaws.com/mnist/"
SHA256 = {
    "train-images-idx3": "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
    "train-labels-idx1": "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
    "t10k-images-idx3": "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
    "t10k-labels-idx1": "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
}
FILES = {
    name: File(f"MNIST/raw/{name}-ubyte.gz", sha256, f"{MIRROR}{name}-ubyte.gz")
    for name, sha256 in SHA256.items()
}


class MNIST(Dataset):
    """Handwritten digits: 60,000 to train on and 10,000 to test."""

    board: ClassVar[str] = "mnist"
    title: ClassVar[str] = "MNIST"
    shape: ClassVar[tuple[int, int, int]] = (1, 28, 28)
    all_classes: ClassVar[int] = 10
    mean: ClassVar[tuple[float, ...]] = (0.1307,)
    std: ClassVar[tuple[float, ...]] = (0.3081,)
    licence: ClassVar[str] = "CC BY-SA 3.0"
    citation: ClassVar[str] = "LeCun, Bottou, Bengio & Haffner 1998, doi:10.1109/5.726791"

    kind: Literal["mnist"] = "mnist"

    def load(self) -> Data:
        train, test = (
            Samples(
                torch.from_numpy(read_idx(fetch(FILES[f"{part}-images-idx3"]))).unsqueeze(1),
                torch.from_numpy(read_idx(fetch(FILES[f"{part}-labels-idx1"]))).long(),
            )
            for part in ("train", "t10k")
        )
        return packed(train, test, caveats(self))

    def files(self) -> list[File]:
        return list(FILES.values())


def read_idx(path: Path) -> np.ndarray:
    """The array of bytes in a gzipped IDX file: 0, 0, type, dimensions, sizes, values."""
    try:
        content = gzip.decompress(path.read_bytes())
        dimensions = content[3]
        sizes = np.frombuffer(content, ">i4", dimensions, offset=4)
        values = np.frombuffer(content, np.uint8, offset=4 + 4 * dimensions)
        return values.reshape(sizes).copy()
    except (OSError, EOFError, ValueError, IndexError, zlib.error) as error:
        raise DataError(f"{path} is no gzipped IDX file: {error}. Delete it") from error
