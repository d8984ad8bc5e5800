r"""Makes up for what few time steps lose: the mean output of each map becomes its teacher's.

With :math:`\delta = \overline{a} - \lambda\,\overline{r}`, the means over images and places,

.. math:: \hat b \leftarrow \hat b + \theta \delta / \lambda \qquad \text{or} \qquad
          v(0) \leftarrow v(0) + T \theta \delta / \lambda,

layer by layer, each fed by the corrected ones before it. Li et al. 2021, arXiv:2106.06984: bias
correction is its light calibration, potential correction a part of its advanced one. Deviation: the
potential is one for each map, not for each neuron.
"""

from typing import Literal

import torch
from torch import Tensor, nn

from snnlab.learning.conversion.chain import populations, teacher
from snnlab.learning.conversion.normalise import SIMULATED, threshold
from snnlab.learning.layers import Sequence, Spiking
from snnlab.learning.network import SpikingNetwork
from snnlab.learning.norms import Currents, PerStep, features


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
        device = next(layer.synapse.parameters()).device
        layer.norm = Charge(features(layer.synapse)).to(device)


@torch.no_grad()
def calibrate(
    network: SpikingNetwork, inputs: Sequence, scales: list[float], method: Method
) -> None:
    """Correct every population for these inputs, of at most 16,000 steps times images."""
    x = inputs[:, : max(1, SIMULATED // len(inputs))]
    analog, numbers = x[:1], iter(scales)
    layers = list(network.layers.children())[:-1]
    model = list(teacher(network).eval().layers.children())[:-1]
    for learner, taught in zip(layers, model, strict=True):
        analog = taught(analog)
        if isinstance(learner, Spiking):
            scale = next(numbers)
            missing = (means(analog) / scale - means(learner(x))) * threshold(learner)
            correct(learner, missing, len(x), method)
        x = learner(x)


def means(x: Sequence) -> Tensor:
    """The mean output of each map."""
    return x.transpose(0, 2).flatten(1).mean(1)


def correct(layer: Spiking, missing: Tensor, steps: int, method: Method) -> None:
    if method == "bias":
        assert isinstance(layer.synapse, nn.Linear | nn.Conv2d)
        assert layer.synapse.bias is not None
        layer.synapse.bias += missing
    else:
        assert isinstance(layer.norm, Charge)
        layer.norm.potential += steps * missing
