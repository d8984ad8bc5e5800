"""Puts a network onto its chips, and lets it learn there: `chip` and `deploy` of a definition.

Off the chip: profile, check, map, quantise, program, chips, trial. Calibrated: the same, and then
passes of online local tandem learning on each chip, which is to fire as the network on the host
does. On the chip: no weight is ever trained elsewhere; the host sends the teacher's rates alone.
"""

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from hardware.check import demand
from hardware.circuits import Chips
from hardware.energy import Energy
from hardware.network import Network
from hardware.program import compile
from hardware.quantise import chosen_bits
from hardware.robustness import Samples, foundries, level
from hardware.trial import Trial, analog, digital
from hardware.unknown import Unknown
from snnlab.learning.calibration import Calibration, Lesson, own_rates
from snnlab.learning.checkpoint import Checkpoint
from snnlab.learning.chip import Emulated
from snnlab.learning.dataset import Samples as Images
from snnlab.learning.encoders import is_constant
from snnlab.learning.errors import TrainingError
from snnlab.learning.landing import untrained
from snnlab.learning.metrics import PER_CHIP, named
from snnlab.learning.plain import plain
from snnlab.learning.spec import Spec
from snnlab.learning.tandem import Tandem
from snnlab.learning.train import Step, Training, trained


CHIPS = "chips/"  # what begins the names of a checkpoint's tensors that are not the network's
OF_HOST = ("test_accuracy", "test_loss", "teacher_accuracy", "energy", "parameters")
NANO, MILLI = 1e-9, 1e-3


def deployed(
    spec: Spec, seed: int, device: str, resume: Checkpoint | None
) -> Iterator[Step | Checkpoint]:
    """Train as `deploy` says and try the chips.

    What does not fit on the chip is refused before anything is trained. Raises TrainingError.
    """
    training = Training(spec, device, seed)
    fleet = Fleet(training, untrained(spec, training.seed))
    yield from training.prepare(resumed=resume is not None)
    after = 0
    if resume:
        training.restore(replace(resume, network=without(resume.network)))
        after = resume.epoch
    if spec.deploy == "on-chip":
        yield from learned(training, fleet, resume)
        return
    known = resume.metrics if resume else {}
    for item in trained(training, after=after):
        known = item.metrics if isinstance(item, Checkpoint) else known
        yield item
    network = plain(training.network.eval().cpu(), spec.dataset.shape)
    host = {name: known[name] for name in OF_HOST if name in known}
    yield from tried(training, Fleet(training, network, host), resume)


class Fleet:
    """The chips of a run, all with the same program; `host` is what the network reached there."""

    def __init__(
        self, training: Training, network: Network, host: Mapping[str, float] | None = None
    ) -> None:
        chip = training.spec.chip
        assert isinstance(chip, Emulated)
        self.chip, self.network, self.training = chip, network, training
        self.host = dict(host or {})
        self.untaught: Tensor | None = None  # accuracies before chips learned, if they did
        learns = training.spec.deploy != "off-chip"
        try:
            self.mapping = demand(chip.facts, network, bits=chip.bits, learning=learns)
        except ValueError as error:
            raise TrainingError(f"chip: {error}") from error
        self.program = compile(
            chip.facts, network, bits=chip.bits, method=chip.scale, mapping=self.mapping
        )

    def made(self) -> list[Chips]:
        """The chips as they come, in chunks; their weights are those of the program."""
        chip, network, samples = self.chip, self.program.network, self.samples(test=True)
        chunks = foundries(network, samples, range(chip.chips), seed=chip.seed)
        return [foundry.make(chip.flaws()) for foundry in chunks]

    def samples(self, *, test: bool) -> Samples:
        """The first test images, or held-out ones."""
        training = self.training
        images = training.test if test else training.validation
        return shown(training, images, self.chip.images)

    def calibration(self) -> Calibration:
        """The chips as they come, ready to learn."""
        spec, chip = self.training.spec, self.chip
        bits = chosen_bits(chip.facts, chip.bits)
        return Calibration(self.made(), chip.learning, bits, spec.time_steps, self.training.seed)

    def trial(self, made: Sequence[Chips], *, test: bool) -> Trial:
        samples = self.samples(test=test)
        if self.chip.digital and self.training.spec.deploy == "off-chip":
            return digital(self.program, self.mapping, samples)
        return analog(self.program, self.mapping, made, samples)

    def checkpoint(
        self, number: int, made: Sequence[Chips], calibration: Calibration | None, *, test: bool
    ) -> Checkpoint:
        """What chips do with held-out images and, at the end, with test images."""
        start = time.perf_counter()
        held_out = self.trial(made, test=False).accuracy
        metrics = {"chip_held_out": 100 * held_out.mean().item()}
        if number == self.training.spec.task.checkpoints(self.training.spec):
            metrics |= self.host
        kept = {} if self.untaught is None else {"untaught": self.untaught}
        if calibration:
            metrics |= calibration.metrics()
            kept |= calibration.state()
        if test:
            trial = self.trial(made, test=True)
            metrics |= self.metrics(trial)
            kept["accuracy"] = 100 * trial.accuracy
        metrics["seconds"] = time.perf_counter() - start
        made_of = self.training.checkpoint(number, metrics)
        tensors = {CHIPS + name: tensor for name, tensor in kept.items()}
        return replace(made_of, network=made_of.network | tensors)

    def metrics(self, trial: Trial) -> dict[str, float]:
        """Accuracies in percent, costs, and what happened inside."""
        line = level("", 0.0, (100 * trial.accuracy).tolist())
        fixed = {"chip_overflows": float(trial.overflows), "chip_cores": float(self.mapping.cores)}
        fired = {f"chip_rate/{name}": rate for name, rate in trial.rates.items()}
        learned = {}
        if self.training.spec.deploy == "on-chip":  # there is no network but those of the chips
            learned["test_accuracy"] = line.mean
        return named(line) | costs(trial.energy) | fixed | fired | learned


