"""How an image becomes the input of a spiking network over time. A closed set."""

from abc import abstractmethod
from typing import Annotated, Literal

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor

from snnlab.learning.part import Part


Encoded = Float[Tensor, "time batch *pixels"]

ROUNDING = 1e-4  # 0.3 / 0.1 is a little less than 3, but a pixel of 0.3 spikes three times


class Encoder(Part):
    """Turns images into `time_steps` of input."""

    @property
    def spiking(self) -> bool:
        """Whether the input is spikes, 0 or 1."""
        return True

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

    @property
    def spiking(self) -> bool:
        return False

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
    r"""Each pixel spikes in each step with a probability proportional to its brightness.

    Signed: with one proportional to the size of :math:`z = (x - \mu) / \sigma`, the normalised
    pixel, and a spike is -1 where z is negative. That is a second input for each pixel, which
    spikes for negative values and whose weights are those of the first times -1.
    """

    kind: Literal["poisson"] = "poisson"
    max_rate: float = Field(
        1.0,
        gt=0,
        le=1,
        description="probability that the brightest pixel spikes in a step",
        json_schema_extra={"unit": "spikes per step"},
    )
    signed: bool = Field(
        default=False,
        description="whether the normalised image is shown, its negative values by spikes of -1; "
        "max_rate is then that of the largest value there can be",
    )
    mean: bool = Field(
        default=False,
        description="whether the mean of all possible spike trains is shown, as a constant current",
    )

    @property
    def spiking(self) -> bool:
        return not (self.signed or self.mean)

    def encode(
        self,
        images: Float[Tensor, "batch *pixels"],
        time_steps: int,
        normalise: tuple[Tensor, Tensor],
        generator: torch.Generator,
    ) -> Encoded:
        rates = (symmetric(images, *normalise) if self.signed else images) * self.max_rate
        if self.mean:
            return rates.expand(time_steps, *images.shape)
        flat = rates.flatten()
        lit = flat.nonzero()[:, 0]  # a dark pixel never spikes: most draws would be for nothing
        draws = torch.rand((time_steps, len(lit)), generator=generator).to(images.device)
        step, spiking = (draws < flat[lit].abs()).nonzero(as_tuple=True)
        spikes = images.new_zeros(time_steps, images.numel())
        spikes[step, lit[spiking]] = flat[lit[spiking]].sign()
        return spikes.view(time_steps, *images.shape)


def symmetric(images: Tensor, mean: Tensor, std: Tensor) -> Tensor:
    """Normalised pixels, divided by the largest size that one can have: between -1 and 1."""
    return (images - mean) / std / (torch.maximum(mean, 1 - mean) / std).max()


class Latency(Encoder):
    """Each pixel spikes once, the brighter the earlier, or never if it is too dark.

    A pixel x spikes at step floor((1 - x) (T - 1) + 1/2): white at the first, black at the last.
    Source: Kheradpisheh & Masquelier 2020, arXiv:1910.09495 (S4NN: latency linear in brightness).
    """

    kind: Literal["latency"] = "latency"
    threshold: float = Field(
        0.0, ge=0, lt=1, description="brightness, in 0..1, that a pixel must exceed to spike at all"
    )

    def encode(
        self,
        images: Float[Tensor, "batch *pixels"],
        time_steps: int,
        normalise: tuple[Tensor, Tensor],
        generator: torch.Generator,
    ) -> Encoded:
        moment = ((1 - images) * (time_steps - 1) + 0.5).floor()
        moment = moment.where(images > self.threshold, -1)
        steps = torch.arange(time_steps, device=images.device)
        return (steps.view(-1, *[1] * images.dim()) == moment).to(images.dtype)


class Delta(Encoder):
    """Each pixel spikes when it has become brighter by another threshold since its last spike.

    The signal is the onset of the image: black before the first step, the image from then on. The
    encoder follows it with at most one spike in a step, so a pixel x spikes floor(x / threshold)
    times, from the first step on without a pause, and then never again: images that stand still
    change only once. No pixel becomes darker, so there are no spikes of the other sign.
    Source: Corradi & Indiveri 2015, doi:10.1109/TBCAS.2015.2479256 (asynchronous delta modulator).
    """

    kind: Literal["delta"] = "delta"
    threshold: float = Field(
        0.1, gt=0, le=1, description="change of brightness, of 0..1, that makes a spike"
    )

    def encode(
        self,
        images: Float[Tensor, "batch *pixels"],
        time_steps: int,
        normalise: tuple[Tensor, Tensor],
        generator: torch.Generator,
    ) -> Encoded:
        spikes = (images / self.threshold + ROUNDING).floor()
        steps = torch.arange(time_steps, device=images.device)
        return (steps.view(-1, *[1] * images.dim()) < spikes).to(images.dtype)


AnyEncoder = Annotated[Direct | Poisson | Latency | Delta, Field(discriminator="kind")]


def is_constant(x: Tensor) -> bool:
    """Whether all time steps of `x` are one and the same memory."""
    return len(x) == 1 or x.stride(0) == 0
