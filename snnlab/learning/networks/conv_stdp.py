"""Convolutions whose neurons fire at most once, for layerwise plasticity, and a choice."""

from collections import OrderedDict
from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator
from torch import nn

from snnlab.learning.layers import Flatten
from snnlab.learning.network import Network
from snnlab.learning.neuron import Neuron
from snnlab.learning.stdp.once import Choice, Contrast, FireOnce, FirstPool


class ConvSTDP(Network):
    """Contrasts, then convolutions with earliest-spike pooling, then neurons that choose a class.

    Each neuron fires at most once for an image. The neuron must be of kind "if"; of its fields
    only v_threshold counts, as the unit of `thresholds`. The image must stand still (encoder
    "direct"): the network codes contrasts by order itself. Weights start normal, 0.8 +- 0.05.
    Source: Kheradpisheh et al. 2018, arXiv:1611.01421; Mozafari et al. 2019, arXiv:1804.00227
    (neurons that choose). Deviations: filters of contrast have one scale; there is no padding; the
    neurons that choose see the whole image, not a window of it.
    """

    learning: ClassVar[str] = "reward"

    kind: Literal["conv-stdp"] = "conv-stdp"
    norm: Literal["none"] = Field("none", description="batch-norm: there is none")
    readout: Literal["current"] = Field("current", description="output: growth of the potentials")
    contrast: float = Field(
        0.3,
        ge=0,
        le=100,
        description="contrast, in standard deviations of the pixels, that makes a spike",
    )
    maps: tuple[Annotated[int, Field(ge=1, le=10_000)], ...] = Field(
        (32, 100), min_length=1, max_length=4, description="number of maps in each convolution"
    )
    kernels: tuple[Annotated[int, Field(ge=1, le=31)], ...] = Field(
        (5, 5),
        min_length=1,
        max_length=4,
        description="width of each convolution",
        json_schema_extra={"unit": "pixels"},
    )
    pools: tuple[Annotated[int, Field(ge=1, le=31)], ...] = Field(
        (2, 2),
        min_length=1,
        max_length=4,
        description="width of the squares that each convolution is pooled over",
        json_schema_extra={"unit": "pixels"},
    )
    thresholds: tuple[Annotated[float, Field(gt=0, le=1e6)], ...] = Field(
        (10.0, 7.0),
        min_length=1,
        max_length=4,
        description="threshold of the neurons of each convolution",
        json_schema_extra={"unit": "v_threshold"},
    )
    per_class: int = Field(
        20, ge=1, le=10_000, description="number of neurons that choose the same class"
    )

    @model_validator(mode="after")
    def has_a_value_for_each_convolution(self) -> "ConvSTDP":
        for name in ("kernels", "pools", "thresholds"):
            if len(getattr(self, name)) != len(self.maps):
                raise ValueError(
                    f"{name} must have as many entries as maps, {len(self.maps)}, "
                    f"got {len(getattr(self, name))}"
                )
        return self

    def layers(
        self, shape: tuple[int, int, int], classes: int, neuron: Neuron
    ) -> "OrderedDict[str, nn.Module]":
        unit = threshold_of(neuron)
        inputs, height, width = shape
        layers: OrderedDict[str, nn.Module] = OrderedDict(contrast=Contrast(inputs, self.contrast))
        inputs, last = 2 * inputs, len(self.maps)
        values = zip(self.maps, self.kernels, self.pools, self.thresholds, strict=True)
        for number, (maps, kernel, pool, threshold) in enumerate(values, 1):
            layers[f"conv{number}"] = FireOnce(
                inputs, maps, kernel, threshold, unit, inhibition=number < last
            )
            layers[f"pool{number}"] = FirstPool(pool)
            inputs = maps
            height, width = ((size - kernel + 1) // pool for size in (height, width))
            if min(height, width) < 1:
                raise ValueError(
                    f"network.kernels: convolution {number} and its pooling leave nothing of an "
                    f"image of {shape[1]} x {shape[2]} pixels. Make kernels or pools smaller"
                )
        layers["flatten"] = Flatten()
        layers["output"] = Choice(inputs * height * width, classes, self.per_class)
        return layers


def threshold_of(neuron: Neuron) -> float:
    """The threshold. Raises ValueError for a neuron with a leak, or one that is not spiking."""
    values = neuron.model_dump()
    if values["kind"] != "if":
        raise ValueError(f"network.kind 'conv-stdp' needs neuron.kind 'if', got {values['kind']!r}")
    return float(values["v_threshold"])
