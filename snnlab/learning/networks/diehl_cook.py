"""The network of Diehl & Cook: inputs, one population that competes, and a vote."""

from collections import OrderedDict
from math import prod
from typing import ClassVar, Literal

from pydantic import Field
from pydantic.config import JsonDict
from torch import nn

from snnlab.learning.layers import Flatten
from snnlab.learning.network import Network
from snnlab.learning.neuron import Neuron
from snnlab.learning.stdp.competition import Circuit, Competition, Votes


MS: JsonDict = {"unit": "ms"}
MV: JsonDict = {"unit": "mV"}


class DiehlCook(Network):
    """One population of leaky neurons with lateral inhibition: it learns without labels.

    Source: Diehl & Cook 2015, doi:10.3389/fncom.2015.00099; the defaults are those of its code, but
    for `inhibition`: there 17, with which several neurons share an image, and learn slower here.
    The neuron must have a leak (kind "lif"); its threshold and reset are in mV above rest (in the
    paper tau = 100 ms, v_threshold = 13, v_reset = 0). Weights start uniform between 0 and 0.3.
    """

    learning: ClassVar[str] = "competition"

    kind: Literal["diehl-cook"] = "diehl-cook"
    norm: Literal["none"] = Field("none", description="batch-norm: there is none")
    readout: Literal["current"] = Field("current", description="output: the votes of the neurons")
    neurons: int = Field(400, ge=1, le=100_000, description="number of neurons")
    inhibition: float = Field(
        100.0,
        ge=0,
        le=1e6,
        description="conductance that a spike opens in all other neurons",
        json_schema_extra={"unit": "leak conductance"},
    )
    theta: float = Field(
        20.0,
        ge=0,
        le=1e6,
        description="adaptive part of the threshold before training; v_threshold holds for it",
        json_schema_extra=MV,
    )
    refractory: float = Field(
        5.0, ge=0, le=1000, description="time after a spike without another", json_schema_extra=MS
    )
    tau_excitatory: float = Field(
        1.0, gt=0, le=1e6, description="decay of the excitatory conductance", json_schema_extra=MS
    )
    tau_inhibitory: float = Field(
        2.0, gt=0, le=1e6, description="decay of the inhibitory conductance", json_schema_extra=MS
    )
    reversal_excitatory: float = Field(
        65.0,
        gt=0,
        le=1e6,
        description="excitatory reversal potential above rest",
        json_schema_extra=MV,
    )
    reversal_inhibitory: float = Field(
        -35.0,
        ge=-1e6,
        le=0,
        description="inhibitory reversal potential above rest",
        json_schema_extra=MV,
    )

    def layers(
        self, shape: tuple[int, int, int], classes: int, neuron: Neuron
    ) -> "OrderedDict[str, nn.Module]":
        layers: OrderedDict[str, nn.Module] = OrderedDict(flatten=Flatten())
        layers["excitatory"] = Competition(prod(shape), self.neurons, self.circuit(neuron))
        layers["output"] = Votes(self.neurons, classes)
        return layers

    def circuit(self, neuron: Neuron) -> Circuit:
        """The constants of the population. Raises ValueError for another neuron than hard LIF."""
        values = neuron.model_dump()
        if values["kind"] != "lif" or values["reset"] != "hard":
            got = f"{values['kind']!r}, reset {values.get('reset')!r}"
            raise ValueError(
                f"network.kind 'diehl-cook' needs neuron.kind 'lif' with neuron.reset 'hard', "
                f"got {got}"
            )
        return Circuit(
            dt=values["dt"],
            tau=values["tau"],
            v_threshold=values["v_threshold"],
            v_reset=values["v_reset"],
            **self.model_dump(include=set(Circuit._fields)),
        )
