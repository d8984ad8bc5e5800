r"""Max-pooling of spike trains that gives the spike train of the most active of each 2 x 2 inputs.

Plain pooling of spikes says whether *any* input fired: too often, as a rate. Both gates here look
at the counts :math:`N_i(t) = \sum_{t' \le t} s_i(t')` of the inputs of a window. They pass no
gradients.
"""

from functools import reduce

import torch
from torch import Tensor, nn

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
        counts = [torch.zeros_like(corner) for corner in corners(x[0])]
        pooled = empty_steps(counts[0][None], len(x))
        for s, z in zip(x.unbind(), pooled.unbind(), strict=True):
            most = counts[0].add_(corners(s)[0])
            z.copy_(corners(s)[0])
            for count, corner in zip(counts[1:], corners(s)[1:], strict=True):
                z.copy_(corner.where(count.add_(corner) > most, z))
                most = torch.maximum(most, count)
        return pooled


class Count(nn.Module):
    r"""Fires whenever the largest count of its inputs grows: its own count is that, always.

    .. math:: z(t) = \max_i N_i(t) - \max_i N_i(t - 1)

    A count grows by at most one in a step, and so does the largest of them: z is 0 or 1. So the
    pooled rate has no error at all. (Derived here; we know of no publication.)
    """

    @torch.no_grad()
    def forward(self, x: Sequence) -> Sequence:
        counts = [torch.zeros_like(corner) for corner in corners(x[0])]
        before = torch.zeros_like(counts[0])
        pooled = empty_steps(before[None], len(x))
        for s, z in zip(x.unbind(), pooled.unbind(), strict=True):
            for count, corner in zip(counts, corners(s), strict=True):
                count.add_(corner)
            most = reduce(torch.maximum, counts)
            torch.sub(most, before, out=z)
            before = most
        return pooled


def corners(x: Tensor) -> list[Tensor]:
    """The four inputs of each window; what is left over at an odd edge belongs to none."""
    height, width = x.shape[-2] // 2 * 2, x.shape[-1] // 2 * 2
    return [x[..., i:height:2, j:width:2] for i in (0, 1) for j in (0, 1)]
