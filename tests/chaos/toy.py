"""In place of workers.engine: a training whose every number is a function of spec, seed and epoch.

Written without torch, so that a trainer starts at once and can be killed often.
"""

import hashlib
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


HEAVY = "x" * 6000


@dataclass(frozen=True)
class Spec:
    epochs: int
    batches: int
    pause: float
    trick: str


@dataclass(frozen=True)
class Step:
    epoch: int
    batch: int
    batches: int
    loss: float
    epochs: int


@dataclass(frozen=True)
class Checkpoint:
    epoch: int
    metrics: dict[str, float]
    weights: str
    data: str = "toy"
    caveat: str = "numbers made up"
    ballast: str = ""


class NonFinite(Exception):
    reason = "non_finite_loss"


class Unreadable(ValueError):
    problems = ("epochs must be a number",)


def parse(definition: dict[str, Any]) -> Spec:
    if "dataset" in definition:  # a real one, as pages and the API make it
        return Spec(definition["epochs"], batches=5, pause=0.02, trick="")
    if definition["trick"] == "unreadable":
        raise Unreadable
    return Spec(**definition)


def prepare(threads: int) -> None:
    pass


def hand(path: Path) -> None:
    print(f"given {path.name}", flush=True)


def environment(device: str) -> dict[str, Any]:
    return {"torch": "toy", "threads": 1, "device": device}


def save(checkpoint: Checkpoint, path: Path) -> None:
    path.write_text(json.dumps(asdict(checkpoint)))


def load(path: Path) -> Checkpoint:
    return Checkpoint(**json.loads(path.read_text()))


def weights_digest(checkpoint: Checkpoint) -> str:
    return hashlib.sha256(checkpoint.weights.encode()).hexdigest()


def last(spec: Spec) -> int:
    return spec.epochs


def work(
    spec: Spec, *, seed: int, resume: Checkpoint | None, device: str
) -> Iterator[Step | Checkpoint]:
    """Each batch hashes the weights on, so a skipped or repeated one would show."""
    weights = resume.weights if resume else str(seed)
    for epoch in range(resume.epoch + 1 if resume else 1, spec.epochs + 1):
        print(f"epoch {epoch}", flush=True)
        for batch in range(1, spec.batches + 1):
            time.sleep(spec.pause)
            play(spec.trick, epoch, batch)
            weights = hashlib.sha256(f"{weights} {batch}".encode()).hexdigest()
            yield Step(epoch, batch, spec.batches, loss_of(weights), spec.epochs)
        metrics = {"loss": loss_of(weights)}
        if spec.trick == "nan" and epoch == 2:
            metrics["loss"] = float("nan")
        if epoch == spec.epochs:
            metrics["test_accuracy"] = 100 * loss_of(weights)
        yield Checkpoint(epoch, metrics, weights, ballast=HEAVY if spec.trick == "heavy" else "")


def loss_of(weights: str) -> float:
    return int(weights[:8], 16) / 2**32


def play(trick: str, epoch: int, batch: int) -> None:
    """What can go wrong in a training."""
    if epoch != 2 or batch != 1:
        return
    if trick.startswith("once "):
        trick = trick.removeprefix("once ") if first_time() else ""
    if trick:
        TRICKS[trick]()


def first_time() -> bool:
    """Whether nobody was here yet: a file in the folder for temporary files waits to be taken."""
    try:
        os.unlink(Path(os.environ["TMPDIR"], "once"))
    except FileNotFoundError:
        return False
    return True


def die() -> None:
    os._exit(3)


def fail() -> None:
    raise NonFinite("the loss became nan")


def shout() -> None:
    for _ in range(60):
        sys.stdout.write("x" * 99_999 + "\n")


def fill() -> None:
    raise OSError(28, "No space left on device")


def bug() -> None:
    raise KeyError("a bug")


def swell() -> None:
    raise MemoryError


def gobble() -> None:
    hoard = b"x" * (300 * 2**20)
    time.sleep(3600)
    print(len(hoard))


def tell() -> None:
    for name, value in os.environ.items():
        print(f"{name}={value}")
    print("cores", sorted(os.sched_getaffinity(0)))


TRICKS: dict[str, Callable[[], None]] = {
    "die": die,
    "fail": fail,
    "shout": shout,
    "full": fill,
    "bug": bug,
    "oom": swell,
    "gobble": gobble,
    "sleep": lambda: time.sleep(3600),
    "environment": tell,
    "nan": lambda: None,
    "heavy": lambda: None,
}
