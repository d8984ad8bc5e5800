"""What the chips of tests/bench/chip.py compute: 784-512-10, LIF, T = 16, a constant image."""

import math

import torch
from torch import Tensor

from hardware.network import Dynamics, Layer, Network
from tests.bench.tiles import Synapse


STEPS, BATCH = 16, 64


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


def chunks(chips: int, size: int) -> list[range]:
    return [range(i, min(i + size, chips)) for i in range(0, chips, size)]


def step_by_step(net: Network, x: Tensor, first: Synapse, last: Synapse) -> Tensor:
    dynamics = net.layers[0].dynamics
    assert dynamics is not None
    current = first(x)
    v, total = torch.zeros_like(current), torch.zeros(len(x), 10)
    for _ in range(STEPS):
        h = dynamics.alpha * v + current
        s = (h >= dynamics.v_threshold).float()
        v = h - dynamics.v_threshold * s
        total += last(s)
    return total / STEPS
