"""Residual network whose shortcuts carry currents, so that they keep the identity.

A block adds to its input current what two or three convolutions make of the spikes that this
current causes: x + N(W s(N(W s(x)))), N the norm and s the neurons. There is no neuron on the way
of the shortcut, so a block whose last norm is 0 is the identity; and every convolution but the
first receives spikes, so it only accumulates. Adding spikes instead (SEW, arXiv:2102.04159) keeps
the identity too, but sends numbers above 1 to the next convolution.
Source: Hu et al. 2021, arXiv:2112.08954 (MS-ResNet); the same order of layers makes the analog
network that of He et al. 2016, arXiv:1603.05027. Deviation: where a block changes shape, its 1 x 1
projection takes the spikes of the block's first neurons, not its current, so it accumulates too.

Shapes: 18, 34 and 50 (He et al. 2015, arXiv:1512.03385) have four stages of 64 to 512 maps; 20 is
their three-stage network for CIFAR-10, but with projections; 19 is that of Zheng et al. 2021,
arXiv:2011.05280. All begin with one 3 x 3 convolution at full resolution, for small images.
"""

from collections import OrderedDict
from typing import Literal, NamedTuple

from pydantic import Field
from torch import nn

from snnlab.learning.layers import Block, Current, GlobalAverage, Spiking
from snnlab.learning.linear import Linear
from snnlab.learning.network import Network
from snnlab.learning.neuron import Neuron


class Shape(NamedTuple):
    """Number of blocks in each stage, maps in its 3 x 3 convolutions, and what makes a block."""

    blocks: tuple[int, ...]
    maps: tuple[int, ...]
    bottleneck: bool = False
    hidden: int = 0


SHAPES = {
    18: Shape((2, 2, 2, 2), (64, 128, 256, 512)),
    19: Shape((3, 3, 2), (128, 256, 512), hidden=256),
    20: Shape((3, 3, 3), (16, 32, 64)),
    34: Shape((3, 4, 6, 3), (64, 128, 256, 512)),
    50: Shape((3, 4, 6, 3), (64, 128, 256, 512), bottleneck=True),
}


class ResNet(Network):
    """Residual network whose shortcuts carry currents, so that they keep the identity."""

    kind: Literal["resnet"] = "resnet"
    depth: Literal[18, 19, 20, 34, 50] = Field(
        18, description="number of layers with weights, projections not counted"
    )
    width: float = Field(
        1.0, gt=0, le=4, description="factor on the number of maps and neurons of every layer"
    )
    zero_start: bool = Field(
        default=True,
        description="whether the last norm of each block begins at 0, so the block as identity",
    )

    def layers(
        self, shape: tuple[int, int, int], classes: int, neuron: Neuron
    ) -> "OrderedDict[str, nn.Module]":
        form = SHAPES[self.depth]
        halvings = len(form.blocks) - 1
        if min(shape[1:]) < 2**halvings:
            raise ValueError(
                f"network.depth: ResNet-{self.depth} halves an image of {shape[1]} x {shape[2]} "
                f"pixels {halvings} times. Choose larger images"
            )
        maps = self.scaled(form.maps[0])
        layers: OrderedDict[str, nn.Module] = OrderedDict(
            stem=self.current(self.convolution(shape[0], maps), neuron)
        )
        for stage, (count, published) in enumerate(zip(form.blocks, form.maps, strict=True), 1):
            inside = self.scaled(published)
            outside = 4 * inside if form.bottleneck else inside
            for number in range(1, count + 1):
                stride = 2 if stage > 1 and number == 1 else 1
                layers[f"block{stage}_{number}"] = self.block(maps, inside, outside, stride, neuron)
                maps = outside
        layers["last"] = Spiking(nn.Identity(), nn.Identity(), neuron)
        layers["average"] = GlobalAverage()
        if form.hidden:
            hidden = self.scaled(form.hidden)
            layers["fc"] = self.spiking(Linear(maps, hidden, bias=self.norm == "none"), neuron)
            maps = hidden
        layers["output"] = self.output(Linear(maps, classes), neuron)
        return layers

    def block(self, before: int, inside: int, after: int, stride: int, neuron: Neuron) -> Block:
        """Two 3 x 3 convolutions; or 1 x 1, 3 x 3, 1 x 1, where there are more maps after them."""
        if after == inside:
            inner = [self.convolution(before, inside, stride)]
            leave = self.convolution(inside, after)
        else:
            inner = [
                self.convolution(before, inside, kernel=1),
                self.convolution(inside, inside, stride),
            ]
            leave = self.convolution(inside, after, kernel=1)
        project = None
        if before != after or stride > 1:
            project = self.current(self.convolution(before, after, stride, kernel=1), neuron)
        return Block(
            Spiking(nn.Identity(), nn.Identity(), neuron),
            nn.Sequential(*(self.spiking(convolution, neuron) for convolution in inner)),
            self.current(leave, neuron, start=0.0 if self.zero_start else 1.0),
            project,
        )

    def convolution(self, before: int, after: int, stride: int = 1, kernel: int = 3) -> nn.Conv2d:
        bias = self.norm == "none"
        return nn.Conv2d(before, after, kernel, stride, padding=kernel // 2, bias=bias)

    def current(self, synapse: nn.Conv2d, neuron: Neuron, start: float = 1.0) -> Current:
        return Current(synapse, self.norm_for(synapse, neuron, start))

    def scaled(self, published: int) -> int:
        return max(1, round(self.width * published))
