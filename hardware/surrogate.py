r"""The slope that stands in for the derivative of a spike: :math:`a\, h((v - \theta) / w)`.

With h(0) = 1, width w in units of the potential and height a. "boxcar": 1 where |z| < 1/2;
"triangle": max(0, 1 - |z|), Bellec et al. 2018, arXiv:1803.09574; "fast_sigmoid":
1 / (1 + |z|)^2, Zenke and Ganguli 2018, doi:10.1162/neco_a_01086.
"""

from dataclasses import dataclass
from typing import Literal

from torch import Tensor

from hardware.checks import one_of, within


SHAPES = ("boxcar", "triangle", "fast_sigmoid")


@dataclass(frozen=True)
class Surrogate:
    shape: Literal["boxcar", "triangle", "fast_sigmoid"] = "triangle"
    width: float = 1.0
    height: float = 1.0

    def __post_init__(self) -> None:
        one_of("surrogate.shape", self.shape, SHAPES)
        within("surrogate.width", self.width, 1e-6, 1e6, "Try the threshold")
        within("surrogate.height", self.height, 1e-6, 1e6, "1 is usual")

    def slope(self, distance: Tensor) -> Tensor:
        """At potentials that are `distance` above the threshold."""
        z = distance.abs() / self.width
        if self.shape == "boxcar":
            return (z < 0.5) * self.height
        if self.shape == "triangle":
            return (1 - z).clamp_(min=0).mul_(self.height)
        return (1 + z).square_().reciprocal_().mul_(self.height)
