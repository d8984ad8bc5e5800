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

import torch
from torch import Tensor

from snnlab.learning.conversion.activations import Activations
from snnlab.learning.conversion.chain import give, populations, teacher
from snnlab.learning.conversion.folding import folded
from snnlab.learning.errors import TrainingError
from snnlab.learning.layers import Sequence, Spiking, over_time
from snnlab.learning.network import SpikingNetwork
from snnlab.learning.neuron import Firing


SIMULATED = 16_000  # steps times images at once: time is folded into the batch


def measure(network: SpikingNetwork, images: Tensor, seen: Activations) -> None:
    """Note the activations of the teacher for these images (batch first)."""
    seen.note_input(images)
    numbers = iter(range(len(seen.largest)))
    x = images[None]
    for layer in teacher(network).eval().layers.children():
        x = layer(x)
        if isinstance(layer, Spiking):
            seen.note(next(numbers), x)


def measure_spiking(
    network: SpikingNetwork, inputs: Sequence, seen: Activations, *, bias: bool
) -> None:
    """Raise each scale until no current that the spikes of the layers before cause exceeds it."""
    for x in inputs.split(max(1, SIMULATED // len(inputs)), dim=1):
        before, number = 1.0, 0
        for layer in list(network.layers.children())[:-1]:
            if isinstance(layer, Spiking):
                give(network, number, before, 1.0, bias=bias)
                most = over_time(layer.synapse, x).max() / threshold(layer)
                seen.scales[number] = torch.maximum(seen.scales[number], most)
                scale = audible(number, seen.scales[number].item())
                give(network, number, before, scale, bias=bias)
                before, number = scale, number + 1
            x = layer(x)


def scales(network: SpikingNetwork, seen: Activations, method: str, percent: float) -> list[float]:
    """The scale of every layer, by one of the methods above."""
    layers = populations(teacher(network))
    if method == "model":
        found = list(bounds(layers, seen))
    elif method == "data":
        found = [
            max(largest, folded(layer.synapse, layer.norm)[0].max().item())
            for layer, largest in zip(layers, seen.largest.tolist(), strict=True)
        ]
    elif method == "percentile":
        found = [seen.percentile(number, percent) for number in range(len(layers))]
    elif method == "spike":
        found = seen.scales.tolist()
    else:
        found = [ceiling(layer) for layer in layers]
    return [audible(number, scale) for number, scale in enumerate(found)]


def bounds(layers: list[Spiking], seen: Activations) -> Iterator[float]:
    """The largest activation of each layer that its weights allow."""
    low, high = seen.lowest_input.item(), seen.highest_input.item()
    for layer in layers:
        weight, bias = folded(layer.synapse, layer.norm)
        flat = weight.flatten(1)
        most = flat.clamp(min=0).sum(1) * high + flat.clamp(max=0).sum(1) * low + bias
        low, high = 0.0, most.max().item()
        yield high


def ceiling(layer: Spiking) -> float:
    """Where the output of a teacher's neurons ends."""
    return float(layer.neuron.ceiling)  # type: ignore[attr-defined]


def threshold(layer: Spiking) -> float:
    assert isinstance(layer.neuron, Firing)
    return layer.neuron.v_threshold


def audible(number: int, scale: float) -> float:
    if scale <= 0:
        raise TrainingError(
            f"the teacher's population {number + 1} is silent, so nothing can be scaled to it. "
            "Train the teacher longer, or make rule.percentile or rule.images larger"
        )
    return scale
