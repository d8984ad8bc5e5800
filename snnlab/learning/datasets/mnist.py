"""MNIST: 70,000 handwritten digits of 28 x 28 pixels, in its four published IDX files."""

from typing import ClassVar, Literal

from snnlab.learning.dataset import Data, Dataset, caveats, packed
from snnlab.learning.files import File
from snnlab.learning.mnist import FILES, halves


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
        train, test = halves()
        return packed(train, test, caveats(self))

    def files(self) -> list[File]:
        return list(FILES.values())
