r"""Integrate-and-fire neuron without leak.

.. math:: h_t = v_{t-1} + i_t, \quad s_t = [h_t \ge \theta]

With a soft reset its firing rate is the clipped, quantised current: the neuron of conversion.
Source: Rueckauer et al. 2017, doi:10.3389/fnins.2017.00682, section 2.1.
"""

from typing import Literal

from snnlab.learning.neuron import IntegrateAndFire


class IF(IntegrateAndFire):
    """Integrate-and-fire: the potential keeps everything it has received."""

    kind: Literal["if"] = "if"

    @property
    def alpha(self) -> float:
        return 1.0
