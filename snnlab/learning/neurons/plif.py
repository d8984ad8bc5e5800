r"""Parametric leaky integrate-and-fire neuron: training finds the time constant of each layer.

.. math::
    h_t = \Big(1 - \frac{1}{\tau}\Big) v_{t-1} + g\, i_t, \quad s_t = [h_t \ge \theta], \quad
    \frac{1}{\tau} = \frac{1}{1 + e^{-w}}

with w trained; so :math:`\tau > 1` step, whatever w becomes. Where the input is scaled,
:math:`g = 1/\tau`, else :math:`g = 1`.

Source: Fang et al. 2021, arXiv:2007.05785. Its neuron scales the input and is reset hard; here both
are choices, and the defaults are those of the other neurons.
"""

import math
from collections.abc import Mapping
from typing import Literal

from pydantic import Field
from torch import Tensor

from snnlab.learning.neuron import IntegrateAndFire, Value


class PLIF(IntegrateAndFire):
    """Parametric leaky integrate-and-fire: training finds the time constant of each layer."""

    kind: Literal["plif"] = "plif"
    tau: float = Field(
        2.0,
        gt=1,
        le=1e6,
        description="membrane time constant with which training begins",
        json_schema_extra={"unit": "steps"},
    )

    scale_input: bool = Field(
        default=False, description="whether the current is divided by tau, as in the paper"
    )

    @property
    def alpha(self) -> Value:
        return 1 - 1 / self.tau

    @property
    def gain(self) -> Value:
        return 1 / self.tau if self.scale_input else 1.0

    def free(self) -> dict[str, float]:
        return {"w": -math.log(self.tau - 1), **super().free()}

    def bound(self, values: Mapping[str, Tensor]) -> "PLIF":
        rest = {name: value for name, value in values.items() if name != "w"}
        return super().bound(rest).model_copy(update={"tau": 1 + (-values["w"]).exp()})
