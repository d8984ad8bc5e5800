r"""Reward-modulated plasticity: what spikes would change waits for a reward.

.. math::
    \dot w = e\,(r - b), \qquad \dot e = -e/\tau_e + \mathrm{STDP}(t)

Source: Izhikevich 2007, doi:10.1093/cercor/bhl152; the time constant is that of NEST's dopamine
synapse.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from snnlab.learning.stdp.pairs import Gaps, Trains


def rewarded(
    changes: Trains,
    reward: Float[Tensor, " steps"],
    gaps: Gaps,
    tau: float = 1000.0,
    baseline: float = 0.0,
) -> Trains:
    """The change of each synapse at each step, of those that a rule such as pairs.pair wants.

    The reward is per ms, constant from each step to the one before; its integral is exact.
    """
    e = torch.zeros_like(changes[0])
    out = []
    for change, r, gap in zip(changes, reward, gaps, strict=True):
        decay = torch.exp(-gap / tau)
        out.append((r - baseline) * e * tau * (1 - decay))
        e = e * decay + change
    return torch.stack(out)
