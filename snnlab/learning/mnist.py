"""The four published files of MNIST, and what is in them."""

import gzip
import zlib
from pathlib import Path

import numpy as np
import torch

from snnlab.learning.dataset import Samples
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


def halves() -> tuple[Samples, Samples]:
    """The training and the test images, 28 x 28."""
    return half("train"), half("t10k")


def half(part: str) -> Samples:
    images, labels = (fetch(FILES[f"{part}-{what}"]) for what in ("images-idx3", "labels-idx1"))
    return Samples(
        torch.from_numpy(read_idx(images)).unsqueeze(1), torch.from_numpy(read_idx(labels)).long()
    )


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
