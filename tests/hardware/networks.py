"""Small networks to put on chips."""

from itertools import pairwise

import torch

from hardware.network import Dynamics, Layer, Network


def mlp(
    *sizes: int, alpha: float = 0.9, seed: int = 0, dtype: torch.dtype = torch.float32
) -> Network:
    """Dense layers of the given sizes; the last is a readout."""
    generator = torch.Generator().manual_seed(seed)
    layers = []
    for number, (fan_in, fan_out) in enumerate(pairwise(sizes), 1):
        weight = torch.randn(fan_out, fan_in, generator=generator, dtype=dtype) / fan_in**0.5
        dynamics = Dynamics(alpha, 0.5, "soft") if number < len(sizes) - 1 else None
        name = f"fc{number}" if dynamics else "output"
        layers.append(Layer(name, weight, None, (fan_in,), dynamics=dynamics))
    return Network(tuple(layers), 1e-3)


def convnet(size: int = 8, maps: int = 4, seed: int = 0) -> Network:
    """A convolution, 2 x 2 max-pooling and a dense readout."""
    generator = torch.Generator().manual_seed(seed)
    kernel = torch.randn(maps, 1, 3, 3, generator=generator) / 3
    dense = torch.randn(10, maps * (size // 2) ** 2, generator=generator) / 4
    first = Layer(
        "conv1",
        kernel,
        None,
        (1, size, size),
        padding=1,
        pool="max",
        dynamics=Dynamics(1.0, 0.5, "soft"),
    )
    return Network((first, Layer("output", dense, None, (dense.shape[1],))), 1e-3)


def spikes(steps: int, batch: int, *shape: int, rate: float = 0.3, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return (torch.rand(steps, batch, *shape, generator=generator) < rate).float()
