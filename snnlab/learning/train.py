"""The one training loop: it describes training, and whoever asks for the next item drives it."""

import math
import time
from collections.abc import Generator, Iterator
from copy import deepcopy
from dataclasses import dataclass, field, replace
from statistics import fmean

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from snnlab.learning import kept, parallel
from snnlab.learning.checkpoint import Best, Checkpoint, load
from snnlab.learning.dataset import Samples, joined, split
from snnlab.learning.energy import metered
from snnlab.learning.errors import NonFiniteLoss
from snnlab.learning.evaluation import tested, validated
from snnlab.learning.machine import check, environment
from snnlab.learning.network import SpikingNetwork
from snnlab.learning.portrait import drawn, gradient_norms
from snnlab.learning.spec import Spec


EVALUATION_BATCH = 500
EVALUATION_STEPS = 4_000  # images times steps: more do not fit the cache
POWERS = [2**i for i in range(10)]
STUDENT = 2**32  # added to its seed: a student must not begin with its teacher's first weights


@dataclass(frozen=True)
class Step:
    """One batch is done: where training stands inside its epoch.

    The loss is NaN for a rule that has none. `phase` says what is trained, if not the network
    itself.
    """

    epoch: int
    batch: int
    batches: int
    loss: float
    epochs: int
    phase: str = ""


