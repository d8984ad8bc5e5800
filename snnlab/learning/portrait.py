"""What a finished training keeps of itself, to be looked at: bounded, and drawn without a trace.

Which class each test image was taken for, some that were taken wrongly, and how one image passes
through the network: who spikes when, and the potential of a few neurons. The one image more costs
less than a batch. Neither weights nor generators are any different afterwards.
"""

import logging
from typing import Any

import torch
from torch import Tensor, nn

from snnlab.learning.energy import Population
from snnlab.learning.evaluation import Tested
from snnlab.learning.layers import Spiking
from snnlab.learning.network import SpikingNetwork
from snnlab.learning.neuron import Firing
from snnlab.learning.stepping import hooked


Portrait = dict[str, Tensor]
log = logging.getLogger(__name__)

MOST_WRONG = 16  # images
MOST_LAYERS, MOST_NEURONS, MOST_TRACES, MOST_STEPS = 32, 64, 4, 256
MOST_CLASSES = 256


def drawn(training: Tested) -> Portrait:
    """The portrait, or nothing where memory does not suffice: it is not worth a run that ended."""
    try:
        return portray(training)
    except RuntimeError as error:
        log.warning("there is no portrait of this training: %s", error)
        return {}


def portray(training: Tested) -> Portrait:
    """The portrait of a network whose test images have just been classified."""
    test, predicted = training.test, training.predicted
    classes = training.spec.dataset.classes
    found: Portrait = {}
    if classes <= MOST_CLASSES:
        found["confusion"] = confusion(test.labels, predicted, classes)
    wrong = (predicted != test.labels).nonzero()[:MOST_WRONG, 0]
    found["wrong/images"] = test.images[wrong].clone()
    found["wrong/labels"] = torch.stack([test.labels[wrong], predicted[wrong]], 1)
    found["sample/image"] = test.images[0].clone()
    found["sample/labels"] = torch.stack([test.labels[0], predicted[0]])
    return found | passage(training, test.images[:1])


def confusion(labels: Tensor, predicted: Tensor, classes: int) -> Tensor:
    """How many images of each class (row) were taken for each class (column)."""
    pairs = labels * classes + predicted
    return torch.bincount(pairs, minlength=classes**2).view(classes, classes).int()


@torch.no_grad()
def passage(training: Tested, image: Tensor) -> Portrait:
    """How one image passes through the network; what it draws is given back to the generator."""
    found: Portrait = {}
    before = training.generator.get_state()
    named = training.network.layers.named_modules()
    layers = [(name, module) for name, module in named if isinstance(module, Population)]
    with hooked(
        module.register_forward_hook(hook(found, name)) for name, module in layers[:MOST_LAYERS]
    ):
        training.network.eval()(training.encode(image))
    training.generator.set_state(before)
    return found


def hook(found: Portrait, name: str) -> Any:
    def look(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        if isinstance(module, Spiking) and not module.neuron.spiking:
            return
        spikes = output[:MOST_STEPS, 0].flatten(1)
        neurons = spread(spikes.shape[1])
        raster = spikes[:, neurons.to(spikes.device)].to(torch.uint8).cpu()
        found[f"raster/{name}"], found[f"neurons/{name}"] = raster, neurons
        found[f"size/{name}"] = torch.tensor(spikes.shape[1])
        found[f"place/{name}"] = torch.tensor(sum(key.startswith("place/") for key in found))
        if isinstance(module, Spiking) and isinstance(module.neuron, Firing):
            chosen = neurons[raster.sum(0, dtype=torch.int64).argsort(descending=True, stable=True)]
            found.update(traces(module, inputs[0], name, chosen[:MOST_TRACES]))

    return look


def spread(size: int) -> Tensor:
    """Some of so many neurons, evenly from the first to the last."""
    count = min(size, MOST_NEURONS)
    return torch.linspace(0, size - 1, count, dtype=torch.float64).round().long()


def traces(layer: Spiking, x: Tensor, name: str, chosen: Tensor) -> Portrait:
    """The potential that each step leaves in some neurons: by the plain loop over the steps."""
    neuron = layer.neuron
    assert isinstance(neuron, Firing)
    steps = min(len(x), MOST_STEPS)
    current = layer.current(x)[:, 0].flatten(1)[:, chosen.to(x.device)].float()
    state, potentials = neuron.init(current[0]), []
    for i in current.expand(len(x), -1)[:steps]:
        _, state = neuron.step(i, state)
        potentials.append(state["v"])
    return {
        f"potential/{name}": torch.stack(potentials).float().cpu(),
        f"traced/{name}": chosen,
        f"threshold/{name}": torch.as_tensor(neuron.v_threshold, dtype=torch.float32).cpu().clone(),
    }


def gradient_norms(network: SpikingNetwork) -> dict[str, float]:
    """The norm of the gradient of each layer's weights as it is now, and of all of them."""
    norms = {
        name.removesuffix(".synapse"): module.weight.grad.norm().item()
        for name, module in network.layers.named_modules()
        if isinstance(module, nn.Linear | nn.Conv2d) and module.weight.grad is not None
    }
    if not norms:
        return {}
    whole = sum(norm**2 for norm in norms.values()) ** 0.5
    return {"gradient_norm": whole} | {f"gradient_norm/{n}": norm for n, norm in norms.items()}
