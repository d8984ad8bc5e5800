"""Counts the operations of a network while it is evaluated, and estimates their energy.

Definitions as in NeuroBench (Yik et al. 2025, doi:10.1038/s41467-025-56739-4): an operation is
effective if neither weight nor input is zero; it is an accumulate (AC) if all inputs of that call
are spikes (-1, 0, 1), else a multiply-accumulate (MAC). Normalisation and pooling are not counted.
Energy: Horowitz 2014, doi:10.1109/ISSCC.2014.6757323, 45 nm, 32-bit float.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, linear

from snnlab.learning.layers import Spiking
from snnlab.learning.metrics import AC_PJ, MAC_PJ
from snnlab.learning.network import SpikingNetwork
from snnlab.learning.stdp.competition import Competition
from snnlab.learning.stdp.once import Contrast, FireOnce
from snnlab.learning.stepping import hooked


PIECE = 2**18  # elements

Population = Spiking | Competition | Contrast | FireOnce


class Meter:
    """Totals over the images seen so far."""

    def __init__(self) -> None:
        self.images = 0
        self.macs = self.acs = self.synops = 0.0
        self.spikes: dict[str, float] = {}
        self.sites: dict[str, int] = {}
        self.fired: dict[str, Tensor] = {}  # whether each neuron has, for any image
        self.busy: dict[str, int] = {}  # pairs of neuron and image with a spike in every step
        self.pairs: dict[str, int] = {}

    def metrics(self) -> dict[str, float]:
        """Means per image, ready to be recorded."""
        macs, acs, synops = (n / self.images for n in (self.macs, self.acs, self.synops))
        rates = {name: self.spikes[name] / self.sites[name] for name in self.spikes}
        spiking = sum(self.spikes.values()) / max(1, sum(self.sites.values()))
        return {
            "macs": macs,
            "acs": acs,
            "synops": synops,
            "energy": (MAC_PJ * macs + AC_PJ * acs) / 1000,
            "firing_rate": spiking,
            **{f"firing_rate/{name}": rate for name, rate in rates.items()},
            **self.extremes(),
        }

    def extremes(self) -> dict[str, float]:
        """Neurons that say nothing, for they never fire or always do: in each layer and in all."""
        silent = {name: int((~fired).sum()) for name, fired in self.fired.items()}
        neurons = {name: fired.numel() for name, fired in self.fired.items()}
        return shares("silent", silent, neurons) | shares("saturated", self.busy, self.pairs)

    def count_spikes(self, name: str, spikes: Tensor) -> None:
        counts = spikes.sum(0)
        self.spikes[name] = self.spikes.get(name, 0.0) + counts.sum(dtype=torch.float64).item()
        self.sites[name] = self.sites.get(name, 0) + spikes.numel()
        fired = (counts > 0).any(0)
        self.fired[name] = fired | self.fired.get(name, fired)
        self.busy[name] = self.busy.get(name, 0) + int((counts == len(spikes)).sum())
        self.pairs[name] = self.pairs.get(name, 0) + counts.numel()

    def count_operations(self, synapse: nn.Module, x: Tensor) -> None:
        """Operations that the input `x` (samples first) causes in a linear layer or convolution."""
        active, spikes = activity(x)
        effective = (active * fan_out(synapse, x.shape[1:], effective=True)).sum().item()
        if not spikes:
            self.macs += effective
            return
        self.acs += effective
        self.synops += (active * fan_out(synapse, x.shape[1:], effective=False)).sum().item()


def activity(x: Tensor) -> tuple[Tensor, bool]:
    """How many samples use each input, and whether all of them are spikes.

    Looked at in pieces that fit into a processor's cache: that is several times as fast.
    """
    active, spikes = torch.zeros_like(x[0]), True
    for part in x.split(max(1, PIECE // x[0].numel())):
        size = part.abs()
        spikes = spikes and torch.equal(size * size, size)  # true of 0 and 1 alone
        active += size.sum(0) if spikes else (size != 0).sum(0)
    return active.double(), spikes


def shares(name: str, some: dict[str, int], of: dict[str, int]) -> dict[str, float]:
    """Percentages, of each layer and of all."""
    whole = 100 * sum(some.values()) / max(1, sum(of.values()))
    return {name: whole} | {f"{name}/{k}": 100 * n / of[k] for k, n in some.items()}


@contextmanager
def metered(network: SpikingNetwork) -> Iterator[Meter]:
    """Count what the network does inside this block."""
    meter = Meter()
    with hooked(
        module.register_forward_hook(hook(meter, name))
        for name, module in network.layers.named_modules()
        if isinstance(module, Population | nn.Linear | nn.Conv2d)
    ):
        yield meter


def hook(meter: Meter, name: str) -> Any:
    def count(module: nn.Module, inputs: tuple[Tensor], output: Tensor) -> None:
        if isinstance(module, nn.Linear | nn.Conv2d):
            meter.count_operations(module, inputs[0])
        elif not isinstance(module, Spiking) or module.neuron.spiking:
            meter.count_spikes(name, output)

    return count


def fan_out(synapse: nn.Module, shape: torch.Size, *, effective: bool) -> Tensor:
    """How many outputs each input reaches; through weights that are not zero, if `effective`.

    It is the gradient of the sum of all outputs, with every weight that counts set to one.
    """
    assert isinstance(synapse, nn.Linear | nn.Conv2d)
    weight = synapse.weight.detach()
    reaches = (weight != 0).double() if effective else torch.ones_like(weight).double()
    with torch.enable_grad():
        x = reaches.new_ones(1, *shape).requires_grad_()
        (reached,) = torch.autograd.grad(outputs(synapse, x, reaches).sum(), x)
    return reached[0]


def outputs(synapse: nn.Linear | nn.Conv2d, x: Tensor, weight: Tensor) -> Tensor:
    if isinstance(synapse, nn.Linear):
        return linear(x, weight)
    return conv2d(
        x,
        weight,
        stride=synapse.stride,
        padding=synapse.padding,
        dilation=synapse.dilation,
        groups=synapse.groups,
    )
