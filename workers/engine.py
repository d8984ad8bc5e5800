"""What a trainer needs of the science. Tests of the machinery put a toy in its place."""

from typing import Any

from snnlab.learning.checkpoint import Checkpoint, load, save, weights_digest
from snnlab.learning.machine import environment, prepare
from snnlab.learning.spec import Spec
from snnlab.learning.train import Step, train


__all__ = [
    "Checkpoint",
    "Step",
    "environment",
    "load",
    "parse",
    "prepare",
    "save",
    "train",
    "weights_digest",
]


def parse(definition: dict[str, Any]) -> Spec:
    """Raises SpecError."""
    return Spec.parse(definition)
