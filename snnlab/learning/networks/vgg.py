"""VGG: stages of 3 x 3 convolutions, each half as wide as the one before, then linear layers.

Depth counts convolutions and linear layers. 11, 13 and 16 are configurations A, B and D of Simonyan
& Zisserman 2014, arXiv:1409.1556, with linear layers of 512 in place of 4096; 9 is the network of
Kim & Panda 2021, arXiv:2010.01729. With strides instead of pooling, 11 and 16 are those of the
official code of Yang et al. 2022, arXiv:2210.04532: the last convolution of each stage but the
first takes every second pixel. The others follow that pattern.
"""

from collections import OrderedDict
from typing import Literal

from pydantic import Field
from torch import nn

from snnlab.learning.layers import AveragePool, Flatten, MaxPool
from snnlab.learning.linear import Linear
from snnlab.learning.network import Network
from snnlab.learning.neuron import Neuron


STAGES = {  # maps and number of the convolutions in each stage
    9: ((64, 2), (128, 2), (256, 3)),
    11: ((64, 1), (128, 1), (256, 2), (512, 2), (512, 2)),
    13: ((64, 2), (128, 2), (256, 2), (512, 2), (512, 2)),
    16: ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)),
}
HIDDEN = {9: (1024,), 11: (512, 512), 13: (512, 512), 16: (512, 512)}


class VGG(Network):
    """Stages of 3 x 3 convolutions, each half as wide as the one before, then linear layers."""

    kind: Literal["vgg"] = "vgg"
    depth: Literal[9, 11, 13, 16] = Field(
        11, description="number of layers with weights: convolutions and linear ones"
    )
    pool: Literal["max", "average", "stride"] = Field(
        "max", description="how a stage halves its maps: 2 x 2 pooling or a convolution's stride"
    )
    width: float = Field(
        1.0, gt=0, le=4, description="factor on the number of maps and neurons of every layer"
    )

    def layers(
        self, shape: tuple[int, int, int], classes: int, neuron: Neuron
    ) -> "OrderedDict[str, nn.Module]":
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        maps, *size = shape
        for stage, (published, convolutions) in enumerate(STAGES[self.depth], 1):
            halves = self.pool != "stride" or stage > 1
            if halves and min(size) < 2:
                raise ValueError(
                    f"network.depth: VGG-{self.depth} halves an image of {shape[1]} x {shape[2]} "
                    f"pixels to nothing in stage {stage}. Choose a smaller depth, or pool 'stride'"
                )
            wide = self.scaled(published)
            for number in range(1, convolutions + 1):
                stride = 2 if self.pool == "stride" and halves and number == convolutions else 1
                synapse = nn.Conv2d(maps, wide, 3, stride, padding=1, bias=self.norm == "none")
                layers[f"conv{stage}_{number}"] = self.spiking(synapse, neuron)
                maps = wide
            if self.pool != "stride":
                layers[f"pool{stage}"] = MaxPool() if self.pool == "max" else AveragePool()
            if halves:
                size = [(pixels + (self.pool == "stride")) // 2 for pixels in size]
        layers["flatten"] = Flatten()
        return layers | self.head(maps * size[0] * size[1], classes, neuron)

    def head(self, features: int, classes: int, neuron: Neuron) -> "OrderedDict[str, nn.Module]":
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        for number, published in enumerate(HIDDEN[self.depth], 1):
            synapse = Linear(features, self.scaled(published), bias=self.norm == "none")
            layers[f"fc{number}"] = self.spiking(synapse, neuron)
            features = self.scaled(published)
        layers["output"] = self.output(Linear(features, classes), neuron)
        return layers

    def scaled(self, published: int) -> int:
        return max(1, round(self.width * published))
