"""Convolutions, each followed by pooling, and a linear readout: the LeNet of spiking networks."""

from collections import OrderedDict
from typing import Annotated, Literal

from pydantic import Field
from torch import nn

from snnlab.learning.layers import AveragePool, Flatten, MaxPool
from snnlab.learning.linear import Linear
from snnlab.learning.network import Network
from snnlab.learning.neuron import Neuron


class ConvNet(Network):
    """Convolution, spikes, 2 x 2 pooling, again and again; 12C5-P2-64C5-P2-10 by default."""

    kind: Literal["convnet"] = "convnet"
    channels: tuple[Annotated[int, Field(ge=1, le=10_000)], ...] = Field(
        (12, 64), min_length=1, max_length=8, description="number of maps in each convolution"
    )
    kernel: Literal[3, 5, 7] = Field(
        5, description="width of each convolution", json_schema_extra={"unit": "pixels"}
    )
    pool: Literal["max", "average"] = Field("max", description="how 2 x 2 spikes become one value")

    def layers(
        self, shape: tuple[int, int, int], classes: int, neuron: Neuron
    ) -> "OrderedDict[str, nn.Module]":
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        maps, height, width = shape
        for number, out in enumerate(self.channels, 1):
            if min(height, width) < 2:
                raise ValueError(
                    f"network.channels: {number} convolutions halve an image of "
                    f"{shape[1]} x {shape[2]} pixels to nothing. Give fewer entries"
                )
            synapse = nn.Conv2d(
                maps, out, self.kernel, padding=self.kernel // 2, bias=self.norm == "none"
            )
            layers[f"conv{number}"] = self.spiking(synapse, neuron)
            layers[f"pool{number}"] = MaxPool() if self.pool == "max" else AveragePool()
            maps, height, width = out, height // 2, width // 2
        layers["flatten"] = Flatten()
        layers["output"] = self.output(Linear(maps * height * width, classes), neuron)
        return layers
