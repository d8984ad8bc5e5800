"""Does a definition's task, whatever it is: what a run, in the queue or not, calls."""

import math
from collections.abc import Iterator

import torch

from snnlab.learning.checkpoint import Checkpoint
from snnlab.learning.deploy import deployed
from snnlab.learning.diagnosis import diagnose
from snnlab.learning.machine import environment
from snnlab.learning.robustness import try_chips
from snnlab.learning.spec import Spec
from snnlab.learning.task import Gradients, Robustness
from snnlab.learning.train import Step, train


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
    return train(spec, seed=seed, resume=resume, device=device)


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
