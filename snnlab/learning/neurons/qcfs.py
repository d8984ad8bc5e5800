r"""Quantised clip-floor-shift: what an integrate-and-fire neuron makes of a constant current.

.. math:: y = \lambda\, \mathrm{clip}\Big(\frac{1}{L} \Big\lfloor \frac{i L}{\lambda}
              + \frac12 \Big\rfloor,\; 0,\; 1\Big)

It is, exactly, the rate of a neuron with threshold :math:`\lambda`, soft reset and initial
potential :math:`\lambda / 2` after L steps. Backward, the floor counts as the identity:
:math:`\partial y / \partial i` is 1 inside and 0 outside of the range, :math:`\partial y /
\partial \lambda` is :math:`(y - i) / \lambda` inside and 1 above.

Source: Bu et al. 2022, arXiv:2303.04347. Its official code begins with :math:`\lambda = 4`.
Deviation: the logarithm of the ceiling is trained, so that it stays positive.
"""

from typing import Any, ClassVar, Literal

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor

from snnlab.learning.neuron import Neuron


class QCFS(Neuron):
    """Quantised rectified linear unit with a trained ceiling: it makes an analog network."""

    spiking: ClassVar[bool] = False

    kind: Literal["qcfs"] = "qcfs"
    levels: int = Field(
        4, ge=1, le=1024, description="number of steps from 0 to the ceiling, L in the paper"
    )
    ceiling: float = Field(
        4.0, gt=0, le=1e6, description="largest output, or where its training begins"
    )
    train_ceiling: bool = Field(
        default=True, description="whether training changes the ceiling, one for each layer"
    )

    def scan(
        self, current: Float[Tensor, "steps_or_1 *n"], steps: int, *, overwrite: bool = False
    ) -> Float[Tensor, "steps *n"]:
        level: Tensor = Floor.apply(current / self.ceiling * self.levels + 0.5)
        output = (level / self.levels).clamp(0, 1) * self.ceiling
        return output.expand(steps, *current.shape[1:])


class Floor(torch.autograd.Function):
    """The floor forward, the identity backward."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x.floor()

    @staticmethod
    def backward(ctx: Any, e: Tensor) -> Tensor:
        return e
