"""The interface of an architecture, and the spiking network that it builds."""

from abc import abstractmethod
from collections import OrderedDict
from functools import lru_cache
from typing import ClassVar, Literal

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor, nn

from snnlab.learning.layers import FirstSpike, Potential, Readout, Spiking
from snnlab.learning.neuron import Firing, Neuron
from snnlab.learning.norms import Norm, PerStep, norm
from snnlab.learning.part import Part
from snnlab.learning.passes import through


MAX_PARAMETERS = 200_000_000


class SpikingNetwork(nn.Module):
    """Layers of neurons in a row, each computed for all time steps before the next."""

    def __init__(self, layers: "OrderedDict[str, nn.Module]") -> None:
        super().__init__()
        self.layers = nn.Sequential(layers)
        self.teacher: SpikingNetwork | None = None
        self.recompute = False  # potentials, instead of storing those of all layers
        self.precision = "float32"  # of linear layers and convolutions

    def forward(
        self, x: Float[Tensor, "time batch *pixels"]
    ) -> Float[Tensor, "time batch classes"]:
        """The output of each class at every step."""
        half = self.precision == "bfloat16"
        with torch.autocast(x.device.type, torch.bfloat16, enabled=half):
            return through(self.layers, x, recompute=self.recompute)


class Network(Part):
    """An architecture: builds a spiking network for given images, classes and neurons."""

    learning: ClassVar[str] = "gradients"  # a rule trains networks that learn the same way

    norm: Norm = Field(
        "batch",
        description="batch-norm on the input currents: batch shares statistics over time; tdbn "
        "too, and begins scaled by the threshold; bntt has its own for each step; tebn shares "
        "them and scales each step",
    )
    bias: bool = Field(
        default=True,
        description="whether synapses have biases: before a norm, which has its own, none have",
    )
    readout: Literal["current", "potential", "count", "first"] = Field(
        "current",
        description="output that is averaged over time to give the class scores: current, or the "
        "potential that it adds up to; count: spikes of one neuron for each class; first: 1 from "
        "the first spike on, so that the earliest class wins. An analog network has no spikes to "
        "count: there the last two read the current",
    )

    @abstractmethod
    def layers(
        self, shape: tuple[int, int, int], classes: int, neuron: Neuron
    ) -> "OrderedDict[str, nn.Module]":
        """Named layers from images of `shape` (channels, height, width) to `classes`."""

    def build(
        self,
        shape: tuple[int, int, int],
        classes: int,
        neuron: Neuron,
        *,
        time_steps: int = 1,
        seed: int = 0,
    ) -> SpikingNetwork:
        """A network with weights drawn from `seed`, for at most `time_steps` if its norm counts.

        Convolutions lie channels-last in memory: on a CPU that is what oneDNN and pooling are
        fastest with, and the scan takes any layout.
        """
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            network = self.assemble(shape, classes, neuron, time_steps)
            for module in network.modules():
                initialise(module)
        return network.to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]

    def assemble(
        self, shape: tuple[int, int, int], classes: int, neuron: Neuron, time_steps: int
    ) -> SpikingNetwork:
        network = SpikingNetwork(self.layers(shape, classes, neuron))
        for module in network.modules():
            if isinstance(module, PerStep):
                module.grow(time_steps)
            elif isinstance(module, nn.Linear | nn.Conv2d) and not self.bias:
                module.bias = None
        return network

    def outline(
        self, shape: tuple[int, int, int], classes: int, neuron: Neuron, time_steps: int = 1
    ) -> SpikingNetwork:
        """The network without memory for its weights: its layers can be looked at."""
        with torch.device("meta"):
            return self.assemble(shape, classes, neuron, time_steps)

    def parameters(
        self, shape: tuple[int, int, int], classes: int, neuron: Neuron, time_steps: int = 1
    ) -> int:
        """How many weights the network has; nothing is allocated."""
        return counted(self, shape, classes, outline_of(neuron), time_steps)

    def norm_for(self, synapse: nn.Module, neuron: Neuron, start: float = 1.0) -> nn.Module:
        """What normalises the currents of the synapse, to which neurons of that kind listen."""
        threshold = neuron.v_threshold if isinstance(neuron, Firing) else 1.0
        return norm(self.norm, synapse, threshold, start)

    def spiking(self, synapse: nn.Module, neuron: Neuron) -> Spiking:
        return Spiking(synapse, self.norm_for(synapse, neuron), neuron)

    def output(self, synapse: nn.Module, neuron: Neuron) -> nn.Module:
        """The last layer, after a synapse to as many outputs as there are classes."""
        if self.readout == "potential":
            return Potential(synapse)
        if self.readout == "current" or not neuron.spiking:
            return Readout(synapse)
        population = Spiking(synapse, nn.Identity(), neuron)
        return FirstSpike(population) if self.readout == "first" else population


def initialise(module: nn.Module) -> None:
    """He et al. 2015, arXiv:1502.01852: uniform, keeps the variance of half-active inputs."""
    if isinstance(module, nn.Linear | nn.Conv2d) and module.weight.requires_grad:
        nn.init.kaiming_uniform_(module.weight, nonlinearity="relu")
        if module.bias is not None:
            nn.init.zeros_(module.bias)


@lru_cache(1000)
def counted(
    network: Network, shape: tuple[int, int, int], classes: int, neuron: Neuron, time_steps: int
) -> int:
    """The number of weights; kept, since thousands of definitions share a network."""
    outline = network.outline(shape, classes, neuron, time_steps)
    return sum(p.numel() for p in outline.parameters())


def outline_of(neuron: Neuron) -> Neuron:
    """The neuron with its real numbers at their defaults: they change no number of weights."""
    fields = type(neuron).model_fields.items()
    return neuron.model_copy(update={n: f.default for n, f in fields if type(f.default) is float})
