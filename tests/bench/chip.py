"""Many chips at many levels, and learning on them, against the plain ways to do the same.

    python -m tests.bench.chip [--chips 32] [--rounds 5]

784-512-10, LIF, T = 16, batch 64, a constant image, processor time of one thread. Mismatch: 8
levels x 32 chips, the numbers of every chip drawn beforehand in both. Plain: for each level and
chip, weights with that mismatch, the input's current once, then step after step in torch. "by
level" is the emulator without products that levels share. Learning: one batch of 32 with 4 steps
that learn, plain SGD; the other way is autograd through the step, chip by chip.
"""

import argparse
import math
from collections.abc import Callable
from statistics import median

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, linear

from hardware.chips import Draws
from hardware.circuits import Foundry
from hardware.frozen import Spread
from hardware.local import LocalTandem
from hardware.network import Dynamics, Layer, Network
from hardware.nonidealities import Nonidealities
from hardware.onchip import OnChip
from hardware.robustness import Samples, chunk_size, correct
from tests.bench.timing import alternate, ratio


STEPS, BATCH = 16, 64
LEVELS = (0.0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5)
RULE = LocalTandem(lr=0.01, width=0.4)


def network() -> Network:
    generator = torch.Generator().manual_seed(0)
    dynamics = Dynamics(alpha=math.exp(-0.1), v_threshold=0.6, reset="soft")
    hidden = torch.randn(512, 784, generator=generator) * math.sqrt(1 / 784)
    out = torch.randn(10, 512, generator=generator) * math.sqrt(2 / 512)
    return Network(
        (
            Layer("hidden", hidden, None, (784,), dynamics=dynamics),
            Layer("out", out, None, (512,)),
        ),
        dt=1e-3,
    )


