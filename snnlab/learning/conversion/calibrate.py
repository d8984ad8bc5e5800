r"""Makes up for what few time steps lose: the mean output of each map becomes its teacher's.

With :math:`\delta = \overline{a} - \lambda\,\overline{r}`, the means over images and places,

.. math:: \hat b \leftarrow \hat b + \theta \delta / \lambda \qquad \text{or} \qquad
          v(0) \leftarrow v(0) + T \theta \delta / \lambda,

layer by layer, each fed by the corrected ones before it. Li et al. 2021, arXiv:2106.06984: bias
correction is its light calibration, potential correction a part of its advanced one. Deviation: the
potential is one for each map, not for each neuron.
"""

from functools import partial
from typing import Literal

import torch
from torch import Tensor, nn

from snnlab.learning.conversion.chain import Relay, populations, teacher, threshold
from snnlab.learning.conversion.normalise import SIMULATED, image
from snnlab.learning.layers import Sequence, Spiking
from snnlab.learning.network import SpikingNetwork
from snnlab.learning.norms import Currents, PerStep
from snnlab.learning.stepping import replaced, watched


Method = Literal["none", "bias", "potential"]
MAX_STEPS = 1000


class Charge(PerStep):
    """What each map receives before the first step: its initial potential, beside the neuron's."""

    potential: Tensor

    def __init__(self, features: int) -> None:
        super().__init__()
        self.register_buffer("potential", torch.zeros(features))
        self.grow(MAX_STEPS)

    def grow(self, steps: int) -> None:
        self.steps = max(steps, MAX_STEPS)

    def each(self, current: Currents, steps: int) -> Sequence:
        charged = current.expand(steps, *current.shape[1:]).clone()
        charged[0] += self.potential.view(-1, *[1] * (current.dim() - 3))
        return charged


def charge_(network: SpikingNetwork) -> None:
    """Let every population have initial potentials of its own."""
    for layer in populations(network):
        bias = layer.synapse.bias
        assert isinstance(bias, Tensor)
        layer.norm = Charge(len(bias)).to(bias.device)


@torch.no_grad()
def calibrate(
    network: SpikingNetwork, inputs: Sequence, scales: list[float], method: Method
) -> None:
    """Correct every population for these inputs, of at most 16,000 steps times images."""
    x = inputs[:, : max(1, SIMULATED // len(inputs))]
    taught: list[Tensor] = []
    with watched(teacher(network).eval(), lambda _, y: taught.append(means(y))):
        teacher(network)(image(x)[None])
    wanted = zip(taught, scales, strict=True)

    def corrected(layer: Spiking, given: Sequence) -> Sequence:
        mean, scale = next(wanted)
        missing = (mean / scale - means(Spiking.forward(layer, given))) * threshold(layer)
        correct(layer, missing, len(x), method)
        return Spiking.forward(layer, given)

    with replaced({layer: partial(corrected, layer) for layer in populations(network)}):
        network(x)


def means(x: Sequence) -> Tensor:
    """The mean output of each map."""
    return x.transpose(0, 2).flatten(1).mean(1)


def correct(layer: Spiking, missing: Tensor, steps: int, method: Method) -> None:
    if method == "bias":
        assert isinstance(layer.synapse, nn.Linear | nn.Conv2d | Relay)
        assert layer.synapse.bias is not None
        layer.synapse.bias += missing
    else:
        assert isinstance(layer.norm, Charge)
        layer.norm.potential += steps * missing