def tried(
    training: Training, fleet: Fleet, resume: Checkpoint | None
) -> Iterator[Step | Checkpoint]:
    """A checkpoint of the chips as they come; and, calibrated, one after each pass."""
    spec, local, first = training.spec, fleet.chip.learning, training.spec.epochs + 1
    after = max(resume.epoch if resume else 0, spec.epochs)
    if resume is None or after < first:
        before = fleet.checkpoint(first, fleet.made(), None, test=True)
        yield before
    else:
        before = resume
    if spec.deploy != "calibrated":
        return
    fleet.untaught = only(before.network).get("untaught", only(before.network).get("accuracy"))

    def teach(chosen: Tensor) -> Lesson:
        x, labels = lesson(training, chosen)
        return Lesson(x, own_rates(fleet.network, x, spec.time_steps), labels)

    images = min(local.images or len(training.train), len(training.train))
    yield from passes(
        fleet,
        resume if after > first else None,
        range(max(after, first) + 1, first + local.epochs + 1),
        lambda calibration, number: calibration.epoch(number, images, local.batch_size, teach),
        phase="calibration",
    )


def learned(
    training: Training, fleet: Fleet, resume: Checkpoint | None
) -> Iterator[Step | Checkpoint]:
    """Epochs on the chips alone, from the first weights on."""
    spec, rule = training.spec, training.spec.rule
    assert isinstance(rule, Tandem)

    def teach(chosen: Tensor) -> Lesson:
        x, labels = lesson(training, chosen)
        return Lesson(x, rule.targets(training.network, x[0]), labels)

    images = len(training.train)
    yield from passes(
        fleet,
        resume,
        range(resume.epoch + 1 if resume else 1, spec.epochs + 1),
        lambda calibration, number: calibration.epoch(number, images, spec.batch_size, teach),
    )


def passes(
    fleet: Fleet,
    resume: Checkpoint | None,
    numbers: range,
    learn: Callable[[Calibration, int], Iterator[tuple[int, int]]],
    phase: str = "",
) -> Iterator[Step | Checkpoint]:
    """The chips learn; a checkpoint after each pass, and the test images after the last."""
    calibration = fleet.calibration()
    if resume:
        calibration.restore(only(resume.network))
    for number in numbers:
        for done, total in learn(calibration, number):
            yield Step(number, done, total, math.nan, numbers.stop - 1, phase=phase)
        last = number == numbers.stop - 1
        yield fleet.checkpoint(number, calibration.chips(), calibration, test=last)


def lesson(training: Training, chosen: Tensor) -> tuple[Tensor, Tensor]:
    """What chips are shown of these training images, (1 or time, batch, ...), and the labels."""
    samples = training.train[chosen]
    x = training.encode(samples.images).cpu()
    return x[:1] if is_constant(x) else x, samples.labels


def shown(training: Training, split: Images, images: int) -> Samples:
    """The first images of a split, as the network gets them."""
    part = split[torch.arange(min(images, len(split)))]
    x = training.encode(part.images).cpu()
    return Samples(x[:1] if is_constant(x) else x, part.labels, training.spec.time_steps)


def costs(energy: Energy) -> dict[str, float]:
    """Energy in nJ and time in ms of one image; what nobody can know is left out."""
    known = {
        "chip_energy": (energy.total, NANO),
        "chip_energy_least": (energy.known or Unknown("no price is published"), NANO),
        "chip_energy_average": (energy.average, NANO),
        "chip_latency": (energy.seconds, MILLI),
    }
    return {n: x / unit for n, (x, unit) in known.items() if not isinstance(x, Unknown)}


def per_chip(network: Mapping[str, Tensor]) -> dict[str, list[list[float]]]:
    """The accuracy of each chip that a checkpoint holds, in percent: a row for each test."""
    return {
        name: [[round(share, 2) for share in row] for row in torch.atleast_2d(tensor).tolist()]
        for name, tensor in network.items()
        if PER_CHIP.fullmatch(name)
    }


def without(network: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The network's own tensors of a checkpoint."""
    return {name: x for name, x in network.items() if not name.startswith(CHIPS)}


def only(network: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Those of the chips."""
    return {n.removeprefix(CHIPS): x for n, x in network.items() if n.startswith(CHIPS)}
