r"""Weights of b bits: :math:`w \approx s\,c` with a whole :math:`|c| \le 2^{b-1} - 1`.

The step s is :math:`\max |w| / (2^{b-1} - 1)` (absmax), or the one of 100 down to a hundredth of it
with the least squared error (mse). Codes are the nearest, halves to even. All is computed in the
dtype of the weights. Emulated chips and programs share this definition; a program has moreover one
exponent for each layer where the chip has them, see quantise.py.
"""

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor

from hardware.checks import one_of


Method = Literal["absmax", "mse"]
METHODS = ("absmax", "mse")


def rounded(weight: Tensor, step: Tensor, bits: int) -> Tensor:
    """The codes of weights, clipped."""
    most = 2 ** (bits - 1) - 1
    return torch.round(weight / step).clamp(-most, most)


def widest_step(weight: Tensor, bits: int, start: int = 0) -> Tensor:
    """The step by which the largest weight has the last code; 1 where all weights are 0.

    One for all, or one for each of the dimensions before `start`.
    """
    most = weight.abs().amax(tuple(range(start, weight.dim())), keepdim=start > 0)
    step = most / (2 ** (bits - 1) - 1)
    return torch.where(step > 0, step, torch.ones_like(step))


def best_step(weight: Tensor, bits: int, method: Method = "absmax") -> Tensor:
    """One step for the whole tensor."""
    one_of("method", method, METHODS)
    widest = widest_step(weight, bits)
    if method == "absmax":
        return widest
    tried = [widest, *(widest * k / 100 for k in range(99, 0, -1))]
    return min(tried, key=squared_error(weight, bits))


def squared_error(weight: Tensor, bits: int) -> Callable[[Tensor], float]:
    return lambda step: (rounded(weight, step, bits) * step - weight).square().sum().item()


def quantised(weight: Tensor, bits: int, method: Method = "absmax") -> Tensor:
    """The weights as a chip of so many bits has them, by one step."""
    step = best_step(weight, bits, method)
    return rounded(weight, step, bits) * step
