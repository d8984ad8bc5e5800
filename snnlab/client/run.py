"""`snnlab run`: trains a definition in this process, without a lab."""

import os
from pathlib import Path
from typing import Any

import click

from snnlab.client import definition, health, render
from snnlab.client.progress import Watch
from snnlab.client.training import Training, present, resumed
from snnlab.client.trouble import Code, Trouble
from snnlab.learning.machine import prepare
from snnlab.learning.train import Step


FIRST_SEED, LARGEST_SEED = 1, 2**31 - 1
A_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command()
@click.argument("spec")
@definition.CHANGES
@click.option("--seed", type=click.IntRange(0, LARGEST_SEED), help="Seed of the run, 1 by default.")
@click.option(
    "--threads", type=click.IntRange(1, 1024), envvar="SNNLAB_THREADS", help="CPU threads."
)
@click.option("--device", default="cpu", show_default=True, help="cpu, cuda, or cuda:1.")
@click.option("--save", type=A_FILE, help="File for a checkpoint after each epoch.")
@click.option("--resume", type=A_FILE, help="Checkpoint to go on from.")
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as JSON.")
def run(*, spec: str, as_json: bool, **choices: Any) -> None:
    """Train SPEC in this process, and print what came out.

    On a CPU, the same definition, seed and number of threads give the same weights, bit by bit,
    also if training was interrupted and resumed.
    """
    training = started(spec, **choices)
    try:
        watched(training)
    except KeyboardInterrupt:
        raise Trouble(Code.INTERRUPTED, farewell(training, spec)) from None
    if as_json:
        click.echo(render.json_text(training.document()))
        return
    assert training.last is not None
    title = f"{training.spec.digest()}, seed {training.seed}, epoch {training.last.epoch}"
    render.show(render.results(training.last.metrics, title))
    for warning in health.warnings(training.newest):
        click.echo(f"Warning: {warning}", err=True)


def started(
    place: str,
    changes: tuple[str, ...],
    seed: int | None,
    threads: int | None,
    device: str,
    save: Path | None,
    resume: Path | None,
) -> Training:
    """The training that was asked for; whatever can be refused is refused before it begins."""
    spec = definition.find(place).spec(changes)
    checkpoint = resumed(resume, spec, seed) if resume else None
    before = checkpoint.environment if checkpoint else {}
    threads = threads or before.get("threads") or len(os.sched_getaffinity(0))
    prepare(threads)
    if before.get("threads", threads) != threads:
        click.echo(
            f"Warning: {before['threads']} threads before and {threads} now: the last bits of the"
            " weights will differ from those of a training that was never interrupted",
            err=True,
        )
    seed = checkpoint.seed if checkpoint else FIRST_SEED if seed is None else seed
    return Training(spec, seed, present(device), writable(save), checkpoint)


def watched(training: Training) -> None:
    spec = training.spec
    with Watch(spec.task.checkpoints(spec), spec.batch_size) as watch:
        for item in training.items():
            if isinstance(item, Step):
                watch.step(item)
            else:
                watch.epoch(item.epoch, item.metrics)


def writable(path: Path | None) -> Path | None:
    """Refuse now what could not be saved after the first epoch."""
    if path and not os.access(path.parent, os.W_OK | os.X_OK):
        why = "no right to write there" if path.parent.is_dir() else "no such folder"
        raise Trouble(Code.WRONG, f"cannot save to {path}: {why}. Name another file")
    return path


def farewell(training: Training, place: str) -> str:
    """What to say after Ctrl-C: where training stands, and how it goes on."""
    epoch = training.last.epoch if training.last else 0
    done = f"stopped after epoch {epoch} of {training.spec.task.checkpoints(training.spec)}"
    if not training.save:
        return f"{done}; nothing is kept. With --save FILE it could go on later"
    if not training.save.exists() or not training.last:
        return f"{done}; there is no checkpoint yet, so start again"
    again = f"snnlab run {place} --resume {training.save} --save {training.save}"
    return f"{done}. To go on: {again}"
