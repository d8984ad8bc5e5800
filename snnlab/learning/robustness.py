"""Tests a trained network on chips that get worse, see `hardware.robustness`."""

import math
from collections.abc import Generator, Iterator

import torch
from torch import Tensor

from hardware.chips import Draws
from hardware.circuits import Foundry
from hardware.nonidealities import nonideality
from hardware.robustness import Row, Samples, accuracies, area, summary
from snnlab.learning.checkpoint import Checkpoint
from snnlab.learning.plain import plain
from snnlab.learning.encoders import is_constant
from snnlab.learning.errors import TrainingError
from snnlab.learning.spec import Spec
from snnlab.learning.task import Robustness, Train
from snnlab.learning.train import Step, Training, teach


def try_chips(
    spec: Spec, task: Robustness, seed: int, device: str, resume: Checkpoint | None
) -> Iterator[Step | Checkpoint]:
    """A checkpoint for each kind of flaw: the accuracy of each chip, (levels, chips), in percent.

    What no chip can run is refused before it is trained. Raises TrainingError.
    """
    training = Training(spec.model_copy(update={"task": Train()}), device, seed)
    yield from training.prepare(resumed=True)
    fits(training, task)
    taught = yield from trained(training)
    chips = plain(training.network.eval().cpu(), spec.dataset.shape)
    samples = shown(training, task.images)
    if resume:
        resume.continues(spec.digest(), seed, training.data)
    found = dict(resume.network) if resume else {}
    for number, (name, levels) in enumerate(task.grid().items(), 1):
        if f"chips/{name}" in found:
            continue
        flaws = [nonideality(name, level, highest=max(levels)) for level in levels]
        shares = accuracies(chips, flaws, samples, range(task.chips), seed=task.chip_seed)
        found = found | {f"chips/{name}": 100 * shares}  # a checkpoint keeps its own
        yield Step(number, 1, 1, math.nan, len(task.grid()), phase="chips")
        yield Checkpoint(
            definition=spec.digest(),
            seed=seed,
            epoch=number,
            metrics=told(name, levels, found[f"chips/{name}"]),
            network=found,
            optimizer={},
            generator=training.generator.get_state(),
            environment=taught.environment,
            data=training.data,
            caveat=training.caveat,
        )


def trained(training: Training) -> Generator[Step, None, Checkpoint]:
    """Train, or find the training in the cache; its weights are in place then."""
    taught = yield from teach(
        training.spec, training.seed, training.device, training.data, phase="training"
    )
    training.network.load_state_dict(taught.network)
    return taught


def fits(training: Training, task: Robustness) -> None:
    """Make one untrained chip for each level: whatever is wrong with them shows now."""
    network = plain(training.network, training.spec.dataset.shape)
    foundry = Foundry(network, Draws(task.chip_seed, range(1)))
    for name, levels in task.grid().items():
        for level in levels:
            try:
                foundry.make(nonideality(name, level, highest=max(levels)))
            except ValueError as error:
                raise TrainingError(f"task.{name} {level:g}: {error}") from error


def shown(training: Training, images: int) -> Samples:
    """The first test images, as the network gets them."""
    test = training.test[torch.arange(min(images, len(training.test)))]
    x = training.encode(test.images)
    return Samples(x[:1] if is_constant(x) else x, test.labels, training.spec.time_steps)


def told(name: str, levels: tuple[float, ...], accuracy: Tensor) -> dict[str, float]:
    """Mean, spread, interval and worst chip of each level, and the area under the means."""
    rows = [
        Row(name, level, chip, share)
        for level, chips in zip(levels, accuracy.tolist(), strict=True)
        for chip, share in enumerate(chips)
    ]
    lines = summary(rows)
    metrics = {f"chip_area/{name}": area(lines)}
    for line in lines:
        place = f"{name}/{line.level:g}"
        metrics |= {
            f"chip_accuracy/{place}": line.mean,
            f"chip_std/{place}": line.std,
            f"chip_low/{place}": line.low,
            f"chip_high/{place}": line.high,
            f"chip_worst/{place}": line.worst,
        }
    return metrics
