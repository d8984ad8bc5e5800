"""Which input reaches which neuron through which weight. Numbers count the flattened shapes."""

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor
from torch.nn.functional import unfold

from hardware.network import Layer


@dataclass(frozen=True, eq=False)
class Wiring:
    """The synapses of a layer, one by one; a weight of a kernel belongs to many."""

    layer: Layer

    @cached_property
    def field(self) -> Tensor:
        """The inputs (fan-in, positions) of a neuron at each position; -1 is padding."""
        layer, size = self.layer, self.layer.weight[0].numel()
        if not layer.convolves:
            return torch.arange(size)[:, None]
        count = torch.arange(1, 1 + torch.Size(layer.shape_in).numel(), dtype=torch.float64)
        image = count.view(1, *layer.shape_in)
        found = unfold(image, layer.weight.shape[2:], 1, layer.padding, layer.stride)
        return found[0].long() - 1

    @property
    def order(self) -> Tensor:
        """All neurons, those of one position side by side: they share their inputs."""
        return torch.arange(self.layer.neurons).view(len(self.layer.weight), -1).t().flatten()

    def positions(self, neurons: Tensor) -> Tensor:
        return neurons % self.field.shape[1]

    def axons(self, neurons: Tensor) -> Tensor:
        """The different inputs of some neurons."""
        reached = torch.zeros(1 + torch.Size(self.layer.shape_in).numel(), dtype=torch.bool)
        reached[self.field[:, self.positions(neurons).unique()] + 1] = True
        return reached[1:].nonzero()[:, 0]

    def count(self, neurons: Tensor) -> int:
        """How many synapses some neurons have."""
        if not self.layer.convolves:
            return len(neurons) * len(self.field)
        return int((self.field >= 0).sum(0)[self.positions(neurons)].sum())

    def synapses(self, neurons: Tensor) -> Tensor:
        """(neuron, input, place in the flattened weight) of each synapse: (3, synapses)."""
        inputs = self.field[:, self.positions(neurons)].t()
        fan_in = inputs.shape[1]
        map_ = neurons // self.field.shape[1]
        weight = map_[:, None] * fan_in + torch.arange(fan_in)
        there = inputs >= 0
        neuron = neurons[:, None].expand_as(inputs)
        return torch.stack([neuron[there], inputs[there], weight[there]])
