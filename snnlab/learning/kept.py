"""Trainings that this machine knows: teachers, and networks that are tested on chips."""

import hashlib
import json
from pathlib import Path
from typing import Any

from snnlab import __version__
from snnlab.learning.checkpoint import Checkpoint, save
from snnlab.learning.files import cache


def place(digest: str, seed: int, environment: dict[str, Any], data: str) -> Path:
    """Where the last checkpoint of this training lies, or would lie."""
    here = json.dumps([__version__, environment, data])
    name = f"{digest}-{seed}-{hashlib.sha256(here.encode()).hexdigest()[:12]}"
    return cache() / "teachers" / f"{name}.safetensors"


def keep(last: Checkpoint) -> None:
    """Let others find a training by its last checkpoint."""
    file = place(last.definition, last.seed, last.environment, last.data)
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        save(last, file)
