r"""Local tandem learning, offline: backpropagation through time, but within one layer at a time.

.. math:: L = \sum_l \Big\lVert \hat r^l - \frac{1}{T} \sum_t s^l_t \Big\rVert^2
   + \mathrm{CE}\Big(\frac{1}{T} \sum_t o_t,\; y\Big)

Yang et al. 2022, arXiv:2210.04532, Eq. 4 and 5. Eq. 6 and 7, as printed, carry an error back by
one step; here, as in the official code, it is the exact gradient within the layer,

.. math:: g_t = \alpha g_{t+1} + \delta_t \sigma_t, \qquad
   \delta_t = \delta_T - \alpha \theta g_{t+1}, \qquad
   \delta_T = -\frac{2}{T} \Big(\hat r - \frac{1}{T} \sum_t s_t\Big),

without the term in :math:`\theta` if the neuron detaches its reset; it holds :math:`\alpha`,
because our neurons are reset before they decay and those of Eq. 1 after. A layer's graph is gone
before the next layer is computed, so memory grows with time but not with depth.
"""

from collections.abc import Iterator
from typing import ClassVar, Literal

from jaxtyping import Float, Int64
from torch import Tensor
from torch.nn.functional import cross_entropy

from snnlab.learning.network import SpikingNetwork
from snnlab.learning.stepping import severed, watched
from snnlab.learning.tandem import Tandem


class LTLOffline(Tandem):
    """Each layer learns its teacher's rates by BPTT; no error passes between layers."""

    source: ClassVar[str] = "Yang et al. 2022, arXiv:2210.04532, Eq. 4"

    kind: Literal["ltl-offline"] = "ltl-offline"

    def updates(
        self,
        network: SpikingNetwork,
        inputs: Float[Tensor, "time batch *pixels"],
        labels: Int64[Tensor, " batch"],
    ) -> Iterator[float]:
        targets, losses = self.targets(network, inputs[0]), []

        def learn(name: str, spikes: Tensor) -> Tensor:
            loss = self.distance(spikes.mean(0), targets[name])
            loss.backward()
            losses.append(loss.item())
            return spikes.detach()

        with watched(network, learn), severed(network):
            loss = cross_entropy(network(inputs).mean(0), labels)
        loss.backward()
        yield loss.item() + sum(losses)
