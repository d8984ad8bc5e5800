"""What a training reports of held-out and of test images."""

from typing import TYPE_CHECKING, Protocol, runtime_checkable

import torch
from torch import Tensor

from snnlab.learning.dataset import Samples
from snnlab.learning.network import SpikingNetwork


if TYPE_CHECKING:
    from snnlab.learning.spec import Spec

TEACHER_BATCH = 500


@runtime_checkable  # the tests check types while they run
class Tested(Protocol):
    """What a report reads of a training; `predicted` are the classes of what was evaluated last."""

    spec: "Spec"
    network: SpikingNetwork
    generator: torch.Generator
    validation: Samples
    test: Samples
    predicted: Tensor

    def encode(self, images: Tensor, spec: "Spec | None" = None) -> Tensor:
        """Images as the network gets them."""

    def evaluate(self, samples: Samples) -> dict[str, float]:
        """Loss, accuracy and cost of the network on these samples."""


def validated(training: Tested) -> dict[str, float]:
    metrics = training.evaluate(training.validation)
    metrics["validation_loss"] = metrics.pop("loss")
    return metrics


def tested(training: Tested) -> dict[str, float]:
    """The test split is read once, at the end; the costs reported are those of the test images."""
    metrics = training.evaluate(training.test)
    metrics["test_loss"], metrics["test_accuracy"] = metrics.pop("loss"), metrics.pop("accuracy")
    metrics |= teacher_accuracy(training, training.test)
    metrics["parameters"] = float(sum(p.numel() for p in training.network.layers.parameters()))
    return metrics


@torch.no_grad()
def teacher_accuracy(training: Tested, samples: Samples) -> dict[str, float]:
    """How well the teacher classifies these samples, if there is one."""
    teacher, teaching = training.network.teacher, training.spec.rule.teacher(training.spec)
    if teacher is None or teaching is None:
        return {}
    correct = 0
    for part in torch.arange(len(samples)).split(TEACHER_BATCH):
        output = teacher.eval()(training.encode(samples.images[part], teaching)).mean(0)
        correct += int((output.argmax(1).cpu() == samples.labels[part]).sum())
    return {"teacher_accuracy": 100 * correct / len(samples)}
