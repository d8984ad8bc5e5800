"""Integrate-and-fire neurons over all time steps as one node of the graph.

What is computed stands in loop.py. A kernel computes it where there is one: on a CPU to the same
bits.
"""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from snnlab.learning import loop
from snnlab.learning.kernels import cpu, cuda
from snnlab.learning.loop import Dynamics


def scan(
    current: Float[Tensor, "steps_or_1 *n"],
    dynamics: Dynamics,
    steps: int,
    *,
    overwrite: bool = False,
    pool: bool = False,
) -> Float[Tensor, "steps *m"]:
    """Spikes (0 or 1) at every step of neurons that start at `v_initial` and receive `current`.

    A current of one step is constant: it stays for all steps, and is stored once.
    `overwrite` lets the current's memory be reused. It is legal only for a fresh tensor whose
    producer does not need its own output to differentiate (linear, convolution, batch-norm).
    `pool` gives the maximum of every 2 x 2 neurons instead; legal only if `can_pool`.
    """
    if dynamics.gain != 1.0:
        current, overwrite = current * dynamics.gain, True
    if not (torch.is_grad_enabled() and current.requires_grad):
        return run(current, dynamics, steps, None, pool=pool)
    spikes: Tensor = Scan.apply(current, dynamics, steps, overwrite, pool)
    return spikes


def can_pool(current: Float[Tensor, "steps_or_1 *n"], dynamics: Dynamics) -> bool:
    """Whether there is a kernel that scans and pools such a current at once."""
    return cpu.takes(current) and cpu.differentiates(dynamics) and cpu.pools(current)


def run(
    current: Tensor, dynamics: Dynamics, steps: int, kept: Tensor | None, *, pool: bool
) -> Tensor:
    """The spikes; every h goes into `kept`, or is forgotten if there is no `kept`."""
    spikes = empty_pooled(current, steps) if pool else empty_steps(current, steps)
    if cpu.takes(current):
        cpu.forward(current, dynamics, spikes, kept)
    elif cuda.takes(current):
        cuda.forward(current, dynamics, spikes, kept)
    else:
        loop.forward(current, dynamics, spikes, kept)
    return spikes


class Scan(torch.autograd.Function):
    """The fused scan as one node of the graph, whatever the number of steps."""

    @staticmethod
    def forward(
        ctx: Any,
        current: Tensor,
        dynamics: Dynamics,
        steps: int,
        overwrite: bool,  # noqa: FBT001
        pool: bool,  # noqa: FBT001
    ) -> Tensor:
        current = current.detach()  # autograd refuses in-place writes to a view; nobody saved it
        reuse = overwrite and len(current) == steps
        ctx.kept = current if reuse else empty_steps(current, steps)
        ctx.dynamics, ctx.constant = dynamics, len(current) == 1
        return run(current, dynamics, steps, ctx.kept, pool=pool)

    @staticmethod
    def backward(ctx: Any, e: Tensor) -> tuple[Tensor, None, None, None, None]:
        kept, ctx.kept = ctx.kept, None
        total = torch.zeros_like(kept[:1]) if ctx.constant else None
        if cpu.takes(kept) and cpu.differentiates(ctx.dynamics):
            cpu.backward(kept, e, ctx.dynamics, total)
        elif cuda.takes(kept) and cpu.differentiates(ctx.dynamics):
            cuda.backward(kept, e, ctx.dynamics, total)
        else:
            loop.backward(kept, e, ctx.dynamics, total)
        return kept if total is None else total, None, None, None, None


def empty_steps(current: Tensor, steps: int) -> Tensor:
    """Memory for every step, each in the layout of the current."""
    step = torch.empty_like(current[0])
    return step.new_empty_strided((steps, *step.shape), (step.numel(), *step.stride()))


def empty_pooled(current: Tensor, steps: int) -> Tensor:
    """Memory for the pooled images of every step, channels-last."""
    batch, maps, height, width = current.shape[1:]
    empty = current.new_empty(steps, batch, height // 2, width // 2, maps)
    return empty.permute(0, 1, 4, 2, 3)
