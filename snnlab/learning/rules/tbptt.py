r"""Truncated backpropagation through time.

Time is cut into windows. In each, the loss is the cross-entropy of the mean output of that window;
its gradient goes back to the window's beginning, and the state found there is taken as given. The
weights change after each window. A window as long as the simulation makes it BPTT. Memory grows
with the window only. A batch-norm takes its statistics from the window.
"""

from collections.abc import Iterator
from typing import ClassVar, Literal

from jaxtyping import Float, Int64
from pydantic import Field
from torch import Tensor
from torch.nn.functional import cross_entropy
from torch.nn.utils import clip_grad_norm_

from snnlab.learning.definition import Definition
from snnlab.learning.network import SpikingNetwork
from snnlab.learning.rule import Rule
from snnlab.learning.stepping import carried, check_steps


class TBPTT(Rule):
    """As BPTT, but the past before each window is taken as given, and weights change after each."""

    source: ClassVar[str] = "Williams & Peng 1990, doi:10.1162/neco.1990.2.4.490"

    kind: Literal["tbptt"] = "tbptt"
    window: int = Field(
        5, ge=1, le=1000, description="length of a window", json_schema_extra={"unit": "steps"}
    )
    max_gradient: float = Field(
        0.0, ge=0, le=1e6, description="norm to which gradients are clipped, 0 for no limit"
    )

    def check(self, spec: Definition) -> None:
        check_steps(spec)

    def updates(
        self,
        network: SpikingNetwork,
        inputs: Float[Tensor, "time batch *pixels"],
        labels: Int64[Tensor, " batch"],
    ) -> Iterator[float]:
        with carried(network):
            for part in inputs.split(self.window):
                loss = cross_entropy(network(part).mean(0), labels)
                loss.backward()
                if self.max_gradient:
                    clip_grad_norm_(network.parameters(), self.max_gradient)
                yield loss.item()
