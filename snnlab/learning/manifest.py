"""What a copy of a data set is, if it is not what was published: `snnlab-data.json` beside it."""

import hashlib
import json
import os
from functools import lru_cache
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from snnlab.learning.errors import DataError


NAME = "snnlab-data.json"


class Manifest(BaseModel):
    """A copy that somebody has accepted: its files by their place below the folder of the manifest.

    The checksums here stand in place of the published ones; the caveat goes into every result.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    name: str
    caveat: str = Field(max_length=200)
    files: dict[str, Annotated[str, Field(pattern="^[0-9a-f]{64}$")]] = Field(min_length=1)


def read(folder: Path) -> Manifest | None:
    """The manifest in a folder, if there is one. Raises DataError if it cannot be understood."""
    place = folder / NAME
    try:
        return parsed(place, place.stat().st_mtime_ns)
    except FileNotFoundError:
        return None


@lru_cache(maxsize=16)
def parsed(place: Path, changed: int) -> Manifest:
    """The manifest as it was when it was last `changed`: thousands of files may ask for it."""
    try:
        return Manifest.model_validate_json(place.read_bytes())
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise DataError(
            f"{place} is no description of a data set: {where} {first['msg']}. Write it again with "
            '`snnlab data verify NAME --adopt "caveat"`'
        ) from error


def write(folder: Path, manifest: Manifest) -> Path:
    """Write the manifest completely or not at all."""
    place, unfinished = folder / NAME, folder / f".{NAME}.{os.getpid()}"
    try:
        unfinished.write_text(json.dumps(manifest.model_dump(), indent=1, sort_keys=True) + "\n")
        unfinished.rename(place)
    except OSError as error:
        raise DataError(f"{place} cannot be written: {error.strerror}") from error
    finally:
        unfinished.unlink(missing_ok=True)
    return place


def sha256(place: Path) -> str:
    with place.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
