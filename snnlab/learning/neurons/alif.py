r"""Adaptive leaky integrate-and-fire neuron: each spike raises its threshold for a while.

.. math::
    h_t = \alpha v_{t-1} + i_t, \quad s_t = [h_t \ge A_t], \quad A_t = \theta + \beta a_{t-1}, \quad
    a_t = \rho a_{t-1} + s_t

with :math:`\alpha = e^{-\Delta t/\tau}` and :math:`\rho = e^{-\Delta t/\tau_a}`. A soft reset
subtracts the threshold that was crossed, A.

Source: Bellec et al. 2018, arXiv:1803.09574, in the form of Bellec et al. 2020,
doi:10.1038/s41467-020-17236-y, where a spike adds 1 to a.
"""

import math
from typing import Literal

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor

from snnlab.learning.neuron import Resetting, State


class ALIF(Resetting):
    """Adaptive leaky integrate-and-fire: each spike raises the threshold for a while."""

    kind: Literal["alif"] = "alif"
    tau: float = Field(
        2.0, gt=0, le=1e6, description="membrane time constant", json_schema_extra={"unit": "ms"}
    )
    tau_adaptation: float = Field(
        20.0,
        gt=0,
        le=1e6,
        description="time constant with which the threshold falls back",
        json_schema_extra={"unit": "ms"},
    )
    adaptation: float = Field(
        0.2, ge=0, le=1e6, description="how much a spike raises the threshold: beta"
    )
    dt: float = Field(
        1.0, gt=0, le=1e6, description="length of a time step", json_schema_extra={"unit": "ms"}
    )

    def init(self, like: Float[Tensor, "*n"]) -> State:
        return {"v": torch.full_like(like, self.v_initial), "a": torch.zeros_like(like)}

    def step(self, current: Float[Tensor, "*n"], state: State) -> tuple[Tensor, State]:
        h = math.exp(-self.dt / self.tau) * state["v"] + current
        threshold = self.v_threshold + self.adaptation * state["a"]
        s = self.fire(h, threshold)
        a = math.exp(-self.dt / self.tau_adaptation) * state["a"] + s
        return s, {"v": self.after(h, s, threshold), "a": a}
