r"""How large the gradients of an untrained network are, layer by layer.

A spike's slope, :math:`\mathrm{height} \cdot h((v - \theta) / \mathrm{width})`, multiplies every
gradient that passes a population. The wider (or higher) it is, the more neurons pass gradients on,
and with the number of layers and steps they explode; if it is too narrow, they vanish: Ledinauskas
et al. 2020, arXiv:2006.04436. Of that paper only the abstract was at hand, so its settings and the
values it found best are not known here: what is shown is measured, on the network given.
"""

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from snnlab.learning.errors import TrainingError
from snnlab.learning.neuron import Firing
from snnlab.learning.rules.bptt import BPTT
from snnlab.learning.spec import Spec
from snnlab.learning.stepping import spiking
from snnlab.learning.train import Training


class Gradient(NamedTuple):
    """The gradient of one layer's weights at one width and height of the surrogate slope."""

    depth: int  # populations between image and readout
    time_steps: int
    height: float
    width: float
    layer: str
    log10_norm: float | None  # None where it is 0 or no finite number


def diagnose(
    spec: Spec,
    *,
    widths: Sequence[float],
    heights: Sequence[float] = (1.0,),
    time_steps: Sequence[int] = (),
    depths: Sequence[int] = (),
    seed: int = 1,
) -> Iterator[Gradient]:
    """Measure the gradients of BPTT for the first batch of training images, at initialisation.

    Times and depths are those of the spec, unless given. Raises SpecError for a width or height
    that no neuron may have, and TrainingError for a network that has no such thing.
    """
    if not isinstance(spec.neuron, Firing):
        raise TrainingError("neurons that do not spike have no surrogate slope. Choose others")
    for depth in depths or (0,):
        for steps in time_steps or (spec.time_steps,):
            changed = changes(spec, depth, steps)
            batch = first_batch(changed, seed)
            for height in heights:
                for width in widths:
                    yield from gradients(changed, width, height, batch, seed)


def changes(spec: Spec, depth: int, time_steps: int) -> Spec:
    """The spec at that depth, 0 for its own: every hidden layer as large as its first."""
    definition = spec.model_dump(mode="json") | {"time_steps": time_steps}
    if depth:
        if not definition["network"].get("hidden"):
            raise TrainingError(
                "only a network of hidden layers can be made deeper. Set network.kind to mlp"
            )
        definition["network"]["hidden"] = [definition["network"]["hidden"][0]] * depth
    return Spec.parse(definition)


def first_batch(spec: Spec, seed: int) -> tuple[Tensor, Tensor]:
    training = Training(spec, "cpu", seed)
    samples = training.train[torch.arange(min(spec.batch_size, len(training.train)))]
    return training.encode(samples.images), samples.labels


def gradients(
    spec: Spec, width: float, height: float, batch: tuple[Tensor, Tensor], seed: int
) -> Iterator[Gradient]:
    """The gradient of each layer that has weights."""
    slope = {"surrogate_width": width, "surrogate_height": height}
    neuron = spec.neuron.parse(spec.neuron.model_dump(mode="json") | slope)
    dataset, steps = spec.dataset, spec.time_steps
    network = spec.network.build(
        dataset.shape, dataset.classes, neuron, time_steps=steps, seed=seed
    ).double()  # 50 layers leave the range of single precision, in both directions
    inputs, labels = batch
    list(BPTT().updates(network, inputs.double(), labels))
    depth = len(spiking(network))
    for name, module in network.layers.named_modules():
        if isinstance(module, nn.Linear | nn.Conv2d):
            norm = 0.0 if module.weight.grad is None else float(module.weight.grad.norm())
            layer = name.removesuffix(".synapse")
            yield Gradient(depth, steps, height, width, layer, log10(norm))


def log10(norm: float) -> float | None:
    return math.log10(norm) if 0 < norm < math.inf else None
