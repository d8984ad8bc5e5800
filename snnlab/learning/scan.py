r"""Integrate-and-fire neurons over all time steps at once, with a hand-written backward pass.

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

from typing import Any, NamedTuple

import torch
from jaxtyping import Float
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


def scan(
    current: Float[Tensor, "time *n"], dynamics: Dynamics, *, overwrite: bool = False
) -> Float[Tensor, "time *n"]:
    """Spikes (0 or 1) of neurons that start at v = 0 and receive `current`.

    `overwrite` lets the current's memory be reused. It is legal only for a fresh tensor whose
    producer does not need its own output to differentiate (linear, convolution, batch-norm).
    """
    if not (torch.is_grad_enabled() and current.requires_grad):
        return forward(current, dynamics, None)
    spikes: Tensor = Scan.apply(current, dynamics, overwrite and current.stride(0) != 0)
    return spikes


def forward(current: Tensor, dynamics: Dynamics, kept: Tensor | None) -> Tensor:
    """Run the neurons; write every h into `kept`, or forget it if there is no `kept`."""
    spikes = empty_steps(current)
    v = torch.zeros_like(current[0])
    h = torch.empty_like(v)
    for t, (i, s) in enumerate(zip(current.unbind(), spikes.unbind(), strict=True)):
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


class Scan(torch.autograd.Function):
    """The fused scan as one node of the graph, whatever the number of steps."""

    @staticmethod
    def forward(ctx: Any, current: Tensor, dynamics: Dynamics, overwrite: bool) -> Tensor:  # noqa: FBT001
        # detach: autograd refuses in-place writes to a view, and nobody has saved this tensor
        kept = current.detach() if overwrite else empty_steps(current)
        spikes = forward(current.detach(), dynamics, kept)
        ctx.kept, ctx.dynamics = kept, dynamics
        return spikes

    @staticmethod
    def backward(ctx: Any, e: Tensor) -> tuple[Tensor, None, None]:
        kept, ctx.kept = ctx.kept, None
        return backward(kept, e, ctx.dynamics), None, None


def empty_steps(current: Tensor) -> Tensor:
    """Memory for every step in the layout of one step; the steps of `current` may share theirs."""
    step = torch.empty_like(current[0])
    return step.new_empty_strided(current.shape, (step.numel(), *step.stride()))


def backward(kept: Tensor, e: Tensor, dynamics: Dynamics) -> Tensor:
    """Overwrite `kept` (every h) with the gradient g and return it."""
    g = torch.zeros_like(kept[0])
    for h, error in zip(reversed(kept.unbind()), reversed(e.unbind()), strict=True):
        slope = dynamics.surrogate.slope_(h - dynamics.v_threshold)
        through_reset_(g, h, slope, dynamics).mul_(dynamics.alpha).addcmul_(error, slope)
        h.copy_(g)
    return kept


def through_reset_(g: Tensor, h: Tensor, slope: Tensor, dynamics: Dynamics) -> Tensor:
    """Multiply `g` with d v / d h."""
    if not dynamics.hard:
        return g if dynamics.detach_reset else g.addcmul_(g, slope, value=-dynamics.v_threshold)
    through = (h < dynamics.v_threshold).to(h.dtype)
    if not dynamics.detach_reset:
        through.addcmul_(slope, dynamics.v_reset - h)
    return g.mul_(through)
