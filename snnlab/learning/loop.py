r"""Integrate-and-fire neurons, one operation of torch after another: the reference of all kernels.

.. math::
    h_t = \alpha v_{t-1} + i_t, \qquad s_t = [h_t \ge \theta], \qquad
    v_t = \begin{cases} h_t - \theta s_t & \text{soft reset} \\
                        h_t (1 - s_t) + v_r s_t & \text{hard reset} \end{cases}

Backward, with :math:`\sigma_t` the surrogate slope at :math:`h_t`, :math:`g_t = \partial L /
\partial h_t` and :math:`e_t = \partial L / \partial s_t`:

.. math:: g_t = e_t \sigma_t + \alpha g_{t+1} d_t, \qquad \partial L / \partial i_t = g_t,

where :math:`d_t = \partial v_t / \partial h_t` is :math:`1 - \theta \sigma_t` (soft) or
:math:`1 - s_t + (v_r - h_t) \sigma_t` (hard); without the terms in :math:`\sigma_t` if the reset
is detached. Only h is kept for the backward pass, which overwrites it with the gradient.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from snnlab.learning.surrogates import Surrogate


class Dynamics(NamedTuple):
    """What decides the course of an integrate-and-fire neuron."""

    alpha: float
    v_threshold: float
    hard: bool
    v_reset: float
    detach_reset: bool
    surrogate: Surrogate
    v_initial: float = 0.0
    gain: float = 1.0  # factor on the current, which the scan applies before everything else


def forward(current: Tensor, dynamics: Dynamics, spikes: Tensor, kept: Tensor | None) -> Tensor:
    """Fill `spikes`; write every h into `kept`, or forget it if there is no `kept`."""
    v = torch.full_like(current[0], dynamics.v_initial)
    h = torch.empty_like(v)
    for t, s in enumerate(spikes.unbind()):
        i = current[min(t, len(current) - 1)]
        h = torch.add(i, v, alpha=dynamics.alpha, out=h if kept is None else kept[t])
        torch.ge(h, dynamics.v_threshold, out=s)
        reset(h, s, dynamics, out=v)
    return spikes


def reset(h: Tensor, s: Tensor, dynamics: Dynamics, out: Tensor) -> None:
    if not dynamics.hard:
        torch.add(h, s, alpha=-dynamics.v_threshold, out=out)
        return
    torch.addcmul(h, h, s, value=-1, out=out)
    if dynamics.v_reset:
        out.add_(s, alpha=dynamics.v_reset)


def backward(kept: Tensor, e: Tensor, dynamics: Dynamics, total: Tensor | None) -> Tensor:
    """The gradient g at every step, written over `kept` (every h); or added up in `total`."""
    g = torch.zeros_like(kept[0])
    for h, error in zip(reversed(kept.unbind()), reversed(e.unbind()), strict=True):
        slope = dynamics.surrogate.slope_(h - dynamics.v_threshold)
        through_reset_(g, h, slope, dynamics).mul_(dynamics.alpha).addcmul_(error, slope)
        if total is None:
            h.copy_(g)
        else:
            total[0].add_(g)
    return kept if total is None else total


def through_reset_(g: Tensor, h: Tensor, slope: Tensor, dynamics: Dynamics) -> Tensor:
    """Multiply `g` with d v / d h."""
    if not dynamics.hard:
        return g if dynamics.detach_reset else g.addcmul_(g, slope, value=-dynamics.v_threshold)
    through = (h < dynamics.v_threshold).to(h.dtype)
    if not dynamics.detach_reset:
        through.addcmul_(slope, dynamics.v_reset - h)
    return g.mul_(through)
