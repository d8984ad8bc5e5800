r"""Conversion: an analog network is trained, and a spiking one of the same shape gets its weights.

.. math:: r(T) = \frac{1}{T} \sum_t s_t = \frac{a}{\lambda} - \frac{v(T) - v(0)}{T \theta}
   \qquad \text{while } 0 \le a \le \lambda

The rate of a neuron that keeps all its charge is the activation :math:`a` of its teacher, on a
scale :math:`\lambda` of its layer, but for what is left in the potential; see
`snnlab.learning.conversion` for how scales are chosen and weights are set. Rueckauer et al. 2017,
doi:10.3389/fnins.2017.00682, section 2.1 (soft reset; a hard reset loses what exceeds the
threshold).
"""

from collections.abc import Iterator
from typing import ClassVar, Literal

import torch
from jaxtyping import Float, Int64
from pydantic import Field
from torch import Tensor

from snnlab.learning.conversion.activations import Activations
from snnlab.learning.conversion.calibrate import Method, calibrate, charge_
from snnlab.learning.conversion.chain import (
    compete_,
    convert,
    populations,
    shape_,
    strange,
)
from snnlab.learning.conversion.normalise import image, measure, measure_spiking, scales
from snnlab.learning.definition import D, Definition
from snnlab.learning.encoders import Direct, Poisson
from snnlab.learning.network import SpikingNetwork
from snnlab.learning.neuron import IntegrateAndFire, Neuron
from snnlab.learning.rule import Rule


NO_CEILING = 1e6
FOLDABLE = ("none", "batch", "tdbn")
READABLE = ("current", "potential")


