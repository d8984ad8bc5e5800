"""Ways to look into a network while it runs: one stretch of time after another, layer by layer."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from snnlab.learning.definition import Definition
from snnlab.learning.layers import Potential, Shortcut, Spiking, over_time
from snnlab.learning.network import SpikingNetwork
from snnlab.learning.neuron import Firing, State


Sequence = Float[Tensor, "time batch ..."]


def check_steps(spec: Definition) -> None:
    """Raise ValueError for a network that has to see all steps at once."""
    if spec.network.norm in ("bntt", "tebn"):
        raise ValueError(
            "this rule takes time in pieces, and network.norm treats each step in its own way. "
            "Set network.norm to none, batch or tdbn"
        )
    if spec.network.readout == "first":
        raise ValueError(
            "this rule takes time in pieces, and the first spike is known at the end. "
            "Set network.readout to current, potential or count"
        )


def spiking(network: SpikingNetwork) -> dict[str, Spiking]:
    """Every population by its name; a teacher's are not among them."""
    named = network.layers.named_modules()
    return {name: module for name, module in named if isinstance(module, Spiking)}


@contextmanager
def watched(
    network: SpikingNetwork, seen: Callable[[str, Tensor], Tensor | None]
) -> Iterator[None]:
    """Show `seen` the output of each population as it is computed; it may return another one."""
    with hooked(
        layer.register_forward_hook(lambda _, __, output, name=name: seen(name, output))
        for name, layer in spiking(network).items()
    ):
        yield


@contextmanager
def severed(network: SpikingNetwork) -> Iterator[None]:
    """Let no error pass along shortcuts: each current hears of the first population it reaches."""
    with hooked(
        module.register_forward_hook(lambda _, __, current: current.detach())
        for module in network.layers.modules()
        if isinstance(module, Shortcut)
    ):
        yield


@contextmanager
def hooked(hooks: Iterable[RemovableHandle]) -> Iterator[None]:
    """Keep hooks for a while."""
    kept = list(hooks)
    try:
        yield
    finally:
        for hook in kept:
            hook.remove()


@contextmanager
def carried(network: SpikingNetwork) -> Iterator[None]:
    """Let each call of the network go on from where the last one ended, instead of from rest.

    The state is cut off from the graph between two calls, so the past is taken as given and memory
    grows with the length of one call only.
    """
    going: dict[nn.Module, Callable[[Tensor], Tensor]] = {}
    for module in network.layers.modules():
        if isinstance(module, Spiking) and isinstance(module.neuron, Firing):
            going[module] = Population(module)
        elif isinstance(module, Potential):
            going[module] = Sum(module)
    with replaced(going):
        yield


@contextmanager
def replaced(forwards: Mapping[nn.Module, Callable[[Tensor], Tensor]]) -> Iterator[None]:
    """Let these layers compute something else."""
    for module, forward in forwards.items():
        module.forward = forward
    try:
        yield
    finally:
        for module in forwards:
            del module.forward


class Population:
    """The forward of a population that remembers its state."""

    def __init__(self, layer: Spiking) -> None:
        self.layer = layer
        self.state: State | None = None

    def __call__(self, x: Sequence) -> Sequence:
        neuron = self.layer.neuron
        assert isinstance(neuron, Firing)
        current = over_time(lambda s: self.layer.norm(self.layer.synapse(s)), x)
        state = neuron.init(current[0]) if self.state is None else self.state
        spikes = []
        for i in current.unbind():
            s, state = neuron.step(i, state)
            spikes.append(s)
        self.state = {name: value.detach() for name, value in state.items()}
        return torch.stack(spikes)


class Sum:
    """The forward of an output that remembers its potential."""

    def __init__(self, layer: Potential) -> None:
        self.layer = layer
        self.potential: Tensor | None = None

    def __call__(self, x: Sequence) -> Sequence:
        potentials = over_time(self.layer.synapse, x).cumsum(0)
        if self.potential is not None:
            potentials = potentials + self.potential
        self.potential = potentials[-1].detach()
        return potentials