def data(batch: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    x = torch.rand(1, batch, 784, generator=generator)
    return x, torch.randint(0, 10, (batch,), generator=generator)


def flaws() -> list[Nonidealities]:
    return [Nonidealities(spread=Spread(weight=x, reference=max(LEVELS))) for x in LEVELS]


def chunks(chips: int, size: int) -> list[range]:
    return [range(i, min(i + size, chips)) for i in range(0, chips, size)]


def sweeps(chips: int, chunk: int) -> dict[str, Callable[[], Tensor]]:
    """Right answers (levels, chips) in three ways; all random numbers are drawn beforehand."""
    net, (x, labels) = network(), data(BATCH)
    samples = Samples(x, labels, STEPS, BATCH)
    draws = [Draws(0, numbers) for numbers in chunks(chips, chunk)]
    epsilon = {
        layer.name: torch.cat([d.normal(f"{layer.name}.weight", layer.weight.shape) for d in draws])
        for layer in net.layers
    }

    def ours() -> Tensor:
        parts = []
        for numbers in draws:
            foundry = Foundry(net, numbers)
            parts.append(correct([foundry.make(wrong) for wrong in flaws()], samples))
        return torch.cat(parts, 1)

    def by_level() -> Tensor:
        rows = [
            torch.cat([correct([Foundry(net, d).make(wrong)], samples) for d in draws], 1)
            for wrong in flaws()
        ]
        return torch.cat(rows)

    def plain() -> Tensor:
        rows = []
        with torch.inference_mode():
            for wrong in flaws():
                level, spread = wrong.spread.weight, wrong.spread
                for chip in range(chips):
                    first, last = (
                        layer.weight * (1 + level * spread.z(epsilon[layer.name][chip], level))
                        for layer in net.layers
                    )
                    scores = step_by_step(net, x[0], first, last)
                    rows.append((scores.argmax(1) == labels).sum())
        return torch.stack(rows).view(len(LEVELS), chips)

    return {"ours": ours, "by level": by_level, "plain": plain}


def step_by_step(net: Network, x: Tensor, first: Tensor, last: Tensor) -> Tensor:
    dynamics = net.layers[0].dynamics
    assert dynamics is not None
    current = linear(x, first)
    v, total = torch.zeros_like(current), torch.zeros(len(x), 10)
    for _ in range(STEPS):
        h = dynamics.alpha * v + current
        s = (h >= dynamics.v_threshold).float()
        v = h - dynamics.v_threshold * s
        total += linear(s, last)
    return total / STEPS


class Boxcar(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):  # type: ignore[no-untyped-def]
        ctx.save_for_backward(x)
        return (x >= 0).to(x.dtype)

    @staticmethod
    def backward(ctx, e):  # type: ignore[no-untyped-def]
        (x,) = ctx.saved_tensors
        return e * (x.abs() < RULE.width / 2) / RULE.width


def learners(chips: int, chunk: int, batch: int) -> dict[str, Callable[[], object]]:
    """One batch of on-chip learning on every chip, in two ways."""
    net, (x, labels) = network(), data(batch)
    targets = {"hidden": torch.rand(batch, 512, generator=torch.Generator().manual_seed(2))}
    wrong = Nonidealities(spread=Spread(weight=0.3))
    made = [Foundry(net, Draws(0, numbers)).make(wrong) for numbers in chunks(chips, chunk)]
    learning = [OnChip(part, RULE) for part in made]
    factors = [
        [plastic.factor[chip] for plastic in part.layers]
        for part in learning
        for chip in range(len(part.chips))
    ]
    weights = [[layer.weight.clone().requires_grad_() for layer in net.layers] for _ in factors]

    def ours() -> None:
        for part in learning:
            part.learn(x, targets, labels, STEPS)

    def autograd() -> None:
        for w, factor in zip(weights, factors, strict=True):
            autograd_step(net, x[0], targets["hidden"], labels, w, factor)

    return {"ours": ours, "autograd": autograd}


def autograd_step(
    net: Network, x: Tensor, target: Tensor, labels: Tensor, w: list[Tensor], factor: list[Tensor]
) -> None:
    dynamics = net.layers[0].dynamics
    assert dynamics is not None
    count, total = torch.zeros(len(x), 512), torch.zeros(len(x), 10)
    v, constant = torch.zeros(len(x), 512), None
    for t in range(1, STEPS + 1):
        learn = t > 12
        with torch.set_grad_enabled(learn):
            if learn or constant is None:
                constant = linear(x, w[0] * factor[0])
            h = dynamics.alpha * v + constant
            s = Boxcar.apply(h - dynamics.v_threshold)
            v = (h - dynamics.v_threshold * s).detach()
            out = linear(s.detach(), w[1] * factor[1])
            rates, scores = (count + s) / t, (total + out) / t
        count, total = count + s.detach(), total + out.detach()
        if learn:
            loss = (rates - target).square().sum() / len(x) + cross_entropy(scores, labels)
            gradients = torch.autograd.grad(loss, w)
            with torch.no_grad():
                for p, g in zip(w, gradients, strict=True):
                    p.sub_(g, alpha=RULE.lr)


def show(title: str, steps: dict[str, Callable[[], object]], rounds: int, unit: float) -> None:
    times = alternate(steps, rounds, clock="cpu")
    print(title)
    for name, seconds in times.items():
        times_ours = ratio(seconds, times["ours"])
        each = 1e3 * median(seconds) / unit
        print(f"  {name:10} {1e3 * median(seconds):9.1f} ms {each:8.3f} each {times_ours:6.2f} x")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--chips", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--chunk", type=int)
    options = parser.parse_args()
    torch.set_num_threads(1)
    samples = Samples(*data(BATCH), STEPS, BATCH)
    chunk = options.chunk or chunk_size(network(), samples)
    ways = sweeps(options.chips, chunk)
    agreed = (ways["ours"]() - ways["plain"]()).abs().float().mean() / BATCH
    title = f"{len(LEVELS)} levels x {options.chips} chips, chunks of {chunk}"
    show(title, ways, options.rounds, len(LEVELS) * options.chips)
    print(f"  answers that differ from the plain way: {agreed:.4%}")
    for batch in (1, 32):
        title = f"a batch of {batch} learned by {options.chips} chips"
        show(title, learners(options.chips, chunk, batch), options.rounds, options.chips)


if __name__ == "__main__":
    main()
