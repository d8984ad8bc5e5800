r"""Slopes that stand in for the derivative of a spike.

A spike is a step, :math:`z = [v \ge \theta]`, whose derivative is zero almost everywhere. Training
uses instead

.. math:: \partial z / \partial v := \mathrm{height} \cdot h((v - \theta) / \mathrm{width}),
   \qquad h(0) = 1.

Width and height are both free: too wide lets gradients explode with depth and time, too narrow
lets them vanish (Ledinauskas et al. 2020, arXiv:2006.04436). In other libraries' terms:
SpikingJelly ATan(a) is arctan with width 2/(pi a), height a/2; Sigmoid(a) is sigmoid with width
1/a, height a/4; snnTorch fast_sigmoid(k) is fast_sigmoid with width 1/k, height 1.
"""

from typing import Literal, NamedTuple

from jaxtyping import Float
from torch import Tensor


Shape = Literal[
    "boxcar", "triangle", "fast_sigmoid", "sigmoid", "arctan", "gaussian", "exponential"
]


class Surrogate(NamedTuple):
    """A slope: its shape, its width in units of the potential, and its height at the threshold."""

    shape: Shape = "triangle"
    width: float = 1.0
    height: float = 1.0

    def slope_(self, x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        """Overwrite `x` = v - threshold with the slope there, and return it."""
        return SHAPES[self.shape](x.div_(self.width)).mul_(self.height)


def boxcar_(z: Tensor) -> Tensor:
    """1 where abs(z) < 1/2: with height 1/width, Eq. 8 of Yang et al. 2022, arXiv:2210.04532."""
    return z.abs_().lt_(0.5)


def triangle_(z: Tensor) -> Tensor:
    """max(0, 1 - abs(z)): Bellec et al. 2018, arXiv:1803.09574."""
    return z.abs_().neg_().add_(1).clamp_(min=0)


def fast_sigmoid_(z: Tensor) -> Tensor:
    """1 / (1 + abs(z))^2: Zenke & Ganguli 2018, doi:10.1162/neco_a_01086."""
    return z.abs_().add_(1).square_().reciprocal_()


def sigmoid_(z: Tensor) -> Tensor:
    """4 s (1 - s), s the logistic function: equal to 1 / cosh(z / 2)^2."""
    return z.div_(2).tanh_().square_().neg_().add_(1)


def arctan_(z: Tensor) -> Tensor:
    """1 / (1 + z^2): Fang et al. 2021, arXiv:2007.05785."""
    return z.square_().add_(1).reciprocal_()


def gaussian_(z: Tensor) -> Tensor:
    """exp(-z^2 / 2)."""
    return z.square_().mul_(-0.5).exp_()


def exponential_(z: Tensor) -> Tensor:
    """exp(-abs(z)): Shrestha & Orchard 2018, arXiv:1810.08646."""
    return z.abs_().neg_().exp_()


SHAPES = {
    "boxcar": boxcar_,
    "triangle": triangle_,
    "fast_sigmoid": fast_sigmoid_,
    "sigmoid": sigmoid_,
    "arctan": arctan_,
    "gaussian": gaussian_,
    "exponential": exponential_,
}
