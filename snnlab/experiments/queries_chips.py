"""What each chip of a run did, read from the run's newest checkpoint."""

from typing import Any

from safetensors import SafetensorError, safe_open

from snnlab.experiments.artifacts import path_of
from snnlab.experiments.models import Checkpoint
from snnlab.learning.metrics import PER_CHIP


KIND = "network/"  # what begins the names of a checkpoint's tensors in its file


def per_chip(run_id: int) -> dict[str, list[list[float]]]:
    """The accuracy of each chip in percent, a row for each test or level; none where none is kept.

    Reads those tensors alone, and not the weights beside them.
    """
    newest = Checkpoint.objects.filter(run=run_id).order_by("-step")
    digest = newest.values_list("artifact_id", flat=True).first()
    if digest is None:
        return {}
    try:
        with safe_open(path_of(digest), framework="np") as file:
            there = {name.removeprefix(KIND): name for name in file.offset_keys()}
            wanted = {name: place for name, place in there.items() if PER_CHIP.fullmatch(name)}
            return {name: table(file.get_tensor(place)) for name, place in wanted.items()}
    except (OSError, SafetensorError):
        return {}


def table(tensor: Any) -> list[list[float]]:
    rows: list[list[float]] = tensor.reshape(-1, tensor.shape[-1]).tolist()
    return rows
