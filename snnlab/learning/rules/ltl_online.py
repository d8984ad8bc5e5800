r"""Local tandem learning, online: each step has its own error, and the past is taken as given.

.. math:: L[t] = \sum_l \Big\lVert \hat r^l - \frac{1}{t} \sum_{t' \le t} s^l_{t'} \Big\rVert^2
   + \mathrm{CE}\Big(\frac{1}{t} \sum_{t' \le t} o_{t'},\; y\Big)

With :math:`\zeta_t = -\frac{2}{t}(\hat r - \frac{1}{t} \sum_{t' \le t} s_{t'})` and the slope
:math:`\sigma_t` the gradient is :math:`\zeta_t \sigma_t s^{l-1}_t`: Yang et al. 2022,
arXiv:2210.04532, Eq. 9 to 11. The first steps only warm up. Weights change after each later step,
or, in the variant "code", once after the last with the sum of all their gradients. Memory grows
neither with time nor with depth.
"""

from collections.abc import Iterator
from typing import ClassVar, Literal

import torch
from jaxtyping import Float, Int64
from pydantic import Field
from torch import Tensor
from torch.nn.functional import cross_entropy

from snnlab.learning.definition import Definition
from snnlab.learning.network import SpikingNetwork
from snnlab.learning.stepping import carried, severed, watched
from snnlab.learning.tandem import Tandem


class LTLOnline(Tandem):
    """Each layer learns its teacher's rates from the error of the moment."""

    source: ClassVar[str] = "Yang et al. 2022, arXiv:2210.04532, Eq. 9"
    on_chip: ClassVar[bool] = True

    kind: Literal["ltl-online"] = "ltl-online"
    percentile: float = Field(
        99.0, gt=0, le=100, description="percentile of a teacher's layer that is the rate 1"
    )
    warm_up: float = Field(
        0.75, ge=0, lt=1, description="share of the steps, the first ones, that change no weights"
    )

    def check(self, spec: Definition) -> None:
        super().check(spec)
        if spec.network.norm != "none":
            raise ValueError(
                "online local tandem learning sees one step at a time, and a normalisation takes "
                "its statistics from all. Set network.norm to none"
            )

    def updates(
        self,
        network: SpikingNetwork,
        inputs: Float[Tensor, "time batch *pixels"],
        labels: Int64[Tensor, " batch"],
    ) -> Iterator[float]:
        targets = self.targets(network, inputs[0])
        first, total = int(self.warm_up * len(inputs)), 0.0
        counts: dict[str, Tensor] = {}
        with carried(network):
            for t, x in enumerate(inputs.split(1), 1):
                with torch.set_grad_enabled(t > first):
                    loss = self.step(network, x, labels, targets, counts, t)
                total += loss
                if t > first and self.variant == "paper":
                    yield loss
        if self.variant == "code":
            yield total / (len(inputs) - first)

    def step(
        self,
        network: SpikingNetwork,
        x: Float[Tensor, "1 batch *pixels"],
        labels: Int64[Tensor, " batch"],
        targets: dict[str, Tensor],
        counts: dict[str, Tensor],
        t: int,
    ) -> float:
        """Add step `t` to `counts`, of spikes and of output; return the loss, its gradient made."""
        losses = [0.0]

        def mean(name: str, now: Tensor) -> Tensor:
            counts[name] = counts.get(name, torch.zeros_like(now)).detach() + now
            return counts[name] / t

        def backward(loss: Tensor) -> None:
            if loss.requires_grad:
                loss.backward()
                losses.append(loss.item())

        def learn(name: str, spikes: Tensor) -> Tensor:
            backward(self.distance(mean(name, spikes[0]), targets[name]))
            return spikes.detach()

        with watched(network, learn), severed(network):
            output = network(x)[0]
        backward(cross_entropy(mean("output", output), labels))
        return sum(losses)
