"""The layers of a spiking network beside those of its analog teacher."""

from torch import nn

from snnlab.learning.conversion.folding import fold_, folded, put
from snnlab.learning.conversion.pooling import Count, Gate
from snnlab.learning.errors import TrainingError
from snnlab.learning.layers import AveragePool, Flatten, MaxPool, Potential, Readout, Spiking
from snnlab.learning.network import SpikingNetwork
from snnlab.learning.neuron import Firing


KNOWN = Spiking | Readout | Potential | Flatten | MaxPool | AveragePool


def shape_(network: SpikingNetwork, max_pool: str) -> None:
    """Put biases in the place of norms, and the chosen gate in the place of max-pools."""
    for name, layer in network.layers.named_children():
        if not isinstance(layer, KNOWN):
            raise TrainingError(
                f"conversion knows no layer {type(layer).__name__} ({name}). Choose network mlp "
                "or convnet"
            )
        if isinstance(layer, Spiking):
            layer.norm = nn.Identity()
            fold_(layer.synapse)
        elif isinstance(layer, Readout | Potential):
            fold_(layer.synapse)
        elif isinstance(layer, MaxPool) and max_pool != "any":
            setattr(network.layers, name, Gate() if max_pool == "gate" else Count())


def populations(network: SpikingNetwork) -> list[Spiking]:
    """Its layers of neurons, from input to output."""
    return [layer for layer in network.layers if isinstance(layer, Spiking)]


def convert(network: SpikingNetwork, scales: list[float], *, bias: bool) -> None:
    r"""Give the network its teacher's weights, so that rate 1 is an activation of `scales`.

    .. math:: \hat W_l = \theta W_l \lambda_{l-1} / \lambda_l, \qquad
              \hat b_l = \theta b_l / \lambda_l

    Rueckauer et al. 2017, section 2.2, for a threshold :math:`\theta = 1`. The readout gets
    :math:`W \lambda_{l-1}` and :math:`b`: its mean current estimates the teacher's output.
    """
    before = 1.0
    for number, scale in enumerate(scales):
        give(network, number, before, scale, bias=bias)
        before = scale
    taught, learner = readout(teacher(network)), readout(network)
    weight, b = folded(taught, nn.Identity())
    put(learner, weight * before, b * bias)


def give(network: SpikingNetwork, number: int, before: float, scale: float, *, bias: bool) -> None:
    """The weights of one population, see `convert`."""
    taught, learner = populations(teacher(network))[number], populations(network)[number]
    assert isinstance(learner.neuron, Firing)
    weight, b = folded(taught.synapse, taught.norm)
    factor = learner.neuron.v_threshold / scale
    put(learner.synapse, weight * (before * factor), b * (bias * factor))


def teacher(network: SpikingNetwork) -> SpikingNetwork:
    assert network.teacher is not None
    return network.teacher


def readout(network: SpikingNetwork) -> nn.Module:
    last = network.layers[-1]
    assert isinstance(last, Readout | Potential)
    return last.synapse
