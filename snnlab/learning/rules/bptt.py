r"""Backpropagation through time with surrogate gradients.

.. math:: L = \mathrm{CE}\Big(\frac{1}{T} \sum_t o_t,\; y\Big)

The gradient of the whole unrolled network, with the surrogate slope in place of the derivative of
each spike. Memory grows with the number of time steps.
"""

from collections.abc import Iterator
from typing import ClassVar, Literal

from jaxtyping import Float, Int64
from pydantic import Field
from torch import Tensor
from torch.nn.functional import cross_entropy
from torch.nn.utils import clip_grad_norm_

from snnlab.learning.network import SpikingNetwork
from snnlab.learning.rule import Rule


class BPTT(Rule):
    """Exact surrogate gradient of the cross-entropy of the mean output, through all time steps."""

    source: ClassVar[str] = "Neftci, Mostafa & Zenke 2019, doi:10.1109/MSP.2019.2931595"

    kind: Literal["bptt"] = "bptt"
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
        scores = network(inputs).mean(0)
        loss = cross_entropy(scores, labels, label_smoothing=self.label_smoothing)
        loss.backward()
        if self.max_gradient:
            clip_grad_norm_(network.parameters(), self.max_gradient)
        yield loss.item()
