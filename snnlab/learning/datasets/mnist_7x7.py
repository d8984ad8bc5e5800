"""MNIST for chips with few inputs: 7 x 7 pixels, each the mean of 4 x 4 of the published ones."""

from typing import ClassVar, Literal

from torch.nn.functional import avg_pool2d

from snnlab.learning.dataset import Data, Dataset, Samples, caveats, packed
from snnlab.learning.files import File
from snnlab.learning.mnist import FILES, halves


class MNIST7x7(Dataset):
    """Handwritten digits of 49 pixels: 60,000 to train on and 10,000 to test."""

    board: ClassVar[str] = "mnist"
    title: ClassVar[str] = "MNIST (7 x 7 pixels)"
    shape: ClassVar[tuple[int, int, int]] = (1, 7, 7)
    all_classes: ClassVar[int] = 10
    mean: ClassVar[tuple[float, ...]] = (0.1307,)
    std: ClassVar[tuple[float, ...]] = (0.2307,)
    licence: ClassVar[str] = "CC BY-SA 3.0"
    citation: ClassVar[str] = "LeCun, Bottou, Bengio & Haffner 1998, doi:10.1109/5.726791"
    caveat: ClassVar[str] = "images of 7 x 7 pixels, averaged over blocks of 4 x 4"

    kind: Literal["mnist-7x7"] = "mnist-7x7"

    def load(self) -> Data:
        train, test = halves()
        return packed(smaller(train), smaller(test), caveats(self))

    def files(self) -> list[File]:
        return list(FILES.values())


def smaller(samples: Samples) -> Samples:
    """Each block of 4 x 4 pixels by its mean, rounded."""
    images = avg_pool2d(samples.images.float(), 4).round().to(samples.images.dtype)
    return Samples(images, samples.labels)
