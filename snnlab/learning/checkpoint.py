"""Where training stands after an epoch, and how that is kept in a file.

A file is safetensors: tensors by name, and JSON for the rest. Nothing in it is ever executed.
"""

import errno
import hashlib
import json
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from snnlab.learning.errors import DataError, TrainingError


PORTRAIT = "portrait/"


@dataclass(frozen=True)
class Best:
    """The epoch with the best held-out accuracy, the first of equals, and its weights."""

    epoch: int
    accuracy: float
    network: dict[str, Tensor]


@dataclass(frozen=True)
class Checkpoint:
    """What to show of an epoch, and all that is needed to go on from its end.

    `definition` is the digest of the spec and `data` that of the images; only with the same ones,
    and the same seed, can training go on. `best` is what the best epoch so far has left, if the
    weights to test are chosen by held-out accuracy; `portrait` is what the last one shows.
    """

    definition: str
    seed: int
    epoch: int
    metrics: dict[str, float]
    network: dict[str, Tensor]
    optimizer: dict[str, Any]
    generator: Tensor
    environment: dict[str, Any] = field(default_factory=dict)
    data: str = ""
    caveat: str = ""
    best: Best | None = None
    portrait: dict[str, Tensor] = field(default_factory=dict)

    def continues(self, definition: str, seed: int, data: str) -> None:
        """Refuse to go on with another definition, seed or copy of the data. Raises TrainingError.

        Another definition would not end where the interrupted one would have; another seed would
        even train on images that were held out before.
        """
        if (self.definition, self.seed) != (definition, seed):
            raise TrainingError(
                f"the checkpoint is of definition {self.definition}, seed {self.seed}, but this is "
                f"definition {definition}, seed {seed}. Resume with what was interrupted"
            )
        if self.data != data:
            raise TrainingError(
                f"the checkpoint was trained on data {self.data[:12]}, but this copy of the data "
                f"set is {data[:12]}. Resume with the same files"
            )


def save(checkpoint: Checkpoint, path: Path) -> None:
    """Write the file completely or not at all. Raises OSError."""
    tensors = {f"network/{name}": t.contiguous() for name, t in checkpoint.network.items()}
    tensors |= {PORTRAIT + name: t.contiguous() for name, t in checkpoint.portrait.items()}
    tensors["generator"] = checkpoint.generator
    rest = {
        "definition": checkpoint.definition,
        "seed": checkpoint.seed,
        "epoch": checkpoint.epoch,
        "metrics": checkpoint.metrics,
        "environment": checkpoint.environment,
        "optimizer": pack(checkpoint.optimizer, "optimizer", tensors),
        "data": checkpoint.data,
        "caveat": checkpoint.caveat,
        "best": pack(vars(checkpoint.best) if checkpoint.best else None, "best", tensors),
    }
    unfinished = path.with_suffix(f".{os.getpid()}")
    try:
        save_file(tensors, unfinished, metadata={"checkpoint": json.dumps(rest)})
        with unfinished.open("rb+") as written:
            os.fsync(written.fileno())
        unfinished.rename(path)
    except SafetensorError as error:  # its words hold the number of the system's error, if any
        number = re.search(r"os error (\d+)", str(error))
        raise OSError(int(number[1]) if number else errno.EIO, str(error), str(path)) from error
    finally:
        unfinished.unlink(missing_ok=True)


def load(path: Path) -> Checkpoint:
    """Read a file written by `save`. Raises DataError if it is anything else."""
    try:
        with safe_open(path, framework="pt") as content:
            rest = json.loads(content.metadata()["checkpoint"])
            tensors = {name: content.get_tensor(name) for name in content.keys()}  # noqa: SIM118
        return restored(rest, tensors)
    except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
        raise DataError(f"{path} is no checkpoint of this version of snnlab: {error}") from error


def restored(rest: dict[str, Any], tensors: dict[str, Tensor]) -> Checkpoint:
    network = {
        name.removeprefix("network/"): t for name, t in tensors.items() if name[:8] == "network/"
    }
    return Checkpoint(
        definition=rest["definition"],
        seed=rest["seed"],
        epoch=rest["epoch"],
        metrics=rest["metrics"],
        network=network,
        optimizer=unpack(rest["optimizer"], tensors),
        generator=tensors["generator"],
        environment=rest["environment"],
        data=rest["data"],
        caveat=rest["caveat"],
        best=Best(**unpack(rest["best"], tensors)) if rest["best"] else None,
        portrait={
            name.removeprefix(PORTRAIT): tensor
            for name, tensor in tensors.items()
            if name.startswith(PORTRAIT)
        },
    )


def pack(value: Any, name: str, tensors: dict[str, Tensor]) -> Any:
    """`value` as JSON can hold it; each tensor goes into `tensors`, and its name in its place.

    Objects become lists of pairs, because JSON has no integer keys.
    """
    if isinstance(value, Tensor):
        tensors[name] = value.contiguous()
        return {"tensor": name}
    if isinstance(value, dict):
        return {"pairs": [[k, pack(v, f"{name}/{k}", tensors)] for k, v in value.items()]}
    if isinstance(value, list | tuple):
        return [pack(v, f"{name}/{i}", tensors) for i, v in enumerate(value)]
    return value


def unpack(value: Any, tensors: dict[str, Tensor]) -> Any:
    """The reverse of `pack`; tuples come back as lists."""
    if isinstance(value, list):
        return [unpack(v, tensors) for v in value]
    if not isinstance(value, dict):
        return value
    if "tensor" in value:
        return tensors[value["tensor"]]
    return {k: unpack(v, tensors) for k, v in value["pairs"]}


def weights_digest(checkpoint: Checkpoint) -> str:
    """SHA-256 over the network's weights, bit by bit."""
    digest = hashlib.sha256()
    for name, tensor in sorted(checkpoint.network.items()):
        digest.update(name.encode())
        digest.update(tensor.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
