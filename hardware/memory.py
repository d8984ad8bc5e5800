"""What learning has to remember, in bits, on the chip and on the host.

Weights and all that a store keeps beside them count; samples do not, nor a teacher's network. An
emulated batch stands for samples that a chip is shown one after the other: where their changes
take effect together, each synapse adds them up in an accumulator of its own.
"""

import math
from dataclasses import dataclass

from hardware.network import Network
from hardware.stores import WORD, Shadow, Stochastic
from hardware.traffic import in_the_loop as loop_traffic
from hardware.traffic import local_tandem as tandem_traffic


@dataclass(frozen=True)
class Memory:
    """Bits."""

    chip: int
    host: int


def synapses(network: Network) -> int:
    """Weights, and biases as weights from an input that is always on."""
    biases = sum(layer.bias.numel() for layer in network.layers if layer.bias is not None)
    return sum(layer.weight.numel() for layer in network.layers) + biases


def local_tandem(
    network: Network,
    store: Shadow | Stochastic,
    *,
    steps: int,
    batch: int,
    target_bits: int,
    at: str = "batch",
) -> Memory:
    """Each neuron counts its spikes and holds its target; the host holds the next batch's."""
    waiting = WORD if at == "batch" and batch > 1 else 0
    neurons = sum(layer.neurons for layer in network.layers if layer.dynamics)
    counters = neurons * (math.ceil(math.log2(steps + 1)) + target_bits)
    readout = 0 if network.layers[-1].dynamics else network.layers[-1].neurons * (WORD + 1)
    ahead = tandem_traffic(network, target_bits).to_chip
    chip = synapses(network) * (store.memory + waiting) + counters + readout
    return Memory(chip, math.ceil(batch * ahead))


def plasticity(network: Network, store: Shadow | Stochastic) -> Memory:
    """A trace for each input of a layer and each neuron; pairs wait at the synapse for the end."""
    layers = [layer for layer in network.layers if layer.dynamics is not None]
    traces = sum(math.prod(layer.shape_in) + layer.neurons for layer in layers)
    return Memory(synapses(network) * (store.memory + WORD) + WORD * traces, 0)


def in_the_loop(
    network: Network, store: Shadow | Stochastic, *, steps: int, batch: int, read_bits: int
) -> Memory:
    """The chip holds weights alone; the host what it learns with, and all that it has read."""
    weight = store.bits or WORD
    read = loop_traffic(network, steps, batch, read_bits, weight).from_chip
    return Memory(
        synapses(network) * weight, synapses(network) * store.memory + round(batch * read)
    )
