"""CIFAR-10: 60,000 colour photographs of 32 x 32 pixels in 10 classes."""

from typing import ClassVar, Literal

from snnlab.learning import cifar
from snnlab.learning.dataset import Data, Dataset, caveats, packed
from snnlab.learning.files import Archive, File, find


# SHA-256 of the archive as TensorFlow Datasets lists it, SHA-1 of its files as MXNet does
ARCHIVE = Archive(
    "cifar-10-binary.tar.gz",
    "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
    "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
    r"cifar-10-batches-bin/(data_batch_[1-5]|test_batch)\.bin",
)
SHA1 = {
    "data_batch_1": "aadd24acce27caa71bf4b10992e9e7b2d74c2540",
    "data_batch_2": "c0ba65cce70568cd57b4e03e9ac8d2a5367c1795",
    "data_batch_3": "1dd00a74ab1d17a6e7d73e185b69dbf31242f295",
    "data_batch_4": "aab85764eb3584312d3c7f65fd2fd016e36a258e",
    "data_batch_5": "26e2849e66a845b7f1e4614ae70f4889ae604628",
    "test_batch": "67eb016db431130d61cd03c7ad570b013799c88c",
}
# as torchvision lists them
MD5 = {
    "data_batch_1": "c99cafc152244af753f735de768cd75f",
    "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
    "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
    "data_batch_4": "634d18415352ddfa80567beed471001a",
    "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
    "test_batch": "40351d587109b95175f43aff81a1287e",
}
BINARY = [
    File(f"cifar-10-batches-bin/{name}.bin", sha1, archive=ARCHIVE) for name, sha1 in SHA1.items()
]
PYTHON = [File(f"cifar-10-batches-py/{name}", md5) for name, md5 in MD5.items()]


class CIFAR10(Dataset):
    """Photographs of 10 kinds of animals and vehicles: 50,000 to train on and 10,000 to test."""

    board: ClassVar[str] = "cifar-10"
    title: ClassVar[str] = "CIFAR-10"
    shape: ClassVar[tuple[int, int, int]] = (3, 32, 32)
    all_classes: ClassVar[int] = 10
    mean: ClassVar[tuple[float, ...]] = (0.4914, 0.4822, 0.4465)
    std: ClassVar[tuple[float, ...]] = (0.2470, 0.2435, 0.2616)
    licence: ClassVar[str] = "none stated; the authors ask to cite their report"
    citation: ClassVar[str] = (
        "Krizhevsky 2009, Learning multiple layers of features from tiny images, Univ. of Toronto"
    )

    kind: Literal["cifar10"] = "cifar10"

    def load(self) -> Data:
        train, test = cifar.load(self.files(), 1, "labels", self.all_classes)
        return packed(train, test, caveats(self))

    def files(self) -> list[File]:
        """The binary version, unless the Python version is here and the other is not."""
        forms = (BINARY, PYTHON)
        return next((form for form in forms if all(find(file) for file in form)), BINARY)
