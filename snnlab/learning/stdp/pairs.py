r"""Pair-based plasticity: each pair of spikes changes a synapse by a window of their distance.

.. math::
    \Delta w(\Delta t) = \begin{cases}
    A_+ e^{-\Delta t/\tau_+} & \Delta t = t_{post} - t_{pre} > 0 \\
    -A_- e^{\Delta t/\tau_-} & \Delta t < 0 \end{cases}

Two traces do it spike by spike: x remembers input spikes and decays with tau_plus, y those of the
neuron and decays with tau_minus; the neuron's spike adds A_plus x, an input's takes A_minus y.
Which pairs count is a choice, illustrated in Morrison, Diesmann & Gerstner 2008,
doi:10.1007/s00422-008-0233-1, figure 7: all of them; for each spike only the last of the other
kind (`nearest`); for each input spike the last of the neuron before and the next after it
(`pre-centred`); or only pairs with no spike of either kind between them (`restricted`).
Spikes at the same moment are no pair.
"""

from typing import Literal, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor


Pairing = Literal["all-to-all", "nearest", "pre-centred", "restricted"]
Trains = Float[Tensor, "steps *synapses"]
Gaps = Float[Tensor, " steps"]


class Window(NamedTuple):
    """Amplitudes, both positive, and time constants in ms."""

    a_plus: float = 1.0
    a_minus: float = 1.0
    tau_plus: float = 20.0
    tau_minus: float = 20.0


def window(lag: Float[Tensor, "*n"], shape: Window) -> Float[Tensor, "*n"]:
    """The change by one pair, the neuron's spike `lag` ms after the input's."""
    grown = shape.a_plus * torch.exp(-lag.abs() / shape.tau_plus)
    shrunk = -shape.a_minus * torch.exp(-lag.abs() / shape.tau_minus)
    return torch.where(lag > 0, grown, torch.where(lag < 0, shrunk, 0))


def pair(
    pre: Trains, post: Trains, gaps: Gaps, shape: Window, pairing: Pairing = "all-to-all"
) -> Trains:
    """The change of each synapse at each step.

    `pre` and `post` are 1 where the input or the neuron spikes; `gaps` are the ms from the step
    before: a constant for a regular grid, or only the moments at which anything happens.
    """
    x, y = torch.zeros_like(pre[0]), torch.zeros_like(pre[0])
    changes = []
    for s, z, gap in zip(pre, post, gaps, strict=True):
        x, y = x * torch.exp(-gap / shape.tau_plus), y * torch.exp(-gap / shape.tau_minus)
        changes.append(shape.a_plus * x * z - shape.a_minus * y * s)
        x, y = entered(x, y, s, z, pairing)
    return torch.stack(changes)


def entered(x: Tensor, y: Tensor, s: Tensor, z: Tensor, pairing: Pairing) -> tuple[Tensor, Tensor]:
    """The traces after spikes `s` of the input and `z` of the neuron."""
    match pairing:
        case "all-to-all":
            return x + s, y + z
        case "nearest":
            return torch.maximum(x, s), torch.maximum(y, z)
        case "pre-centred":
            return x * (1 - z) + s, torch.maximum(y, z)
        case "restricted":
            return torch.maximum(x * (1 - z), s), torch.maximum(y * (1 - s), z)
