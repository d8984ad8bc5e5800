"""What a training reports of held-out and of test images."""

from typing import TYPE_CHECKING

import torch

from snnlab.learning.dataset import Samples


if TYPE_CHECKING:
    from snnlab.learning.train import Training

TEACHER_BATCH = 500


def validated(training: "Training") -> dict[str, float]:
    metrics = training.evaluate(training.validation)
    metrics["validation_loss"] = metrics.pop("loss")
    return metrics


def tested(training: "Training") -> dict[str, float]:
    """The test split is read once, at the end; the costs reported are those of the test images."""
    metrics = training.evaluate(training.test)
    metrics["test_loss"], metrics["test_accuracy"] = metrics.pop("loss"), metrics.pop("accuracy")
    metrics |= teacher_accuracy(training, training.test)
    metrics["parameters"] = float(sum(p.numel() for p in training.network.layers.parameters()))
    return metrics


@torch.no_grad()
def teacher_accuracy(training: "Training", samples: Samples) -> dict[str, float]:
    """How well the teacher classifies these samples, if there is one."""
    teacher, teaching = training.network.teacher, training.spec.rule.teacher(training.spec)
    if teacher is None or teaching is None:
        return {}
    correct = 0
    for part in torch.arange(len(samples)).split(TEACHER_BATCH):
        output = teacher.eval()(training.encode(samples.images[part], teaching)).mean(0)
        correct += int((output.argmax(1).cpu() == samples.labels[part]).sum())
    return {"teacher_accuracy": 100 * correct / len(samples)}
