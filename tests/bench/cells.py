"""What is measured: four networks in which one neuron, the same in all libraries, is all there is.

Hard reset to 0, detached: the one mode that all of them have.
"""

import math
from collections import OrderedDict
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn

from snnlab.learning.layers import Flatten, MaxPool, Readout, Spiking
from snnlab.learning.linear import Linear
from snnlab.learning.network import SpikingNetwork, initialise
from snnlab.learning.neurons.lif import LIF


DECAY = 0.95
NEURON = LIF(
    tau=-1 / math.log(DECAY),
    reset="hard",
    surrogate="arctan",
    surrogate_width=1 / math.pi,
    surrogate_height=1.0,
)
VGG11 = (64, "P", 128, "P", 256, 256, "P", 512, 512, "P", 512, 512, "P")


class Cell(NamedTuple):
    title: str
    build: Callable[[], list[nn.Module]]
    steps: int
    batch: int
    shape: tuple[int, ...]
    classes: int
    rate: float  # of input spikes; 0 for an image that stands still
    aim: float  # times as fast as SpikingJelly

    def network(self) -> SpikingNetwork:
        torch.manual_seed(0)
        layers = OrderedDict((f"layer{i}", layer) for i, layer in enumerate(self.build()))
        network = SpikingNetwork(layers).to(memory_format=torch.channels_last)
        for module in network.modules():
            initialise(module)
        return calibrated(network, self.data()[0][:, :8])

    def data(self) -> tuple[Tensor, Tensor]:
        generator = torch.Generator().manual_seed(1)
        size = (self.steps if self.rate else 1, self.batch, *self.shape)
        x = torch.rand(size, generator=generator)
        x = (x < self.rate).float() if self.rate else x.expand(self.steps, *size[1:])
        return x, torch.randint(0, self.classes, (self.batch,), generator=generator)


@torch.no_grad()
def calibrated(network: SpikingNetwork, x: Tensor) -> SpikingNetwork:
    """The same with running statistics that let it fire."""
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    for norm in norms:
        norm.momentum = 1.0
    if norms:
        network(x)
    for norm in norms:
        norm.momentum = 0.1
    return network


def spiking(synapse: nn.Module, norm: nn.Module | None = None) -> Spiking:
    return Spiking(synapse, norm or nn.Identity(), NEURON)


def mlp() -> list[nn.Module]:
    return [spiking(Linear(784, 1000)), spiking(Linear(1000, 10))]


def convolutions() -> list[nn.Module]:
    first, second = nn.Conv2d(1, 12, 5), nn.Conv2d(12, 64, 5)
    last = spiking(Linear(1024, 10))
    return [spiking(first), MaxPool(), spiking(second), MaxPool(), Flatten(), last]


def vgg() -> list[nn.Module]:
    layers: list[nn.Module] = []
    maps = 3
    for entry in VGG11:
        if isinstance(entry, str):
            layers.append(MaxPool())
        else:
            synapse = nn.Conv2d(maps, entry, 3, padding=1)
            layers.append(spiking(synapse, nn.BatchNorm2d(entry)))
            maps = entry
    return [*layers, Flatten(), Readout(Linear(512, 10))]


def one_layer() -> list[nn.Module]:
    return [spiking(Linear(512, 512))]


CELLS = {
    "a": Cell("MLP 784-1000-10, T = 25, batch 128", mlp, 25, 128, (784,), 10, 0.25, 6.0),
    "s": Cell("the same, a static image", mlp, 25, 128, (784,), 10, 0.0, 6.0),
    "b": Cell(
        "12C5-P2-64C5-P2-10, T = 10, batch 128", convolutions, 10, 128, (1, 28, 28), 10, 0.25, 2.0
    ),
    "c": Cell("VGG-11 with BN, 32 x 32, T = 8, batch 32", vgg, 8, 32, (3, 32, 32), 10, 0.25, 1.3),
    "d": Cell("512-512, T = 500, batch 16", one_layer, 500, 16, (512,), 512, 0.05, 4.0),
}
