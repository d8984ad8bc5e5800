r"""Decays that a chip can have.

twelve_bit (Loihi): :math:`v \leftarrow \mathrm{sign}(v) \lfloor |v| (4096 - d) / 4096 \rfloor`
with a whole d in 0..4096, as in Lava's fixed-point LIF.
shift (Xylo): :math:`v \leftarrow v - (v \gg k)` with :math:`k = \mathrm{round}(\log_2 \tau /
\Delta t)`, as in Rockpool. none: integrate-and-fire. exact: analog, any factor.
"""

import torch
from torch import Tensor

from hardware.checks import one_of


KINDS = ("exact", "twelve_bit", "shift", "none")
LONGEST_SHIFT = 15


def code(kind: str, alpha: Tensor) -> Tensor:
    """What the chip's register holds: d or k, for decay factors `alpha` in 0..1."""
    one_of("formats.decay", kind, KINDS)
    alpha = alpha.double()
    if kind == "twelve_bit":
        return torch.round((1 - alpha) * 4096)
    if kind == "shift":
        steps = 1 / -alpha.log().clamp(max=-1e-300)  # no leak at all: the longest there is
        return torch.round(torch.log2(steps)).clamp(0, LONGEST_SHIFT)
    return torch.zeros_like(alpha)


def factor(kind: str, register: Tensor) -> Tensor:
    """The decay factor that a register's content means, but for rounding of the state."""
    if kind == "twelve_bit":
        return 1 - register / 4096
    return 1 - torch.exp2(-register) if kind == "shift" else torch.ones_like(register)


def nearest_alpha(kind: str, alpha: Tensor) -> Tensor:
    """The decay factor that a neuron of the chip will have."""
    return alpha if kind == "exact" else factor(kind, code(kind, alpha))
