"""One training in this process: goes on from a checkpoint, keeps its own, and can be told about."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from snnlab.client import health
from snnlab.client.trouble import Code, Trouble
from snnlab.learning import checkpoint as files
from snnlab.learning.checkpoint import Checkpoint
from snnlab.learning.deploy import per_chip
from snnlab.learning.machine import code
from snnlab.learning.spec import Spec
from snnlab.learning.train import Step
from snnlab.learning.work import work


@dataclass
class Training:
    """What was asked for, and how far it has come."""

    spec: Spec
    seed: int
    device: str = "cpu"
    save: Path | None = None
    last: Checkpoint | None = None
    epochs: list[dict[str, Any]] = field(default_factory=list)

    def items(self) -> Iterator[Step | Checkpoint]:
        """Train to the end; each checkpoint is kept and, if asked for, saved before it is shown."""
        try:
            for item in work(self.spec, seed=self.seed, resume=self.last, device=self.device):
                if isinstance(item, Checkpoint):
                    self.keep(item)
                yield item
        except RuntimeError as error:
            if "out of memory" in str(error) or "can't allocate memory" in str(error):
                raise Trouble(Code.FAILED, NO_MEMORY, reason="oom") from error
            raise

    def keep(self, checkpoint: Checkpoint) -> None:
        self.last = checkpoint
        self.epochs.append({"epoch": checkpoint.epoch, "metrics": checkpoint.metrics})
        if self.save:
            store(checkpoint, self.save)

    @property
    def newest(self) -> dict[str, float]:
        """The latest value of each number: chips are tried after the network's last epoch."""
        points = [epoch["metrics"] for epoch in self.epochs]
        return {name: value for metrics in points for name, value in metrics.items()}

    def document(self) -> dict[str, Any]:
        """The outcome, as `--json` prints it."""
        assert self.last is not None
        return {
            "code": code(),
            "definition": self.spec.model_dump(mode="json"),
            "digest": self.spec.digest(),
            "seed": self.seed,
            "environment": self.last.environment,
            "data": {"sha256": self.last.data, "caveat": self.last.caveat},
            "epochs": self.epochs,
            "results": self.last.metrics,
            "chips": per_chip(self.last.network),
            "weights_sha256": files.weights_digest(self.last),
            "checkpoint": str(self.save) if self.save else None,
            "warnings": health.warnings(self.newest),
        }


NO_MEMORY = "there is not enough memory for this network. Lower batch_size, time_steps or its size"


def store(checkpoint: Checkpoint, path: Path) -> None:
    try:
        files.save(checkpoint, path)
    except OSError as error:
        raise Trouble(
            Code.FAILED,
            f"epoch {checkpoint.epoch} cannot be saved to {path}: {error}. Make room, or name"
            " another file. What was saved there before is still whole",
            reason="disk_full",
        ) from error


def resumed(path: Path, spec: Spec, seed: int | None) -> Checkpoint:
    """The checkpoint in a file, if it belongs to this definition and seed.

    Another definition would not end where the interrupted one would have; another seed would even
    train on images that were held out before.
    """
    if not path.exists():
        raise Trouble(Code.NOT_FOUND, f"{path}: there is no such checkpoint to resume from")
    checkpoint = files.load(path)
    if checkpoint.definition != spec.digest():
        raise Trouble(
            Code.WRONG,
            f"{path} holds a training of definition {checkpoint.definition}, and this one is"
            f" {spec.digest()}. Resume with the definition that was interrupted",
        )
    if seed is not None and seed != checkpoint.seed:
        raise Trouble(
            Code.WRONG,
            f"{path} holds a training with seed {checkpoint.seed}, not {seed}. Leave --seed out",
        )
    return checkpoint


def present(device: str) -> str:
    """The device, if this machine and this PyTorch have it."""
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).splitlines()[0]
        raise Trouble(
            Code.WRONG, f"there is no device {device} here: {reason}. Try --device cpu"
        ) from error
    return device
