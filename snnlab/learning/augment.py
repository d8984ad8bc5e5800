"""Changes of training images that leave their class as it is. A closed set."""

from abc import abstractmethod
from typing import Annotated, Literal

import torch
from jaxtyping import Bool, Float, Int64, Shaped
from pydantic import Field
from torch import Tensor
from torch.nn.functional import pad

from snnlab.learning.part import Part


Images = Shaped[Tensor, "batch channels height width"]


class Augmentation(Part):
    """Shows training images in another way each time; held-out and test images stay as they are."""

    @abstractmethod
    def augment(
        self,
        images: Images,
        mean: Float[Tensor, "channels 1 1"],
        generator: torch.Generator,
    ) -> Images:
        """The changed images, of the same type: bytes, or pixels in 0..1.

        `mean` is that of the data set for each channel, for pixels in 0..1.
        """


class Unchanged(Augmentation):
    """Images as they are."""

    kind: Literal["none"] = "none"

    def augment(
        self,
        images: Images,
        mean: Float[Tensor, "channels 1 1"],
        generator: torch.Generator,
    ) -> Images:
        return images


class CropFlip(Augmentation):
    """A crop of the image padded with black, its mirror image half of the time, a square cut out.

    Source: He et al. 2016, doi:10.1109/CVPR.2016.90, section 4.2 (crop and flip), and DeVries &
    Taylor 2017, arXiv:1708.04552 (cutout: its centre is anywhere, so it may reach over the edge).
    """

    kind: Literal["crop-flip"] = "crop-flip"
    padding: int = Field(
        4,
        ge=0,
        le=16,
        description="black border added on each side before the crop",
        json_schema_extra={"unit": "pixels"},
    )
    flip: bool = Field(default=True, description="mirror half of the images, left to right")
    cutout: int = Field(
        0,
        ge=0,
        le=64,
        description="side of a square set to the data set's mean, 0 for none",
        json_schema_extra={"unit": "pixels"},
    )

    def augment(
        self,
        images: Images,
        mean: Float[Tensor, "channels 1 1"],
        generator: torch.Generator,
    ) -> Images:
        n, channels, height, width = images.shape

        def draw(high: int) -> Int64[Tensor, " batch"]:
            # drawn on the CPU wherever the images are, so that every device sees the same numbers
            return torch.randint(high, (n,), generator=generator).to(images.device)

        rows = draw(2 * self.padding + 1)[:, None] + torch.arange(height, device=images.device)
        columns = draw(2 * self.padding + 1)[:, None] + torch.arange(width, device=images.device)
        if self.flip:
            columns = torch.where(draw(2)[:, None] == 1, columns.flip(1), columns)
        padded = pad(images, [self.padding] * 4)
        index = rows[:, :, None] * padded.shape[3] + columns[:, None, :]
        index = index.view(n, 1, -1).expand(-1, channels, -1)
        cropped = padded.flatten(2).gather(2, index).view_as(images)
        if not self.cutout:
            return cropped
        hole = span(draw(height), self.cutout, height)[:, :, None]
        hole = hole & span(draw(width), self.cutout, width)[:, None, :]
        return torch.where(hole[:, None], like(mean, images), cropped)


def span(centre: Int64[Tensor, " batch"], size: int, length: int) -> Bool[Tensor, "batch length"]:
    """Which of `length` places lie in a stretch of that size around each centre."""
    offset = torch.arange(length, device=centre.device) - centre[:, None]
    return (offset >= -(size // 2)) & (offset < size - size // 2)


def like(mean: Float[Tensor, "channels 1 1"], images: Images) -> Shaped[Tensor, "channels 1 1"]:
    """The mean as a pixel of these images."""
    value = mean if images.is_floating_point() else (255 * mean).round()
    return value.to(images)


AnyAugmentation = Annotated[Unchanged | CropFlip, Field(discriminator="kind")]
