r"""Voltage-based plasticity: the neuron's potential decides, not the times of its spikes.

.. math::
    \dot w = -A_{LTD}\, S\, (\bar u_- - \theta_-)_+
    + A_{LTP}\, \bar x\, (u - \theta_+)_+ (\bar u_+ - \theta_-)_+

S are the input's spikes and x their low-pass, u the potential in mV, with two low-passes of its
own.

Source: Clopath et al. 2010, doi:10.1038/nn.2479; values of NEST's clopath_synapse, and tau_x of
Brian2's example. Deviations: no delay of the low-passed potentials, no homeostasis of A_LTD.
"""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from snnlab.learning.stdp.pairs import Trains


class Voltage(NamedTuple):
    """Amplitudes, thresholds in mV and time constants in ms."""

    a_depression: float = 14e-5
    a_potentiation: float = 8e-5
    theta_minus: float = -70.6
    theta_plus: float = -45.3
    tau_minus: float = 10.0
    tau_plus: float = 7.0
    tau_x: float = 15.0


def voltage(
    pre: Trains,
    u: Float[Tensor, "steps *synapses"],
    dt: float,
    rest: float = -70.6,
    shape: Voltage = Voltage(),  # noqa: B008  a named tuple never changes
) -> Trains:
    """The change of each synapse at each step of `dt` ms; before the first the neuron rests.

    A spike of x is 1/tau_x high, so that x is the rate of the input.
    """
    decay = torch.exp(-dt / torch.tensor([shape.tau_minus, shape.tau_plus, shape.tau_x]))
    slow, fast = torch.full_like(u[0], rest), torch.full_like(u[0], rest)
    x = torch.zeros_like(u[0])
    changes = []
    for s, now in zip(pre, u, strict=True):
        down = shape.a_depression * s * (slow - shape.theta_minus).relu()
        drive = (now - shape.theta_plus).relu() * (fast - shape.theta_minus).relu()
        changes.append(shape.a_potentiation * x * drive * dt - down)
        slow, fast = now + (slow - now) * decay[0], now + (fast - now) * decay[1]
        x = x * decay[2] + s / shape.tau_x
    return torch.stack(changes)
