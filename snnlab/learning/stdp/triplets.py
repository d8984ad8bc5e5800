r"""The triplet rule: what a pair does depends on the spike before it.

.. math::
    \text{neuron spikes:}\; w \mathrel{+}= r_1 (A_2^+ + A_3^+ o_2), \qquad
    \text{input spikes:}\; w \mathrel{-}= o_1 (A_2^- + A_3^- r_2)

r1 and r2 remember the input's spikes, with tau_plus and tau_x, o1 and o2 the neuron's, with
tau_minus and tau_y; all are read just before the spike. With A3 = 0 it is the pair rule. The term
in o2 lets potentiation grow with the frequency of pairing, which no pair rule does.

Source: Pfister & Gerstner 2006, doi:10.1523/JNEUROSCI.1425-06.2006; the default values are those
of NEST's stdp_triplet_synapse, not checked against the tables of the paper.
"""

from typing import Literal, NamedTuple

import torch

from snnlab.learning.stdp.pairs import Gaps, Trains, entered


class Triplet(NamedTuple):
    """Amplitudes of pairs (a2) and triplets (a3), and time constants in ms."""

    a2_plus: float = 5e-10
    a3_plus: float = 6.2e-3
    a2_minus: float = 7e-3
    a3_minus: float = 2.3e-4
    tau_plus: float = 16.8
    tau_x: float = 101.0
    tau_minus: float = 33.7
    tau_y: float = 125.0


def triplet(
    pre: Trains,
    post: Trains,
    gaps: Gaps,
    shape: Triplet = Triplet(),  # noqa: B008  a named tuple never changes
    pairing: Literal["all-to-all", "nearest"] = "all-to-all",
) -> Trains:
    """The change of each synapse at each step; arguments as of pairs.pair."""
    r1 = r2 = o1 = o2 = torch.zeros_like(pre[0])
    changes = []
    for s, z, gap in zip(pre, post, gaps, strict=True):
        r1, r2 = r1 * torch.exp(-gap / shape.tau_plus), r2 * torch.exp(-gap / shape.tau_x)
        o1, o2 = o1 * torch.exp(-gap / shape.tau_minus), o2 * torch.exp(-gap / shape.tau_y)
        grown = z * r1 * (shape.a2_plus + shape.a3_plus * o2)
        changes.append(grown - s * o1 * (shape.a2_minus + shape.a3_minus * r2))
        r1, o1 = entered(r1, o1, s, z, pairing)
        r2, o2 = entered(r2, o2, s, z, pairing)
    return torch.stack(changes)
