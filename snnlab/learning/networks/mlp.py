"""Fully connected feed-forward network of spiking layers."""

from collections import OrderedDict
from itertools import pairwise
from math import prod
from typing import Annotated, Literal

from pydantic import Field
from torch import nn

from snnlab.learning.layers import Flatten
from snnlab.learning.linear import Linear
from snnlab.learning.network import Network
from snnlab.learning.neuron import Neuron


class MLP(Network):
    """Fully connected layers of spiking neurons."""

    kind: Literal["mlp"] = "mlp"
    hidden: tuple[Annotated[int, Field(ge=1, le=1_000_000)], ...] = Field(
        (256,), max_length=100, description="number of neurons in each hidden layer"
    )

    def layers(
        self, shape: tuple[int, int, int], classes: int, neuron: Neuron
    ) -> "OrderedDict[str, nn.Module]":
        layers: OrderedDict[str, nn.Module] = OrderedDict(flatten=Flatten())
        sizes = (prod(shape), *self.hidden)
        for number, (fan_in, fan_out) in enumerate(pairwise(sizes), 1):
            synapse = Linear(fan_in, fan_out, bias=self.norm == "none")
            layers[f"fc{number}"] = self.spiking(synapse, neuron)
        layers["output"] = self.output(Linear(sizes[-1], classes), neuron)
        return layers
