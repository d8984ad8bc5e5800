r"""Spatial learning through time: of the gradient, only what does not pass through time.

.. math:: L = \frac{1}{T} \sum_t \mathrm{CE}(o_t, y)

The exact gradient of a weight adds, over the steps, what goes back through the layers within a
step and what goes back through the potentials to earlier steps. The second part is small for leaky
neurons and is left out: every potential takes its past as given. So each step can be learnt from
as it comes, and memory does not grow with time.

Deviations: a batch-norm takes its statistics from each step alone, here as in any rule that sees
one step at a time; the optional random choice of steps (SLTT-K) is not offered.
"""

from collections.abc import Iterator
from typing import ClassVar, Literal

from jaxtyping import Float, Int64
from torch import Tensor
from torch.nn.functional import cross_entropy

from snnlab.learning.definition import Definition
from snnlab.learning.network import SpikingNetwork
from snnlab.learning.rule import Rule
from snnlab.learning.stepping import carried, check_steps


class SLTT(Rule):
    """The gradient within each step, added up over the steps; none through time."""

    source: ClassVar[str] = "Meng et al. 2023, arXiv:2302.14311"

    kind: Literal["sltt"] = "sltt"

    def check(self, spec: Definition) -> None:
        check_steps(spec)

    def updates(
        self,
        network: SpikingNetwork,
        inputs: Float[Tensor, "time batch *pixels"],
        labels: Int64[Tensor, " batch"],
    ) -> Iterator[float]:
        total = 0.0
        with carried(network):
            for x in inputs.split(1):
                loss = cross_entropy(network(x)[0], labels) / len(inputs)
                loss.backward()
                total += loss.item()
        yield total
