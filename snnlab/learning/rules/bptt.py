r"""Backpropagation through time with surrogate gradients.

The loss is of the mean output, or that of temporal efficient training (TET), which asks every step
for the right answer and holds the outputs near a constant:

.. math::
    L_{mean} = \mathrm{CE}\Big(\frac{1}{T} \sum_t o_t,\; y\Big), \qquad
    L_{TET} = \frac{1 - \lambda}{T} \sum_t \mathrm{CE}(o_t, y)
    + \frac{\lambda}{T} \sum_t \overline{(o_t - \phi)^2}

(TET: Deng et al. 2022, arXiv:2202.11946, with the official code's :math:`\lambda = 10^{-3}` and
:math:`\phi = 1`.) The gradient is that of the whole unrolled network, with the surrogate slope in
place of the derivative of each spike. Memory grows with the number of time steps.
"""

from collections.abc import Iterator
from typing import ClassVar, Literal

from jaxtyping import Float, Int64
from pydantic import Field
from torch import Tensor
from torch.nn.functional import cross_entropy
from torch.nn.utils import clip_grad_norm_

from snnlab.learning.losses import each_step
from snnlab.learning.network import SpikingNetwork
from snnlab.learning.rule import Rule


class BPTT(Rule):
    """Exact surrogate gradient of the loss of the output, through all time steps."""

    source: ClassVar[str] = "Neftci, Mostafa & Zenke 2019, doi:10.1109/MSP.2019.2931595"
    recomputes: ClassVar[bool] = True

    kind: Literal["bptt"] = "bptt"
    loss: Literal["mean", "tet"] = Field(
        "mean", description="cross-entropy of the mean output, or TET: of the output of every step"
    )
    tet_weight: float = Field(
        1e-3, ge=0, le=1, description="TET: share of the loss that holds outputs near a constant"
    )
    tet_target: float = Field(1.0, ge=-1e6, le=1e6, description="TET: that constant")
    label_smoothing: float = Field(
        0.0, ge=0, lt=1, description="share of the target spread evenly over all classes"
    )
    max_gradient: float = Field(
        0.0, ge=0, le=1e6, description="norm to which gradients are clipped, 0 for no limit"
    )

    def updates(
        self,
        network: SpikingNetwork,
        inputs: Float[Tensor, "time batch *pixels"],
        labels: Int64[Tensor, " batch"],
    ) -> Iterator[float]:
        loss = self.loss_of(network(inputs), labels)
        loss.backward()
        if self.max_gradient:
            clip_grad_norm_(network.parameters(), self.max_gradient)
        yield loss.item()

    def loss_of(
        self, outputs: Float[Tensor, "time batch classes"], labels: Int64[Tensor, " batch"]
    ) -> Float[Tensor, ""]:
        if self.loss == "mean":
            return cross_entropy(outputs.mean(0), labels, label_smoothing=self.label_smoothing)
        right = each_step(outputs, labels, self.label_smoothing)
        near = (outputs - self.tet_target).square().mean()
        return (1 - self.tet_weight) * right + self.tet_weight * near
