r"""Leaky integrate-and-fire neuron.

.. math::
    h_t = \alpha v_{t-1} + g\, i_t, \quad s_t = [h_t \ge \theta], \quad \alpha = e^{-\Delta t/\tau}

with :math:`g = 1`, or :math:`g = 1 - \alpha` where the input is scaled: then, below the threshold,
v is the exact solution of :math:`\tau \dot v = -v + i` for a current constant within each step.

Source: Gerstner et al. 2014, Neuronal Dynamics, section 1.3.
"""

from typing import Literal

from pydantic import Field

from snnlab.learning.neuron import IntegrateAndFire, Value, exp, expm1


class LIF(IntegrateAndFire):
    """Leaky integrate-and-fire: the potential decays with the membrane time constant."""

    kind: Literal["lif"] = "lif"
    tau: float = Field(
        2.0, gt=0, le=1e6, description="membrane time constant", json_schema_extra={"unit": "ms"}
    )
    dt: float = Field(
        1.0, gt=0, le=1e6, description="length of a time step", json_schema_extra={"unit": "ms"}
    )
    scale_input: bool = Field(
        default=False,
        description="whether the current is multiplied by 1 - alpha, as exact integration does",
    )

    train_tau: bool = Field(
        default=False, description="whether training changes tau, one for each layer"
    )

    @property
    def alpha(self) -> Value:
        return exp(-self.dt / self.tau)

    @property
    def gain(self) -> Value:
        return -expm1(-self.dt / self.tau) if self.scale_input else 1.0
