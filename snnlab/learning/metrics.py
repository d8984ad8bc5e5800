"""Every number that a run reports, with its unit, its better direction and its definition."""

import math
import re
from typing import TYPE_CHECKING, Literal, NamedTuple


if TYPE_CHECKING:
    from hardware.robustness import Level  # PyTorch, which tables of numbers can do without


class Metric(NamedTuple):
    """What a number means."""

    name: str
    unit: str
    better: Literal["higher", "lower", ""]
    definition: str


MAC_PJ, AC_PJ = 4.6, 0.9
# names of a checkpoint's tensors with the accuracy of each chip: (chips,) or (tests, chips)
PER_CHIP = re.compile(r"chips/[a-z]+|learned/[a-z]+/[0-9.]+")

TABLE = (
    Metric("loss", "nats", "lower", "mean loss of the training batches in this epoch"),
    Metric("validation_loss", "nats", "lower", "cross-entropy on the held-out training images"),
    Metric("accuracy", "%", "higher", "held-out training images that are classified correctly"),
    Metric("accuracy_at", "%", "higher", "accuracy of the mean output of the first steps alone"),
    Metric("test_loss", "nats", "lower", "cross-entropy on the test images, once, at the end"),
    Metric("test_accuracy", "%", "higher", "test images classified correctly, once, at the end"),
    Metric(
        "teacher_accuracy",
        "%",
        "higher",
        "test images that the teacher classifies correctly: what its student is measured by",
    ),
    Metric(
        "selected_epoch",
        "",
        "",
        "epoch whose weights were tested: the last one, or that with the best held-out accuracy",
    ),
    Metric("firing_rate", "spikes per neuron and step", "", "mean over all spiking neurons"),
    Metric("silent", "%", "lower", "spiking neurons that fired for none of the images"),
    Metric(
        "saturated",
        "%",
        "lower",
        "pairs of spiking neuron and image where the neuron fired in every step",
    ),
    Metric(
        "macs",
        "per image",
        "lower",
        "effective multiply-accumulates: non-zero weight times non-zero input that is no spike; "
        "the current of a constant input is counted once, as it is computed",
    ),
    Metric(
        "acs",
        "per image",
        "lower",
        "effective accumulates: non-zero weight times spike, over all steps (NeuroBench's "
        "Effective_ACs)",
    ),
    Metric(
        "synops",
        "per image",
        "lower",
        "synaptic operations: spikes times the synapses they reach, over all steps",
    ),
    Metric(
        "energy",
        "nJ per image",
        "lower",
        f"estimated, 45 nm: {MAC_PJ} pJ per MAC and {AC_PJ} pJ per AC (Horowitz 2014, "
        "doi:10.1109/ISSCC.2014.6757323); memory, neurons and normalisation are not in it",
    ),
    Metric(
        "gradient_norm",
        "",
        "",
        "norm of the gradient of the weights of linear layers and convolutions, by the last batch "
        "of the epoch",
    ),
    Metric(
        "log10_gradient",
        "",
        "",
        "logarithm of the norm of the gradient of the weights, before training: 0 is a norm of 1",
    ),
    Metric("chip_accuracy", "%", "higher", "test accuracy of the chips, their mean"),
    Metric("chip_std", "%", "lower", "standard deviation of the test accuracy over chips"),
    Metric("chip_low", "%", "higher", "lower end of the 95 % interval of the chips' mean"),
    Metric("chip_high", "%", "higher", "upper end of the 95 % interval of the chips' mean"),
    Metric("chip_worst", "%", "higher", "test accuracy of the worst chip"),
    Metric(
        "chip_area",
        "%",
        "higher",
        "area under the chips' mean test accuracy over the level, per unit of level",
    ),
    Metric("chip_held_out", "%", "higher", "held-out accuracy of the chips, their mean"),
    Metric(
        "chip_energy",
        "nJ per image",
        "lower",
        "of a chip, by the published costs of its events and its static power; left out where "
        "one of them is unknown",
    ),
    Metric(
        "chip_energy_least",
        "nJ per image",
        "lower",
        "what of a chip's energy is known: it is at least that; left out where nothing is",
    ),
    Metric(
        "chip_energy_average",
        "nJ per image",
        "lower",
        "published power of a running chip of that kind, whatever it ran, times the image's time",
    ),
    Metric("chip_latency", "ms per image", "lower", "time that a chip takes for an image"),
    Metric("chip_cores", "", "lower", "cores that hold the network"),
    Metric("chip_rate", "spikes per neuron and step", "", "mean over chips and test images"),
    Metric("chip_overflows", "", "lower", "numbers that did not fit a register of the chip"),
    Metric("chip_updates", "per image", "lower", "neurons that told their synapses to change"),
    Metric("chip_traffic", "bits per image", "lower", "sent by the host so that a chip learns"),
    Metric("parameters", "", "lower", "trainable weights of the network"),
    Metric("seconds", "s", "lower", "time that this epoch took, evaluation included"),
)
METRICS = {metric.name: metric for metric in TABLE}


def metric(name: str) -> Metric:
    """The metric of that name.

    `firing_rate/conv1` is the firing rate of the layer conv1, `accuracy_at/4` the accuracy after
    four steps.
    """
    base, _, layer = name.partition("/")
    known = METRICS[base]
    if not layer:
        return known
    which = f"step {layer}" if base == "accuracy_at" else f"layer {layer}"
    if "/" in layer:
        flaw, level, *passes = layer.split("/")
        which = f"{flaw} at level {level}" + "".join(f", calibrated {n} times" for n in passes)
    return known._replace(name=name, definition=f"{known.definition}: {which}")


def named(line: "Level", place: str = "") -> dict[str, float]:
    """What many chips do at once, as measurements; one chip alone has no spread."""
    found = {
        "chip_accuracy": line.mean,
        "chip_std": line.std,
        "chip_low": line.low,
        "chip_high": line.high,
        "chip_worst": line.worst,
    }
    return {
        f"{name}/{place}" if place else name: value
        for name, value in found.items()
        if not math.isnan(value)
    }
