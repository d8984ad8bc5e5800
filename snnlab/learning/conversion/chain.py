r"""The layers of a spiking network beside those of its analog teacher.

A population with synapses of its own gets weights in which its scale :math:`\lambda_l` is one
threshold. In a residual network several populations listen to one sum of currents, the stream:
that stays in the teacher's units, and each population hears it through a `Relay` of its own.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from snnlab.learning.conversion.folding import fold_, folded, put
from snnlab.learning.conversion.pooling import Count, Gate
from snnlab.learning.conversion.winner import WinnerTakesAll
from snnlab.learning.layers import (
    AveragePool,
    Block,
    Current,
    Flatten,
    GlobalAverage,
    MaxPool,
    Potential,
    Readout,
    Spiking,
)
from snnlab.learning.network import SpikingNetwork
from snnlab.learning.neuron import Firing
from snnlab.learning.stepping import spiking


KNOWN = (
    AveragePool
    | Block
    | Current
    | Flatten
    | GlobalAverage
    | MaxPool
    | Potential
    | Readout
    | Spiking
)
Output = Readout | Potential | WinnerTakesAll
INPUT = -1


class Wire(NamedTuple):
    """Synapses, and the number of the population whose spikes they receive; `INPUT` of none."""

    layer: Spiking | Current | Output
    before: int


class Relay(nn.Module):
    """One connection from a stream to each neuron: x times a weight, and a bias for each map."""

    weight: Tensor
    bias: Tensor

    def __init__(self, like: Tensor) -> None:
        super().__init__()
        self.register_buffer("weight", torch.ones_like(like[0]))
        self.register_buffer("bias", torch.zeros_like(like))

    def forward(self, x: Tensor) -> Tensor:
        return torch.addcmul(self.bias.view(-1, *[1] * (x.dim() - 2)), x, self.weight)


def strange(network: SpikingNetwork) -> list[str]:
    """Layers that conversion does not know, by type and name."""
    named = network.layers.named_children()
    return [f"{type(x).__name__} ({name})" for name, x in named if not isinstance(x, KNOWN)]


def wiring(network: SpikingNetwork) -> Iterator[tuple[nn.Module, list[Wire]]]:
    """Each population, first to last, then the readout; and the synapses that it listens to."""
    stream: list[Wire] = []
    number = INPUT
    for layer in network.layers:
        if isinstance(layer, Block):
            yield layer.enter, stream
            number += 1
            around = [Wire(layer.project, number)] if layer.project else stream
            for inner in layer.inner:
                assert isinstance(inner, Spiking)
                yield inner, [Wire(inner, number)]
                number += 1
            stream = [*around, Wire(layer.leave, number)]
        elif isinstance(layer, Current):
            stream = [Wire(layer, number)]
        elif isinstance(layer, Spiking):
            yield layer, stream if relayed(layer) else [Wire(layer, number)]
            number += 1
        elif isinstance(layer, Output):
            yield layer, [Wire(layer, number)]


def relayed(layer: Spiking) -> bool:
    """Whether the population listens to a stream."""
    return isinstance(layer.synapse, nn.Identity | Relay)


def wires(network: SpikingNetwork) -> list[Wire]:
    """All synapses, each once."""
    return list(dict.fromkeys(wire for _, reaching in wiring(network) for wire in reaching))


def populations(network: SpikingNetwork) -> list[Spiking]:
    """Its layers of neurons, from input to output."""
    return list(spiking(network).values())


def shape_(network: SpikingNetwork, max_pool: str) -> None:
    """Put biases in the place of norms, and the chosen gate in the place of max-pools."""
    for wire in wires(network):
        fold_(wire.layer.synapse)
        if isinstance(wire.layer, Spiking | Current):
            wire.layer.norm = nn.Identity()
    for layer, reaching in list(wiring(network)):
        if isinstance(layer, Spiking) and relayed(layer):
            bias = reaching[0].layer.synapse.bias
            assert isinstance(bias, Tensor)
            layer.synapse = Relay(bias.detach())
    for name, module in network.layers.named_children():
        if isinstance(module, MaxPool) and max_pool != "any":
            setattr(network.layers, name, Gate() if max_pool == "gate" else Count())


def compete_(network: SpikingNetwork, clock: float) -> None:
    """Let the classes compete for each tick of a clock, in place of the readout."""
    name, last = list(network.layers.named_children())[-1]
    assert isinstance(last, Readout | Potential)
    setattr(network.layers, name, WinnerTakesAll(last.synapse, clock))


def convert(network: SpikingNetwork, scales: list[float]) -> None:
    r"""Give the network its teacher's weights, so that rate 1 is an activation of `scales`.

    .. math:: \hat W_l = \theta W_l \lambda_{l-1} / \lambda_l, \qquad
              \hat b_l = \theta b_l / \lambda_l

    Rueckauer et al. 2017, section 2.2, for a threshold :math:`\theta = 1`. The readout gets
    :math:`W \lambda_{l-1}` and :math:`b`: its mean current estimates the teacher's output. So do
    the currents of a stream, and the relay of a population multiplies by
    :math:`\theta / \lambda_l`.
    """
    send(network, INPUT, scales)
    for number in range(len(scales)):
        receive(network, number, scales)
        send(network, number, scales)


def receive(network: SpikingNetwork, number: int, scales: Sequence[float]) -> None:
    """Set the synapses of one population, or its relay, by its scale and those before."""
    layer, taught = (populations(x)[number] for x in (network, teacher(network)))
    factor = threshold(layer) / scales[number]
    if isinstance(layer.synapse, Relay):
        layer.synapse.weight.fill_(factor)
        layer.synapse.bias.zero_()
        return
    before = next(wire.before for wire in wires(network) if wire.layer is layer)
    weight, bias = folded(taught.synapse, taught.norm)
    put(layer.synapse, weight * (scale(before, scales) * factor), bias * factor)


def send(network: SpikingNetwork, number: int, scales: Sequence[float]) -> None:
    """Set the synapses by which one population's spikes become currents of a stream or outputs."""
    for wire, taught in zip(wires(network), wires(teacher(network)), strict=True):
        if wire.before == number and not isinstance(wire.layer, Spiking):
            weight, bias = weights(taught.layer)
            put(wire.layer.synapse, weight * scale(number, scales), bias)


def scale(number: int, scales: Sequence[float]) -> float:
    return 1.0 if number == INPUT else scales[number]


def weights(layer: Spiking | Current | Output) -> tuple[Tensor, Tensor]:
    """Weight and bias of a layer, its norm folded in."""
    norm = layer.norm if isinstance(layer, Spiking | Current) else nn.Identity()
    return folded(layer.synapse, norm)


def threshold(layer: Spiking) -> float:
    assert isinstance(layer.neuron, Firing)
    return layer.neuron.v_threshold


def teacher(network: SpikingNetwork) -> SpikingNetwork:
    assert network.teacher is not None
    return network.teacher
