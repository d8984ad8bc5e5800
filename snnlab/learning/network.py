"""The interface of an architecture, and the spiking network that it builds."""

from abc import abstractmethod
from collections import OrderedDict
from typing import Literal

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor, nn

from snnlab.learning.layers import Potential, Readout, Spiking
from snnlab.learning.neuron import Neuron
from snnlab.learning.part import Part


MAX_PARAMETERS = 200_000_000


class SpikingNetwork(nn.Module):
    """Layers of neurons in a row, each computed for all time steps before the next."""

    def __init__(self, layers: "OrderedDict[str, nn.Module]") -> None:
        super().__init__()
        self.layers = nn.Sequential(layers)
        self.teacher: SpikingNetwork | None = None

    def forward(
        self, x: Float[Tensor, "time batch *pixels"]
    ) -> Float[Tensor, "time batch classes"]:
        """The output of each class at every step."""
        logits: Tensor = self.layers(x)
        return logits


class Network(Part):
    """An architecture: builds a spiking network for given images, classes and neurons."""

    norm: Literal["none", "batch"] = Field(
        "batch",
        description="batch-norm on the input currents, its statistics shared over time: "
        "Ledinauskas et al. 2020, arXiv:2006.04436",
    )
    readout: Literal["current", "potential"] = Field(
        "current", description="output that is averaged over time to give the class scores"
    )

    @abstractmethod
    def layers(
        self, shape: tuple[int, int, int], classes: int, neuron: Neuron
    ) -> "OrderedDict[str, nn.Module]":
        """Named layers from images of `shape` (channels, height, width) to `classes`."""

    def build(
        self, shape: tuple[int, int, int], classes: int, neuron: Neuron, *, seed: int = 0
    ) -> SpikingNetwork:
        """A network with weights drawn from `seed`.

        Convolutions lie channels-last in memory: on a CPU that is what oneDNN and pooling are
        fastest with, and the scan takes any layout.
        """
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            network = SpikingNetwork(self.layers(shape, classes, neuron))
            for module in network.modules():
                initialise(module)
        return network.to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]

    def parameters(self, shape: tuple[int, int, int], classes: int, neuron: Neuron) -> int:
        """How many weights the network has; nothing is allocated."""
        with torch.device("meta"):
            layers = self.layers(shape, classes, neuron)
        return sum(p.numel() for layer in layers.values() for p in layer.parameters())

    def norm_for(self, synapse: nn.Module) -> nn.Module:
        if self.norm == "none":
            return nn.Identity()
        if isinstance(synapse, nn.Conv2d):
            return nn.BatchNorm2d(synapse.out_channels)
        assert isinstance(synapse, nn.Linear)
        return nn.BatchNorm1d(synapse.out_features)

    def spiking(self, synapse: nn.Module, neuron: Neuron) -> Spiking:
        return Spiking(synapse, self.norm_for(synapse), neuron)

    def output(self, synapse: nn.Module) -> nn.Module:
        return Readout(synapse) if self.readout == "current" else Potential(synapse)


def initialise(module: nn.Module) -> None:
    """He et al. 2015, arXiv:1502.01852: uniform, keeps the variance of half-active inputs."""
    if isinstance(module, nn.Linear | nn.Conv2d):
        nn.init.kaiming_uniform_(module.weight, nonlinearity="relu")
        if module.bias is not None:
            nn.init.zeros_(module.bias)
