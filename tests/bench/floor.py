"""The least time a step can take here: products and traffic at this machine's full speed."""

import time

import torch
from torch import Tensor, nn

from snnlab.learning.layers import Spiking
from snnlab.learning.linear import onednn, product
from snnlab.learning.network import SpikingNetwork


ARRAYS = 6  # numbers moved for a neuron and a step: current, h, spike; error, h, gradient


def seconds(network: SpikingNetwork, x: Tensor) -> float:
    flops, numbers = work(network, x)
    return flops / product_rate() + 4 * ARRAYS * numbers / copy_rate()


def work(network: SpikingNetwork, x: Tensor) -> tuple[float, float]:
    """Operations of a training step in linear layers and convolutions, and steps of neurons."""
    flops: list[float] = []
    numbers = 0.0

    def count(layer: nn.Module, _: object, output: Tensor) -> None:
        nonlocal numbers
        if isinstance(layer, Spiking):
            numbers += output.numel()
        else:
            # forward and weights; and inputs, but for the first
            passes = 3 if flops else 2
            flops.append(2 * passes * output.numel() * layer.weight[0].numel())

    kinds = Spiking | nn.Linear | nn.Conv2d
    hooks = [m.register_forward_hook(count) for m in network.modules() if isinstance(m, kinds)]
    with torch.no_grad():
        network(x)
    for hook in hooks:
        hook.remove()
    return sum(flops), numbers


def product_rate(size: int = 1536) -> float:
    """Operations per second in the product of two matrices, by whoever is faster here."""
    a, b = torch.randn(2, size, size)
    return 2 * size**3 / fastest(lambda: product(a, b) if onednn() else a @ b)


def copy_rate(size: int = 1 << 25) -> float:
    """Bytes per second, read and written."""
    a, b = torch.ones(2, size)
    return 8 * size / fastest(lambda: a.copy_(b))


def fastest(call) -> float:
    call()
    times = []
    for _ in range(7):
        start = time.process_time() if torch.get_num_threads() == 1 else time.perf_counter()
        call()
        end = time.process_time() if torch.get_num_threads() == 1 else time.perf_counter()
        times.append(end - start)
    return min(times)
