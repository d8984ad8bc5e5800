"""What a host can read of a chip's analog values."""

from dataclasses import dataclass

import torch
from torch import Tensor

from hardware.checks import within


@dataclass(frozen=True)
class Adc:
    r"""A converter of b bits that saturates: :math:`k = \mathrm{round}(x / s)`, |k| < 2^(b-1).

    Potentials are read against the threshold that was asked for, over `span` such thresholds to
    either side; currents of a readout over the full scale that the host has set.
    """

    bits: int = 8
    span: float = 2.0

    def __post_init__(self) -> None:
        within("adc.bits", self.bits, 2, 24, "8 is usual on a chip")
        within("adc.span", self.span, 1e-3, 1e3, "Try 2 thresholds")

    def read(self, x: Tensor, full: float | Tensor) -> Tensor:
        """`x` in steps of full / (2^(b-1) - 1)."""
        most = 2 ** (self.bits - 1) - 1
        step = torch.as_tensor(full) / most
        read: Tensor = torch.round(x / step).clamp_(-most, most) * step
        return read
