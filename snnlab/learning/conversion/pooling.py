r"""Max-pooling of spike trains that gives the spike train of the most active of each 2 x 2 inputs.

Plain pooling of spikes says whether *any* input fired: too often, as a rate. Both gates here look
at the counts :math:`N_i(t) = \sum_{t' \le t} s_i(t')` of the inputs of a window. They pass no
gradients.
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import max_pool2d

from snnlab.learning.layers import Sequence
from snnlab.learning.scan import empty_steps


class Gate(nn.Module):
    r"""Passes on only the input that has fired most so far, the first of several.

    .. math:: z(t) = s_k(t), \qquad k = \arg\max_i N_i(t)

    Rueckauer et al. 2017, doi:10.3389/fnins.2017.00682, section 2.2, with the mean rate as its
    estimate. Where the gate changes sides, a spike can be lost or counted twice.
    """

    @torch.no_grad()
    def forward(self, x: Sequence) -> Sequence:
        # the largest of 8 N_i + 2 (3 - i) + s_i is that of input k, and it is odd if k fires
        most, pooled = precedence(x[0]), halved(x)
        for s, z in zip(x.unbind(), pooled.unbind(), strict=True):
            most.add_(s, alpha=8)
            torch.remainder(max_pool2d(most + s, 2), 2, out=z)
        return pooled


class Count(nn.Module):
    r"""Fires whenever the largest count of its inputs grows: its own count is that, always.

    .. math:: z(t) = \max_i N_i(t) - \max_i N_i(t - 1)

    A count grows by at most one in a step, and so does the largest of them: z is 0 or 1. So the
    pooled rate has no error at all. (Derived here; we know of no publication.)
    """

    @torch.no_grad()
    def forward(self, x: Sequence) -> Sequence:
        counts, pooled = torch.zeros_like(x[0]), halved(x)
        before = torch.zeros_like(pooled[0])
        for s, z in zip(x.unbind(), pooled.unbind(), strict=True):
            most = max_pool2d(counts.add_(s), 2)
            torch.sub(most, before, out=z)
            before = most
        return pooled


def halved(x: Sequence) -> Sequence:
    """Memory for the pooled steps; what is left over at an odd edge belongs to no window."""
    return empty_steps(max_pool2d(x[0], 2)[None], len(x))


def precedence(like: Tensor) -> Tensor:
    """6, 4, 2, 0 for the inputs of each window, row by row."""
    rank = torch.zeros_like(like)
    for order in range(4):
        rank[..., order // 2 :: 2, order % 2 :: 2] = 6 - 2 * order
    return rank
