"""Tests a trained network on chips that get worse, see `hardware.robustness`."""

import math
from collections.abc import Generator, Iterator

import torch
from torch import Tensor

from hardware.chips import Draws
from hardware.circuits import Chips, Foundry
from hardware.nonidealities import Nonidealities
from hardware.robustness import Row, accuracies, area, correct, foundries, level, summary
from snnlab.learning.calibration import Calibration, Lesson, own_rates
from snnlab.learning.checkpoint import Checkpoint
from snnlab.learning.chip import Emulated, Local, NoChip
from snnlab.learning.deploy import lesson, shown
from snnlab.learning.errors import TrainingError
from snnlab.learning.metrics import named
from snnlab.learning.plain import plain
from snnlab.learning.spec import Spec
from snnlab.learning.task import Robustness, Train
from snnlab.learning.train import Step, Training, teach


def try_chips(
    spec: Spec, task: Robustness, seed: int, device: str, resume: Checkpoint | None
) -> Iterator[Step | Checkpoint]:
    """A checkpoint for each kind of flaw: the accuracy of each chip, (levels, chips), in percent.

    Then, calibrated, one for each level: (tests, chips). What no chip can run is refused before it
    is trained. Raises TrainingError.
    """
    alone = {"task": Train(), "chip": NoChip(), "deploy": "off-chip"}
    training = Training(spec.model_copy(update=alone), device, seed)
    yield from training.prepare(resumed=True)
    fits(training, task)
    taught = yield from trained(training)
    tried = Tried(spec, task, training, taught)
    if resume:
        resume.continues(spec.digest(), seed, training.data)
        tried.found = dict(resume.network)
    for name, levels in task.grid().items():
        if f"chips/{name}" not in tried.found:
            yield from tried.uncalibrated(name, levels)
    if spec.deploy == "calibrated":
        for name, levels in task.grid().items():
            for at in levels:
                if f"learned/{name}/{at:g}" not in tried.found:
                    yield from tried.calibrated(name, at)


class Tried:
    """What has been found out by now, and how to find out more."""

    def __init__(
        self, spec: Spec, task: Robustness, training: Training, taught: Checkpoint
    ) -> None:
        self.spec, self.task, self.training, self.taught = spec, task, training, taught
        self.network = plain(training.network.eval().cpu(), spec.dataset.shape)
        self.samples = shown(training, training.test, task.images)
        self.found: dict[str, Tensor] = {}

    def uncalibrated(self, name: str, levels: tuple[float, ...]) -> Iterator[Step | Checkpoint]:
        """All levels of one kind of flaw, which share what they can."""
        flaws = [self.task.flaws(name, at) for at in levels]
        chips, seed = range(self.task.chips), self.task.chip_seed
        accuracy = 100 * accuracies(self.network, flaws, self.samples, chips, seed=seed)
        yield Step(self.number, 1, 1, math.nan, self.last, phase="chips")
        yield self.checkpoint(f"chips/{name}", accuracy, told(name, levels, accuracy))

    def calibrated(self, name: str, at: float) -> Iterator[Step | Checkpoint]:
        """One level: the chips learn, and are tested after the first and after the last pass."""
        local, training, spec = self.learning, self.training, self.spec
        made = self.made(self.task.flaws(name, at))
        bits = int(at) if name == "bits" else None
        calibration = Calibration(made, local, bits, spec.time_steps, training.seed)
        images = min(local.images or len(training.train), len(training.train))
        tests: dict[int, Tensor] = {}
        for number in range(1, local.epochs + 1):
            for done, total in calibration.epoch(number, images, local.batch_size, self.teach):
                place = f"calibration at {name} {at:g}, pass {number} of {local.epochs}"
                yield Step(self.number, done, total, math.nan, self.last, phase=place)
            if number in (1, local.epochs):
                tests[number] = self.right(calibration.chips())
        metrics = calibration.metrics()
        for number, accuracy in tests.items():
            line = level(name, at, accuracy.tolist())
            metrics |= named(line, f"{name}/{at:g}/{number}")
        yield self.checkpoint(f"learned/{name}/{at:g}", torch.stack([*tests.values()]), metrics)

    @property
    def learning(self) -> Local:
        assert isinstance(self.spec.chip, Emulated)
        return self.spec.chip.learning

    def made(self, wrong: Nonidealities) -> list[Chips]:
        """The same chips as those that do not learn."""
        task = self.task
        chunks = foundries(self.network, self.samples, range(task.chips), seed=task.chip_seed)
        return [foundry.make(wrong) for foundry in chunks]

    def teach(self, chosen: Tensor) -> Lesson:
        x, labels = lesson(self.training, chosen)
        return Lesson(x, own_rates(self.network, x, self.spec.time_steps), labels)

    def right(self, made: list[Chips]) -> Tensor:
        """The accuracy of each chip, in percent."""
        found = torch.cat([correct([chips], self.samples)[0] for chips in made])
        return 100 * found.double() / len(self.samples.labels)

    @property
    def number(self) -> int:
        """Of the next checkpoint."""
        return len(self.found) + 1

    @property
    def last(self) -> int:
        return self.task.checkpoints(self.spec)

    def checkpoint(self, name: str, accuracy: Tensor, metrics: dict[str, float]) -> Checkpoint:
        """What was found, beside all that was found before; a checkpoint keeps its own."""
        number, training = self.number, self.training
        self.found = self.found | {name: accuracy}
        return Checkpoint(
            definition=self.spec.digest(),
            seed=training.seed,
            epoch=number,
            metrics=metrics,
            network=self.found,
            optimizer={},
            generator=training.generator.get_state(),
            environment=self.taught.environment,
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
        for at in levels:
            try:
                foundry.make(task.flaws(name, at))
            except ValueError as error:
                raise TrainingError(f"task.{name} {at:g}: {error}") from error


def told(name: str, levels: tuple[float, ...], accuracy: Tensor) -> dict[str, float]:
    """Mean, spread, interval and worst chip of each level, and the area under the means."""
    rows = [
        Row(name, at, chip, share)
        for at, chips in zip(levels, accuracy.tolist(), strict=True)
        for chip, share in enumerate(chips)
    ]
    lines = summary(rows)
    metrics = {f"chip_area/{name}": area(lines)}
    for line in lines:
        metrics |= named(line, f"{name}/{line.level:g}")
    return metrics