class Conversion(Rule):
    """Trains an analog teacher, measures its activations and gives its weights, scaled, to spikes.

    The optimizer, schedule, batch size and network are the teacher's; an epoch is a measurement of
    activations and a conversion, so one is enough.
    """

    source: ClassVar[str] = "Rueckauer et al. 2017, doi:10.3389/fnins.2017.00682"

    kind: Literal["conversion"] = "conversion"
    normalisation: Literal["percentile", "data", "model", "spike", "ceiling"] = Field(
        "percentile",
        description="what becomes the highest rate of a layer: a percentile of its activations "
        "(Rueckauer et al. 2017), data (the largest activation or weight) or model (the largest "
        "activation that the weights allow; both Diehl et al. 2015), spike (the largest current "
        "that spikes cause: Sengupta et al. 2019), or the teacher's ceiling (Bu et al. 2022)",
    )
    percentile: float = Field(
        99.9,
        gt=0,
        le=100,
        description="percentile of the positive activations, for that normalisation",
    )
    images: int = Field(
        10_000, ge=1, le=10_000_000, description="number of training images to measure at least"
    )
    max_pool: Literal["gate", "count", "any"] = Field(
        "gate",
        description="what max-pooling passes on: gate only the input that fired most so far "
        "(Rueckauer et al. 2017), count a spike whenever the largest count grows, any every spike",
    )
    bias: bool = Field(
        default=True,
        description="whether the teacher has biases, which become constant currents; Diehl et al. "
        "2015 trained without",
    )
    calibration: Method = Field(
        "none",
        description="what is corrected, layer by layer, until the mean outputs after time_steps "
        "are the teacher's: nothing, biases or initial potentials (Li et al. 2021)",
    )
    activation: Literal["relu", "qcfs"] = Field(
        "relu",
        description="the teacher's neurons: relu, or qcfs (quantised, with a trained ceiling: Bu "
        "et al. 2022), for few steps; it wants normalisation ceiling and v_initial half of the "
        "threshold",
    )
    levels: int = Field(
        4, ge=1, le=1024, description="number of steps from 0 to the ceiling, for qcfs"
    )
    ceiling: float = Field(
        NO_CEILING,
        gt=0,
        le=1e6,
        description="largest output of a teacher's neuron; where its training begins, for qcfs",
    )
    output: Literal["current", "softmax"] = Field(
        "current",
        description="what is averaged to give the class scores: what network.readout says, or "
        "spikes of a softmax, one class at each tick of a Poisson clock (Rueckauer et al. 2017)",
    )
    clock: float = Field(
        1.0,
        gt=0,
        le=1,
        description="probability of a tick in a step, for softmax",
        json_schema_extra={"unit": "ticks per step"},
    )
    teacher_epochs: int = Field(
        20, ge=1, le=1000, description="number of passes in which the teacher is trained before"
    )

    def check(self, spec: Definition) -> None:
        if not isinstance(spec.encoder, Direct | Poisson):
            raise ValueError(
                "encoder must be direct or poisson for conversion: its teacher sees the mean of "
                f"the input over time, got {type(spec.encoder).__name__}. Choose direct"
            )
        if not keeps_its_charge(spec.neuron):
            raise ValueError(
                "neuron must keep all its charge until it spikes for conversion, or its rate is "
                f"not its input, got {type(spec.neuron).__name__}. Choose if, with v_reset "
                "0, refractory 0 and a threshold that is not trained"
            )
        unknown = strange(
            spec.network.outline(spec.dataset.shape, spec.dataset.classes, spec.neuron)
        )
        if unknown:
            raise ValueError(
                f"network.kind must be made of layers that conversion knows, got "
                f"{', '.join(unknown)}. Choose mlp or convnet"
            )
        if spec.network.readout not in READABLE:
            raise ValueError(
                f"network.readout must be one of {', '.join(READABLE)} for conversion: its last "
                f"layer has no neurons, got {spec.network.readout}. Choose current"
            )
        if spec.network.norm not in FOLDABLE:
            raise ValueError(
                f"network.norm must be one of {', '.join(FOLDABLE)} for conversion, or it cannot "
                f"become part of the weights, got {spec.network.norm}. Choose batch"
            )
        if not self.bias and spec.network.norm != "none":
            raise ValueError(
                f"network.norm must be none if rule.bias is false, for a norm is a bias, too, got "
                f"{spec.network.norm}. Choose none"
            )
        wanted = self.normalisation == "ceiling" or self.activation == "qcfs"
        if wanted and self.ceiling == NO_CEILING:
            raise ValueError(
                f"rule.ceiling must be less than {NO_CEILING:,.0f} for the normalisation ceiling "
                f"and for qcfs, got {self.ceiling:,.0f}. Set it, to 4 for example"
            )

    def teacher(self, spec: D) -> D:
        """The analog network of the same shape, trained by backpropagation."""
        relu = {"kind": "clipped-relu", "ceiling": self.ceiling}
        qcfs = {"kind": "qcfs", "ceiling": self.ceiling, "levels": self.levels}
        definition = spec.model_dump(mode="json") | {
            "neuron": relu if self.activation == "relu" else qcfs,
            "rule": {"kind": "bptt"},
            "time_steps": 1,
            "epochs": self.teacher_epochs,
            "chip": {"kind": "none"},
            "deploy": "off-chip",
        }
        if isinstance(spec.encoder, Poisson):
            definition["encoder"]["mean"] = True
        definition["network"]["readout"] = "current"
        definition["network"]["bias"] &= self.bias
        return type(spec).parse(definition)

    def prepare(self, network: SpikingNetwork) -> None:
        shape_(network, self.max_pool)
        if self.output == "softmax":
            compete_(network, self.clock)
        if self.calibration == "potential":
            charge_(network)
        device = next(network.parameters()).device
        network.activations = Activations(len(populations(network))).to(device)

    @torch.no_grad()
    def updates(
        self,
        network: SpikingNetwork,
        inputs: Float[Tensor, "time batch *pixels"],
        labels: Int64[Tensor, " batch"],
    ) -> Iterator[float]:
        """Measure; there is no loss."""
        seen = activations(network)
        if seen.images >= self.images:
            return
        seen.inputs = inputs if seen.inputs is None else seen.inputs
        measure(network, image(inputs), seen)
        if self.normalisation == "spike":
            measure_spiking(network, inputs, seen)
        yield from ()

    def settle(self, network: SpikingNetwork) -> None:
        """Convert, and measure anew in the next epoch if there is one."""
        seen = activations(network)
        found = scales(network, seen, self.normalisation, self.percentile)
        convert(network, found)
        if self.calibration != "none":
            assert seen.inputs is not None
            calibrate(network, seen.inputs, found, self.calibration)
        seen.restart()


def keeps_its_charge(neuron: Neuron) -> bool:
    return (
        isinstance(neuron, IntegrateAndFire)
        and bool(neuron.alpha == neuron.gain == 1)
        and not neuron.refractory
        and not neuron.free()
        and (neuron.reset == "soft" or neuron.v_reset == 0)
    )


def activations(network: SpikingNetwork) -> Activations:
    seen = network.activations
    assert isinstance(seen, Activations)
    return seen
