"""What learning costs in bits between host and chip, beyond the samples themselves."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from torch import Tensor

from hardware.network import Network


Item = TypeVar("Item")
Made = TypeVar("Made")


@dataclass(frozen=True)
class Traffic:
    """Bits per sample."""

    to_chip: float
    from_chip: float


def local_tandem(network: Network, target_bits: int) -> Traffic:
    """The target rate of every neuron, and the label; nothing comes back."""
    neurons = [math.prod(layer.shape_out) for layer in network.layers if layer.dynamics]
    classes = math.prod(network.layers[-1].shape_out)
    return Traffic(sum(neurons) * target_bits + math.ceil(math.log2(classes)), 0)


def sent(rates: Mapping[str, Tensor], bits: int) -> dict[str, Tensor]:
    """Rates in 0..1 as a chip gets them: whole numbers of `bits`, of which the largest means 1."""
    most = 2**bits - 1
    return {name: rate.mul(most).round_().div_(most) for name, rate in rates.items()}


def plasticity(network: Network, *, steps: int = 0, reward_bits: int = 0) -> Traffic:
    """Nothing; for a reward the counts of the last layer's spikes, and the number sent back."""
    counts = network.layers[-1].neurons * math.ceil(math.log2(steps + 1)) if reward_bits else 0
    return Traffic(reward_bits, counts)


def in_the_loop(
    network: Network, steps: int, batch: int, read_bits: int, weight_bits: int
) -> Traffic:
    """Gradients on the host: spikes and potentials of all steps there, all weights back per batch.

    A readout's current is read as a potential is.
    """
    neurons = sum(math.prod(layer.shape_out) for layer in network.layers if layer.dynamics)
    classes = 0 if network.layers[-1].dynamics else math.prod(network.layers[-1].shape_out)
    weights = sum(layer.weight.numel() for layer in network.layers)
    read = steps * (neurons * (1 + read_bits) + classes * read_bits)
    return Traffic(weights * weight_bits / batch, read)


def ahead(make: Callable[[Item], Made], items: Iterable[Item]) -> Iterator[Made]:
    """make(item) of all, the next one made while the last one is used: the host beside the chip."""
    with ThreadPoolExecutor(1) as host:
        waiting = None
        for item in items:
            following = host.submit(make, item)
            if waiting is not None:
                yield waiting.result()
            waiting = following
        if waiting is not None:
            yield waiting.result()
