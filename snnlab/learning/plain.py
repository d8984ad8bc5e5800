"""A trained network as a chip is given it: plain weights and neurons, see `hardware.network`."""

from dataclasses import replace
from functools import lru_cache
from typing import Literal

import torch
from torch import nn

from hardware.network import Dynamics, Layer
from hardware.network import Network as Plain
from snnlab.learning.conversion.folding import affine, folded
from snnlab.learning.errors import TrainingError
from snnlab.learning.layers import AveragePool, Flatten, MaxPool, Readout, Spiking
from snnlab.learning.network import Network, SpikingNetwork
from snnlab.learning.neuron import IntegrateAndFire, Neuron


STEP = 1e-3  # seconds, for neurons that have no time constant
MILLI = 1e-3
POOLS: dict[type[nn.Module], Literal["max", "average"]] = {MaxPool: "max", AveragePool: "average"}


@lru_cache(1000)
def refusal(
    network: Network, shape: tuple[int, int, int], classes: int, neuron: Neuron, steps: int
) -> str:
    """Why no chip of ours takes such a network, as far as its layers tell; nothing is allocated."""
    outline = network.outline(shape, classes, neuron, steps)
    try:
        for name, module in outline.layers.named_children():
            if isinstance(module, Spiking | Readout):
                known(name, module)
            elif type(module) not in POOLS and not isinstance(module, Flatten):
                raise strange(name, module)
    except TrainingError as error:
        return str(error)
    return ""


def known(name: str, module: Spiking | Readout) -> nn.Linear | nn.Conv2d:
    """The synapse of a layer whose neurons, norm and synapse a chip can have."""
    if not isinstance(module.synapse, nn.Linear | nn.Conv2d):
        raise TrainingError(f"network: layer {name} has no synapses of its own. Choose an mlp")
    if isinstance(module, Spiking):
        simple(name, module.neuron)
        if not isinstance(module.norm, nn.Identity):
            try:
                affine(module.norm)
            except TrainingError as error:
                raise TrainingError(f"network.norm of layer {name}: {error}") from error
    return module.synapse


def strange(name: str, module: nn.Module) -> TrainingError:
    return TrainingError(
        f"network: layer {name} ({type(module).__name__}) cannot be put onto a chip. "
        "Choose an mlp, convnet or vgg whose network.readout is current or count"
    )


@torch.no_grad()
def plain(network: SpikingNetwork, shape: tuple[int, int, int]) -> Plain:
    """The layers of a network for images of `shape`, batch-norm folded into weights and biases.

    Raises TrainingError for layers and neurons that no chip of ours has.
    """
    layers: list[Layer] = []
    given: tuple[int, ...] = shape
    for name, module in network.layers.named_children():
        if isinstance(module, Spiking | Readout):
            layers.append(layer(name, module, given))
        elif type(module) in POOLS and layers:
            layers[-1] = replace(layers[-1], pool=POOLS[type(module)])
        elif not isinstance(module, Flatten):
            raise strange(name, module)
        given = layers[-1].shape_pooled if layers else given
    return Plain(tuple(layers), dt=step_of(network))


def layer(name: str, module: Spiking | Readout, given: tuple[int, ...]) -> Layer:
    synapse = known(name, module)
    norm = module.norm if isinstance(module, Spiking) else nn.Identity()
    weight, bias = (x.to(synapse.weight) for x in folded(synapse, norm))
    silent = synapse.bias is None and isinstance(norm, nn.Identity)
    stride, padding = geometry(synapse)
    made = Layer(
        name=name,
        weight=weight,
        bias=None if silent else bias,
        shape_in=given if weight.dim() == 4 else (weight.shape[1],),
        stride=stride,
        padding=padding,
    )
    if isinstance(module, Readout):
        return made
    return replace(made, dynamics=dynamics(simple(name, module.neuron)))


def geometry(synapse: nn.Linear | nn.Conv2d) -> tuple[int, int]:
    if isinstance(synapse, nn.Linear):
        return 1, 0
    return int(synapse.stride[0]), int(synapse.padding[0])


def simple(name: str, neuron: Neuron) -> IntegrateAndFire:
    if not isinstance(neuron, IntegrateAndFire):
        raise TrainingError(
            f"neuron: {type(neuron).__name__} of layer {name} has a state that no chip of ours "
            "has. Choose if, lif or plif"
        )
    return neuron


def dynamics(neuron: IntegrateAndFire) -> Dynamics:
    return Dynamics(
        alpha=float(neuron.alpha),
        v_threshold=float(neuron.v_threshold),
        reset=neuron.reset,
        v_reset=neuron.v_reset,
        v_initial=neuron.v_initial,
        gain=float(neuron.gain),
        refractory=neuron.refractory,
    )


def step_of(network: SpikingNetwork) -> float:
    """Seconds of a step, as the neurons' time constants have it."""
    neurons = (m.neuron for m in network.modules() if isinstance(m, Spiking))
    return next((MILLI * n.dt for n in neurons if hasattr(n, "dt")), STEP)
