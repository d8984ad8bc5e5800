r"""Leaky integrate-and-fire neuron behind a synapse whose current decays exponentially.

.. math::
    j_t = \kappa j_{t-1} + i_t, \quad h_t = \alpha v_{t-1} + j_t, \quad s_t = [h_t \ge \theta]

with :math:`\kappa = e^{-\Delta t/\tau_s}` and :math:`\alpha = e^{-\Delta t/\tau}`: an input spike
at step 0 leaves :math:`h_t = (\alpha^{t+1} - \kappa^{t+1}) / (\alpha - \kappa)`.

Source: the neuron with a synaptic current of Neftci, Mostafa & Zenke 2019,
doi:10.1109/MSP.2019.2931595. Here the current reaches the potential in the step in which it
arrives.
"""

import math
from typing import Literal

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor

from snnlab.learning.neuron import Resetting, State


class CubaLIF(Resetting):
    """Leaky integrate-and-fire behind a synapse whose current decays exponentially."""

    kind: Literal["cuba-lif"] = "cuba-lif"
    tau: float = Field(
        2.0, gt=0, le=1e6, description="membrane time constant", json_schema_extra={"unit": "ms"}
    )
    tau_synapse: float = Field(
        1.0, gt=0, le=1e6, description="synaptic time constant", json_schema_extra={"unit": "ms"}
    )
    dt: float = Field(
        1.0, gt=0, le=1e6, description="length of a time step", json_schema_extra={"unit": "ms"}
    )

    def init(self, like: Float[Tensor, "*n"]) -> State:
        return {"v": torch.full_like(like, self.v_initial), "j": torch.zeros_like(like)}

    def step(self, current: Float[Tensor, "*n"], state: State) -> tuple[Tensor, State]:
        j = math.exp(-self.dt / self.tau_synapse) * state["j"] + current
        h = math.exp(-self.dt / self.tau) * state["v"] + j
        s = self.fire(h)
        return s, {"v": self.after(h, s), "j": j}
