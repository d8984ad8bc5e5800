"""How an input passes through layers in a row: what is computed at once, stored, computed twice."""

from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from snnlab.learning.layers import MaxPool, Sequence, Spiking


class Unit(NamedTuple):
    """A layer; if it is a population, perhaps with the pooling after it."""

    layer: nn.Module
    pools: bool

    def __call__(self, x: Sequence) -> Sequence:
        if self.pools and isinstance(self.layer, Spiking):
            return self.layer.pooled(x)
        y: Tensor = self.layer(x)
        return y

    @property
    def forgets(self) -> bool:
        """Whether it may compute its spikes twice: there are some, and nobody else sees them."""
        parts = [part for part in self.layer.modules() if isinstance(part, Spiking)]
        return bool(parts) and not any(part.watched for part in parts)


def through(layers: Iterable[nn.Module], x: Sequence, *, recompute: bool = False) -> Sequence:
    """What the layers make of `x`. To recompute is to store no more than what each layer gets."""
    for unit in units(layers):
        if recompute and torch.is_grad_enabled() and unit.forgets:
            x = Recomputed.apply(unit, x, *unit.layer.parameters())
        else:
            x = unit(x)
    return x


def units(layers: Iterable[nn.Module]) -> Iterator[Unit]:
    waiting = deque(layers)
    while waiting:
        layer = waiting.popleft()
        pools = bool(waiting) and pools_at_once(layer, waiting[0])
        if pools:
            waiting.popleft()
        yield Unit(layer, pools)


def pools_at_once(layer: nn.Module, after: nn.Module) -> bool:
    unseen = isinstance(layer, Spiking) and not layer.watched
    return unseen and isinstance(after, MaxPool) and not after._forward_hooks


class Recomputed(torch.autograd.Function):
    """Forgets what it computes forward, and computes it again to go backward: the same bits.

    Chen et al. 2016, arXiv:1604.06174, with each layer as a segment: all time steps of a layer are
    one, so potentials are stored of one layer at a time. Costs another forward pass.
    """

    @staticmethod
    def forward(ctx: Any, unit: Unit, x: Tensor, *weights: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        ctx.unit, ctx.weights = unit, weights
        ctx.half = torch.is_autocast_enabled(x.device.type)
        return unit(x)

    @staticmethod
    def backward(ctx: Any, e: Tensor) -> tuple[Tensor | None, ...]:
        (x,) = ctx.saved_tensors
        wanted = ctx.needs_input_grad[1:]
        x = x.detach().requires_grad_(requires_grad=wanted[0])
        inputs = [t for t, needed in zip((x, *ctx.weights), wanted, strict=True) if needed]
        half = torch.autocast(x.device.type, torch.bfloat16, enabled=ctx.half)
        with unchanged(ctx.unit.layer):
            with torch.enable_grad(), half:
                y = ctx.unit(x)
            found = iter(torch.autograd.grad(y, inputs, e))
        return None, *(next(found) if needed else None for needed in wanted)


@contextmanager
def unchanged(layer: nn.Module) -> Iterator[None]:
    """Running statistics have already seen what is computed in here."""
    before = [buffer.clone() for buffer in layer.buffers()]
    yield
    for buffer, value in zip(layer.buffers(), before, strict=True):
        buffer.copy_(value)
