"""One batch of learning on many chips: the local rule, and autograd chip by chip."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, linear

from hardware.chips import Draws
from hardware.circuits import Foundry
from hardware.frozen import Spread
from hardware.local import LocalTandem
from hardware.network import Network
from hardware.nonidealities import Nonidealities
from hardware.onchip import OnChip
from hardware.schedule import Schedule
from tests.bench.workload import STEPS, chunks, data, network


RULE = LocalTandem(lr=0.01, width=0.4)


class Boxcar(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):  # type: ignore[no-untyped-def]
        ctx.save_for_backward(x)
        return (x >= 0).to(x.dtype)

    @staticmethod
    def backward(ctx, e):  # type: ignore[no-untyped-def]
        (x,) = ctx.saved_tensors
        return e * (x.abs() < RULE.width / 2) / RULE.width


def learners(chips: int, chunk: int, batch: int, at: str) -> dict[str, Callable[[], object]]:
    """One batch of on-chip learning on every chip, in two ways."""
    net, (x, labels) = network(), data(batch)
    targets = {"hidden": torch.rand(batch, 512, generator=torch.Generator().manual_seed(2))}
    wrong = Nonidealities(spread=Spread(weight=0.3))
    made = [Foundry(net, Draws(0, numbers)).make(wrong) for numbers in chunks(chips, chunk)]
    learning = [OnChip(part, RULE, schedule=Schedule(at=at)) for part in made]
    factors = [
        [plastic.factor[chip] for plastic in part.layers]
        for part in learning
        for chip in range(len(part.chips))
    ]
    weights = [[layer.weight.clone() for layer in net.layers] for _ in factors]

    def ours() -> None:
        for part in learning:
            part.learn(x, targets, labels, STEPS)

    def autograd() -> None:
        for w, factor in zip(weights, factors, strict=True):
            autograd_step(net, x[0], targets["hidden"], labels, w, factor, at)

    ours()
    autograd()
    learned = learning[0].layers[0].weight.read()[0]
    torch.testing.assert_close(learned, weights[0][0], rtol=1e-4, atol=1e-5)
    return {"ours": ours, "autograd": autograd}


def autograd_step(
    net: Network,
    x: Tensor,
    target: Tensor,
    labels: Tensor,
    w: list[Tensor],
    factor: list[Tensor],
    at: str,
) -> None:
    """Changes at each step that learns; or once, the current of the input then made once."""
    dynamics = net.layers[0].dynamics
    assert dynamics is not None
    count, total = torch.zeros(len(x), 512), torch.zeros(len(x), 10)
    v, loss = torch.zeros(len(x), 512), torch.zeros(())
    acting = written(w, factor)
    constant = linear(x, acting[0])
    for t in range(1, STEPS + 1):
        learn = t > 12
        with torch.set_grad_enabled(learn):
            h = dynamics.alpha * v + constant
            s = Boxcar.apply(h - dynamics.v_threshold)
            v = (h - dynamics.v_threshold * s).detach()
            out = linear(s.detach(), acting[1])
            rates, scores = (count + s) / t, (total + out) / t
        count, total = count + s.detach(), total + out.detach()
        if learn:
            loss = loss + (rates - target).square().sum() / len(x) + cross_entropy(scores, labels)
        if learn and (at == "step" or t == STEPS):
            for p, g in zip(w, torch.autograd.grad(loss, acting), strict=True):
                p.sub_(g, alpha=RULE.lr)
            loss = torch.zeros(())
        if learn and at == "step" and t < STEPS:
            acting = written(w, factor)
            constant = linear(x, acting[0])


def written(w: list[Tensor], factor: list[Tensor]) -> list[Tensor]:
    """Weights as they act; learned as if they were what they should be."""
    return [(a * b).requires_grad_() for a, b in zip(w, factor, strict=True)]
