r"""A spiking softmax: at every tick of a Poisson clock one class fires, the likeliest most often.

.. math:: P(\text{class } k \text{ fires at tick } t) = \mathrm{softmax}(\bar o(t))_k, \qquad
          \bar o(t) = \frac{1}{t} \sum_{t' \le t} o_{t'}

with o the currents of the output, so that the shares of the spikes tend to the softmax of the
teacher's outputs. Rueckauer et al. 2017, doi:10.3389/fnins.2017.00682: winner-take-all with a
Poisson clock. Deviations: its code (snn_toolbox) has the softmax of the whole potential, which
sharpens as time passes, and a spike sets the winner's potential back.
"""

import torch
from torch import nn
from torch.nn.functional import one_hot

from snnlab.learning.layers import Sequence, over_time


class WinnerTakesAll(nn.Module):
    """Output spikes: of one class at each tick, of none between ticks.

    The dice are the same at every call, so what was evaluated can be evaluated again.
    """

    def __init__(self, synapse: nn.Module, clock: float) -> None:
        super().__init__()
        self.synapse, self.clock = synapse, clock

    @torch.no_grad()
    def forward(self, x: Sequence) -> Sequence:
        steps, images = x.shape[:2]
        generator = torch.Generator().manual_seed(0)
        ticks = torch.rand(steps, images, 1, generator=generator) < self.clock
        dice = torch.rand(steps, images, 1, generator=generator)
        sums = over_time(self.synapse, x).cumsum(0)
        times = torch.arange(1, steps + 1, device=x.device).view(-1, 1, 1)
        below = (sums / times).softmax(2).cumsum(2)[..., :-1]
        winner = (dice.to(below) > below).sum(2)
        return one_hot(winner, sums.shape[2]).to(sums) * ticks.to(sums)
