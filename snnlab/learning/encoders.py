"""How an image becomes the input of a spiking network over time. A closed set."""

from abc import abstractmethod
from typing import Annotated, Literal

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor

from snnlab.learning.part import Part


Encoded = Float[Tensor, "time batch *pixels"]


class Encoder(Part):
    """Turns images into `time_steps` of input."""

    @abstractmethod
    def encode(
        self,
        images: Float[Tensor, "batch *pixels"],
        time_steps: int,
        normalise: tuple[Tensor, Tensor],
        generator: torch.Generator,
    ) -> Encoded:
        """The input at every step, from images with pixels in 0..1.

        `normalise` is (mean, standard deviation) of the data set, for each channel.
        """


class Direct(Encoder):
    """The normalised image itself as a constant current: the first layer makes the spikes.

    Source: Rueckauer et al. 2017, doi:10.3389/fnins.2017.00682, section 2.2 (analog input).
    """

    kind: Literal["direct"] = "direct"

    def encode(
        self,
        images: Float[Tensor, "batch *pixels"],
        time_steps: int,
        normalise: tuple[Tensor, Tensor],
        generator: torch.Generator,
    ) -> Encoded:
        mean, std = normalise
        # expanded, not copied: a stride of 0 tells the first layer to compute its current once
        return ((images - mean) / std).expand(time_steps, *images.shape)


class Poisson(Encoder):
    """Each pixel spikes in each step with a probability proportional to its brightness."""

    kind: Literal["poisson"] = "poisson"
    max_rate: float = Field(
        1.0,
        gt=0,
        le=1,
        description="probability that the brightest pixel spikes in a step",
        json_schema_extra={"unit": "spikes per step"},
    )

    def encode(
        self,
        images: Float[Tensor, "batch *pixels"],
        time_steps: int,
        normalise: tuple[Tensor, Tensor],
        generator: torch.Generator,
    ) -> Encoded:
        chance = torch.rand((time_steps, *images.shape), generator=generator).to(images.device)
        return (chance < images * self.max_rate).to(images.dtype)


AnyEncoder = Annotated[Direct | Poisson, Field(discriminator="kind")]


def is_constant(x: Tensor) -> bool:
    """Whether all time steps of `x` are one and the same memory."""
    return len(x) == 1 or x.stride(0) == 0
