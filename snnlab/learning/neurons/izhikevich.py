r"""Izhikevich's neuron: two equations that fire like most kinds of cortical neuron.

.. math::
    \dot v = 0.04 v^2 + 5 v + 140 - u + I, \quad \dot u = a (b v - u), \quad
    \text{at } v \ge 30: \; v \leftarrow c, \; u \leftarrow u + d

v in mV, time in ms. A step is 1 ms: v goes two Euler steps of 0.5 ms, then u one of 1 ms, as in the
program that the paper prints; then follows the spike. The defaults make a regular spiking neuron.

Source: Izhikevich 2003, doi:10.1109/TNN.2003.820440. Deviation: a current i of the network is
:math:`I = g i`, because synapses and norms make currents near 1, and this neuron needs more than 4.
"""

from typing import Literal

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor

from snnlab.learning.neuron import Firing, State


class Izhikevich(Firing):
    """Izhikevich's neuron, regular spiking by default."""

    kind: Literal["izhikevich"] = "izhikevich"
    v_threshold: float = Field(
        30.0,
        gt=0,
        le=1e6,
        description="peak of a spike, at which the neuron is reset",
        json_schema_extra={"unit": "mV"},
    )
    surrogate_width: float = Field(
        100.0,
        gt=0,
        le=1e6,
        description="width of the surrogate slope",
        json_schema_extra={"unit": "mV"},
    )
    a: float = Field(
        0.02, gt=0, le=1, description="speed of the recovery u", json_schema_extra={"unit": "1/ms"}
    )
    b: float = Field(0.2, ge=-10, le=10, description="how much u follows v")
    c: float = Field(
        -65.0, ge=-200, le=0, description="v after a spike", json_schema_extra={"unit": "mV"}
    )
    d: float = Field(8.0, ge=-100, le=100, description="what a spike adds to u")
    input_gain: float = Field(
        10.0, gt=0, le=1e6, description="factor from the current of a synapse to I"
    )

    def init(self, like: Float[Tensor, "*n"]) -> State:
        v = torch.full_like(like, self.c)
        return {"v": v, "u": self.b * v}

    def step(self, current: Float[Tensor, "*n"], state: State) -> tuple[Tensor, State]:
        v, u = state["v"], state["u"]
        for _ in range(2):
            v = v + 0.5 * (0.04 * v * v + 5 * v + 140 - u + self.input_gain * current)
        u = u + self.a * (self.b * v - u)
        s = self.fire(v)
        z = s.detach()
        return s, {"v": torch.where(z.bool(), self.c, v), "u": u + self.d * z}
