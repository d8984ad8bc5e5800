"""CIFAR-100: 60,000 colour photographs of 32 x 32 pixels in 100 classes."""

from typing import ClassVar, Literal

from snnlab.learning import cifar
from snnlab.learning.dataset import Data, Dataset, caveats, packed
from snnlab.learning.files import Archive, File, find


# SHA-256 of the archive as TensorFlow Datasets lists it, SHA-1 of its files as MXNet does
ARCHIVE = Archive(
    "cifar-100-binary.tar.gz",
    "58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec",
    "https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz",
    r"cifar-100-binary/(train|test)\.bin",
)
BINARY = [
    File(f"cifar-100-binary/{name}.bin", sha1, archive=ARCHIVE)
    for name, sha1 in {
        "train": "e207cd2e05b73b1393c74c7f5e7bea451d63e08e",
        "test": "8fb6623e830365ff53cf14adec797474f5478006",
    }.items()
]
PYTHON = [  # MD5 as torchvision lists them
    File("cifar-100-python/train", "16019d7e3df5f24257cddd939b257f8d"),
    File("cifar-100-python/test", "f0ef6b0ae62326f3e7ffdfab6717acfc"),
]


class CIFAR100(Dataset):
    """Photographs of 100 kinds of things: 500 of each to train on and 100 to test."""

    board: ClassVar[str] = "cifar-100"
    title: ClassVar[str] = "CIFAR-100"
    shape: ClassVar[tuple[int, int, int]] = (3, 32, 32)
    all_classes: ClassVar[int] = 100
    mean: ClassVar[tuple[float, ...]] = (0.5071, 0.4865, 0.4409)
    std: ClassVar[tuple[float, ...]] = (0.2673, 0.2564, 0.2762)
    licence: ClassVar[str] = "none stated; the authors ask to cite their report"
    citation: ClassVar[str] = (
        "Krizhevsky 2009, Learning multiple layers of features from tiny images, Univ. of Toronto"
    )

    kind: Literal["cifar100"] = "cifar100"

    def load(self) -> Data:
        train, test = cifar.load(self.files(), 2, "fine_labels", self.all_classes)
        return packed(train, test, caveats(self))

    def files(self) -> list[File]:
        """The binary version, unless the Python version is here and the other is not."""
        forms = (BINARY, PYTHON)
        return next((form for form in forms if all(find(file) for file in form)), BINARY)
