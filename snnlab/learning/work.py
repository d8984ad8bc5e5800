"""Does a definition's task, whatever it is: what a run, in the queue or not, calls."""

import math
from collections.abc import Iterator

import torch

from snnlab.learning.checkpoint import Checkpoint
from snnlab.learning.deploy import deployed
from snnlab.learning.diagnosis import diagnose
from snnlab.learning.errors import TrainingError
from snnlab.learning.evaluation import tested
from snnlab.learning.machine import environment
from snnlab.learning.robustness import try_chips
from snnlab.learning.spec import Spec
from snnlab.learning.task import Evaluate, Gradients, Robustness, Train
from snnlab.learning.train import Step, Training, train


def work(
    spec: Spec, *, seed: int, resume: Checkpoint | None = None, device: str = "cpu"
) -> Iterator[Step | Checkpoint]:
    """Do the task; as `snnlab.learning.train.train`, which does most of them."""
    if isinstance(spec.task, Gradients):
        return measure(spec, spec.task, seed, resume)
    if isinstance(spec.task, Robustness):
        return try_chips(spec, spec.task, seed, device, resume)
    if spec.chip.kind != "none":
        return deployed(spec, seed, device, resume)
    if isinstance(spec.task, Evaluate):
        return test_again(spec, seed, device, resume)
    return train(spec, seed=seed, resume=resume, device=device)


def test_again(
    spec: Spec, seed: int, device: str, stored: Checkpoint | None
) -> Iterator[Step | Checkpoint]:
    """One checkpoint: what the test images say of the weights that a training left.

    `stored` is that training's last checkpoint. An encoder that draws its spikes draws other ones
    than after the training. Raises TrainingError without it, or for one of another training.
    """
    if stored is None:
        raise TrainingError(
            "task.kind evaluate: the weights of this definition and seed are not stored. Let the "
            "run wait for a run that trains them"
        )
    if stored.definition == spec.digest():
        return
    training = Training(spec.model_copy(update={"task": Train()}), device, seed)
    yield from training.prepare(resumed=True)
    training.restore(stored)
    selected = float(training.select(stored.epoch))
    yield Step(1, 1, 1, math.nan, 1, phase="testing")
    training.spec = spec
    yield training.checkpoint(1, tested(training) | {"selected_epoch": selected})


def measure(
    spec: Spec, task: Gradients, seed: int, resume: Checkpoint | None
) -> Iterator[Step | Checkpoint]:
    """A checkpoint, without weights, for each point of the grid that is not done yet.

    On the CPU wherever the run is: the numbers have to be of double precision.
    """
    data = spec.dataset.chosen().digest
    if resume:
        resume.continues(spec.digest(), seed, data)
    points, done = task.points(), resume.epoch if resume else 0
    for number, (depth, steps, height, width) in enumerate(points[done:], done + 1):
        found = diagnose(
            spec,
            widths=(width,),
            heights=(height,),
            time_steps=(steps,) if steps else (),
            depths=(depth,) if depth else (),
            seed=seed,
        )
        metrics = {f"log10_gradient/{g.layer}": or_nan(g.log10_norm) for g in found}
        yield Step(number, 1, 1, math.nan, len(points))
        yield Checkpoint(
            definition=spec.digest(),
            seed=seed,
            epoch=number,
            metrics=metrics,
            network={},
            optimizer={},
            generator=torch.Generator().manual_seed(seed).get_state(),
            environment=environment("cpu"),
            data=data,
            caveat=spec.dataset.caveat,
        )


def or_nan(value: float | None) -> float:
    return math.nan if value is None else value
