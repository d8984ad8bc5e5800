r"""Which activation of each layer, :math:`\lambda_l`, becomes the highest rate of its neurons.

Too low, and strong activations saturate; too high, and many steps pass before the first spike.

- model: the largest activation that the weights allow for any input within the range seen. Diehl et
  al. 2015, doi:10.1109/IJCNN.2015.7280696, which had no biases; here a positive bias is added.
- data: the largest activation seen or the largest weight, whichever is more; ibid. and its code.
- percentile: a percentile of the positive activations seen. Rueckauer et al. 2017,
  doi:10.3389/fnins.2017.00682; its code (snntoolbox) leaves out the zeros, too.
- spike: so that the largest current of any step, in a network that spikes already up to this layer,
  is the threshold. Sengupta et al. 2019, arXiv:1802.02627, which had no biases. Layers are measured
  one after the other within each batch, there for all data.
- ceiling: the ceiling of the teacher's neurons. Bu et al. 2022, arXiv:2303.04347.
"""

from collections.abc import Iterator
from functools import partial

import torch
from torch import Tensor

from snnlab.learning.conversion.activations import Activations
from snnlab.learning.conversion.chain import (
    INPUT,
    Wire,
    populations,
    receive,
    send,
    teacher,
    threshold,
    weights,
    wiring,
)
from snnlab.learning.encoders import is_constant
from snnlab.learning.errors import TrainingError
from snnlab.learning.layers import Sequence, Spiking, over_time
from snnlab.learning.network import SpikingNetwork
from snnlab.learning.stepping import replaced, spiking, watched


SIMULATED = 16_000  # steps times images at once: time is folded into the batch


def image(inputs: Sequence) -> Tensor:
    """What the teacher sees of an input: its mean over time."""
    return inputs[0] if is_constant(inputs) else inputs.mean(0)


def measure(network: SpikingNetwork, images: Tensor, seen: Activations) -> None:
    """Note the activations of the teacher for these images (batch first)."""
    seen.note_input(images)
    numbers = {name: number for number, name in enumerate(spiking(teacher(network)))}
    with watched(teacher(network).eval(), lambda name, y: seen.note(numbers[name], y)):
        teacher(network)(images[None])


def measure_spiking(network: SpikingNetwork, inputs: Sequence, seen: Activations) -> None:
    """Raise each scale until no current that the spikes of the layers before cause exceeds it."""
    for x in inputs.split(max(1, SIMULATED // len(inputs)), dim=1):
        found: list[float] = []

        def balanced(layer: Spiking, given: Sequence, found: list[float] = found) -> Sequence:
            number = len(found)
            receive(network, number, [*found, 1.0])
            most = over_time(layer.synapse, given).max() / threshold(layer)
            seen.scales[number] = torch.maximum(seen.scales[number], most)
            found.append(audible(number, seen.scales[number].item()))
            receive(network, number, found)
            send(network, number, found)
            return Spiking.forward(layer, given)

        send(network, INPUT, found)
        with replaced({layer: partial(balanced, layer) for layer in populations(network)}):
            network(x)


def scales(network: SpikingNetwork, seen: Activations, method: str, percent: float) -> list[float]:
    """The scale of every layer, by one of the methods above."""
    layers = populations(teacher(network))
    if method == "model":
        found = list(bounds(teacher(network), seen))
    elif method == "data":
        found = [
            max(largest, *(weights(wire.layer)[0].max().item() for wire in reaching))
            for (_, reaching), largest in zip(
                wiring(teacher(network)), seen.largest.tolist(), strict=False
            )
        ]
    elif method == "percentile":
        found = [seen.percentile(number, percent) for number in range(len(layers))]
    elif method == "spike":
        found = seen.scales.tolist()
    else:
        found = [ceiling(layer) for layer in layers]
    return [audible(number, scale) for number, scale in enumerate(found)]


def bounds(network: SpikingNetwork, seen: Activations) -> Iterator[float]:
    """The largest activation of each layer that its weights allow."""
    ranges = {INPUT: (seen.lowest_input.item(), seen.highest_input.item())}
    for number, (layer, reaching) in enumerate(wiring(network)):
        if isinstance(layer, Spiking):
            most = sum(highest(wire, *ranges[wire.before]) for wire in reaching)
            assert isinstance(most, Tensor)
            ranges[number] = 0.0, most.max().item()
            yield ranges[number][1]


def highest(wire: Wire, low: float, high: float) -> Tensor:
    """The largest current of each map if every input is between `low` and `high`."""
    weight, bias = weights(wire.layer)
    flat = weight.flatten(1)
    return flat.clamp(min=0).sum(1) * high + flat.clamp(max=0).sum(1) * low + bias


def ceiling(layer: Spiking) -> float:
    """Where the output of a teacher's neurons ends."""
    return float(layer.neuron.ceiling)  # type: ignore[attr-defined]


def audible(number: int, scale: float) -> float:
    if scale <= 0:
        raise TrainingError(
            f"the teacher's population {number + 1} is silent, so nothing can be scaled to it. "
            "Train the teacher longer, or make rule.percentile or rule.images larger"
        )
    return scale
