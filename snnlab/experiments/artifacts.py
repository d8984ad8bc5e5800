"""Stored files, named by what is in them: no user's text ever becomes a path."""

import hashlib
import os
from pathlib import Path

from django.conf import settings


def path_of(sha256: str) -> Path:
    """Where the file with this digest lies, or would lie."""
    return Path(settings.SNNLAB_HOME) / "artifacts" / sha256[:2] / sha256


def digest(file: Path) -> str:
    """Read the file and give its sha256."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def verifies(sha256: str) -> bool:
    """Whether the stored file is there and is what its name says."""
    path = path_of(sha256)
    return path.is_file() and digest(path) == sha256


def keep(file: Path, sha256: str) -> Path:
    """Move a file into the store. Repeating it after success changes nothing."""
    path = path_of(sha256)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if file.exists():
        os.replace(file, path)
        _sync(path.parent)
    return path


def _sync(folder: Path) -> None:
    """Make a rename in this folder survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