@dataclass
class Training:
    """Everything that one training holds in memory."""

    spec: Spec
    device: str
    seed: int
    network: SpikingNetwork = field(init=False)
    optimizer: torch.optim.Optimizer = field(init=False)
    generator: torch.Generator = field(init=False)
    train: Samples = field(init=False)
    validation: Samples = field(init=False)
    test: Samples = field(init=False)
    data: str = field(init=False)
    caveat: str = field(init=False)
    best: Best | None = field(init=False, default=None)
    predicted: Tensor = field(init=False, default_factory=lambda: torch.empty(0))
    gradients: dict[str, float] = field(init=False, default_factory=dict)
    portrait: dict[str, Tensor] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        spec, dataset = self.spec, self.spec.dataset
        check(spec.precision, self.device)
        parallel.check(spec.rule.learning, spec.batch_size)
        data = dataset.chosen()
        self.train, self.validation = split(
            data.train, spec.validation, dataset.train_size, self.seed
        )
        self.test = data.test
        self.data, self.caveat = data.digest, joined((data.caveat, dataset.narrowing))
        taught = spec.rule.teacher(spec) is not None
        self.network = self.built(spec, self.seed + STUDENT * taught)
        self.network.precision, self.network.recompute = spec.precision, spec.memory == "recompute"
        self.generator = torch.Generator().manual_seed(self.seed)

    def built(self, spec: Spec, seed: int) -> SpikingNetwork:
        """The network of a spec, its weights drawn from the seed."""
        dataset = self.spec.dataset
        return spec.network.build(
            dataset.shape, dataset.classes, spec.neuron, time_steps=spec.time_steps, seed=seed
        ).to(self.device)

    def prepare(self, *, resumed: bool) -> Iterator[Step]:
        """Give the rule all that it needs, a trained teacher first.

        A checkpoint to resume from holds the teacher too.
        """
        spec = self.spec
        if teaching := spec.rule.teacher(spec):
            self.network.teacher = self.built(teaching, self.seed)
            if not resumed:
                taught = yield from teach(teaching, self.seed, self.device, self.data)
                self.network.teacher.load_state_dict(taught.network)
                parallel.agree_on(self.network.teacher)
            self.network.teacher.requires_grad_(requires_grad=False)
        spec.rule.prepare(self.network)
        self.optimizer = spec.optimizer.build(self.network.parameters())

    @property
    def batches(self) -> int:
        """Updates in an epoch: the rest of the images that fills no batch waits for the next."""
        return max(1, len(self.train) // self.spec.batch_size)

    @property
    def evaluation_batch(self) -> int:
        """Few images at once where each has many steps: time is folded into the batch."""
        return max(1, min(EVALUATION_BATCH, EVALUATION_STEPS // self.spec.time_steps))

    def encode(self, images: Tensor, spec: Spec | None = None) -> Tensor:
        """What the network of a spec gets of these images, of its own unless another is given."""
        spec = spec or self.spec
        pixels = images.to(self.device).float().div_(255)
        mean, std = (x.to(self.device) for x in spec.dataset.normalisation())
        return spec.encoder.encode(pixels, spec.time_steps, (mean, std), self.generator)

    def epoch(self, epoch: int) -> Iterator[Step]:
        """Change the weights once through the training images, in an order drawn anew."""
        self.network.train()
        self.generator.set_state(parallel.agree(self.generator.get_state()))
        order = torch.randperm(len(self.train), generator=self.generator)
        for batch, chosen in enumerate(order.split(self.spec.batch_size)[: self.batches]):
            self.set_learning_rate((epoch - 1 + batch / self.batches) / self.spec.epochs)
            loss = self.update(chosen, epoch, looks=batch + 1 == self.batches)
            yield Step(epoch, batch + 1, self.batches, loss, self.spec.epochs)
        self.spec.rule.settle(self.network)

    def update(self, chosen: Tensor, epoch: int, *, looks: bool) -> float:
        """Train with one batch; give its loss. `looks` at the gradients before they are used."""
        samples = self.train[chosen]
        mean, _ = self.spec.dataset.normalisation()
        images = self.spec.augmentation.augment(
            samples.images.to(self.device), mean, self.generator
        )
        inputs = parallel.share(self.encode(images), 1)
        labels = parallel.share(samples.labels.to(self.device))
        losses = []
        for own in self.spec.rule.updates(self.network, inputs, labels):
            loss = parallel.total(own, len(labels) / len(samples))
            if not math.isfinite(loss):
                raise NonFiniteLoss(
                    f"the loss became {loss} in epoch {epoch}. Lower optimizer.lr or "
                    "neuron.surrogate_width, or set rule.max_gradient"
                )
            parallel.sum_gradients(self.network.parameters(), len(labels) / len(samples))
            self.gradients = gradient_norms(self.network) if looks else {}
            self.optimizer.step()
            self.optimizer.zero_grad(set_to_none=True)
            losses.append(loss)
        return fmean(losses) if losses else math.nan

    def set_learning_rate(self, progress: float) -> None:
        for group in self.optimizer.param_groups:
            group["lr"] = self.spec.optimizer.lr * self.spec.schedule.factor(progress)

    @torch.no_grad()
    def evaluate(self, samples: Samples) -> dict[str, float]:
        """Loss, accuracy and cost of the network on these samples; `predicted` are their classes.

        Also the accuracy that it would have had after 1, 2, 4, ... steps.
        """
        self.network.eval()
        steps = self.spec.time_steps
        marks = [t for t in POWERS if t <= steps]
        loss, early, predicted = 0.0, torch.zeros(len(marks)), []
        with metered(self.network) as meter:
            for part in torch.arange(len(samples)).split(self.evaluation_batch):
                labels = samples.labels[part].to(self.device)
                sums = self.network(self.encode(samples.images[part])).cumsum(0)
                loss += cross_entropy(sums[-1] / steps, labels, reduction="sum").item()
                classes = sums.argmax(2)
                predicted.append(classes[-1].cpu())
                early += (classes == labels).sum(1).cpu()[[t - 1 for t in marks]]
                meter.images += len(part)
        self.predicted, n = torch.cat(predicted), len(samples)
        correct = int((self.predicted == samples.labels).sum())
        by_time = {
            f"accuracy_at/{t}": 100 * c / n for t, c in zip(marks, early.tolist(), strict=True)
        }
        return {"loss": loss / n, "accuracy": 100 * correct / n, **by_time, **meter.metrics()}

    def weights(self) -> dict[str, Tensor]:
        """A copy of the network's tensors, because state_dict() hands out the living ones."""
        return {k: v.detach().cpu().clone() for k, v in self.network.state_dict().items()}

    def consider(self, epoch: int, accuracy: float) -> None:
        """Keep these weights if they are to be tested, as far as is known by now."""
        if self.spec.selection == "held-out" and (not self.best or accuracy > self.best.accuracy):
            own = {k: v for k, v in self.weights().items() if not k.startswith("teacher.")}
            self.best = Best(epoch, accuracy, own)

    def select(self, last: int) -> int:
        """Take up the weights that are to be tested; gives the epoch that left them."""
        if self.best is None:
            return last
        self.network.load_state_dict({**self.network.state_dict(), **self.best.network})
        return self.best.epoch

    def checkpoint(self, epoch: int, metrics: dict[str, float]) -> Checkpoint:
        return Checkpoint(
            definition=self.spec.digest(),
            seed=self.seed,
            epoch=epoch,
            metrics=metrics,
            network=self.weights(),
            optimizer=deepcopy(self.optimizer.state_dict()),
            generator=self.generator.get_state(),
            environment=environment(self.device),
            data=self.data,
            caveat=self.caveat,
            best=self.best,
            portrait=self.portrait,
        )

    def restore(self, checkpoint: Checkpoint) -> None:
        checkpoint.continues(self.spec.digest(), self.seed, self.data)
        self.best, self.portrait = checkpoint.best, checkpoint.portrait
        self.network.load_state_dict(checkpoint.network)
        self.optimizer.load_state_dict(deepcopy(checkpoint.optimizer))
        self.generator.set_state(checkpoint.generator)


def train(
    spec: Spec, *, seed: int, resume: Checkpoint | None = None, device: str = "cpu"
) -> Iterator[Step | Checkpoint]:
    """Train; yield a Step after each batch and a Checkpoint after each epoch.

    To stop, do not ask for the next item. On a CPU, with the same number of threads, a training
    resumed from a checkpoint ends with the same bits as one that was never stopped. Only the last
    checkpoint has read the test images. Raises TrainingError.
    """
    training = Training(spec, device, seed)
    yield from training.prepare(resumed=resume is not None)
    if resume:
        training.restore(resume)
    yield from trained(training, after=resume.epoch if resume else 0)


def trained(training: Training, *, after: int) -> Iterator[Step | Checkpoint]:
    """The epochs that follow `after`; the weights that were tested are in place then."""
    epochs = training.spec.epochs
    for epoch in range(after + 1, epochs + 1):
        start, losses = time.perf_counter(), []
        for step in training.epoch(epoch):
            losses.append(step.loss)
            yield step
        if parallel.rank():
            yield training.checkpoint(epoch, {})
            continue
        metrics = {} if math.isnan(losses[-1]) else {"loss": fmean(losses)}
        metrics |= training.gradients | validated(training)
        training.consider(epoch, metrics["accuracy"])
        if epoch == epochs:
            metrics["selected_epoch"] = float(training.select(epoch))
            metrics |= tested(training)
            training.portrait = drawn(training)
        metrics["seconds"] = time.perf_counter() - start
        yield training.checkpoint(epoch, metrics)


def teach(
    spec: Spec, seed: int, device: str, data: str, phase: str = "teacher"
) -> Generator[Step, None, Checkpoint]:
    """Train a teacher, or find it in the cache: every run of a sweep has the same one."""
    place = kept.place(spec.digest(), seed, environment(device), data)
    if parallel.decides(yes=place.exists()):
        return load(place)
    last = None
    for item in train(spec, seed=seed, device=device):
        if isinstance(item, Step):
            yield replace(item, phase=item.phase or phase)
        else:
            last = item
    assert last is not None
    if not parallel.rank():
        kept.keep(last)
    return last
