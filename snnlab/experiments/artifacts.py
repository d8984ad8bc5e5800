"""Stored files, named by what is in them: no user's text ever becomes a path."""

import errno
import hashlib
import os
import re
import secrets
from collections.abc import Callable
from pathlib import Path

from django.conf import settings


PIECE = 2**20
NAME = re.compile("[0-9a-f]{64}")
INCOMING = "incoming"  # the folder of what is not whole yet; swept like the stored files


class Garbled(ValueError):
    """What arrived is not what it was said to be."""


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
        _move(file, path)
        _sync(path.parent)
    return path


def receive(read: Callable[[int], bytes], sha256: str, size: int) -> None:
    """Store what arrives, once it is whole, verified and on the disk; or leave nothing of it.

    Raises Garbled.
    """
    draft = _draft()
    try:
        found, left = hashlib.sha256(), size
        with draft.open("xb") as file:
            while left and (piece := read(min(PIECE, left))):
                file.write(piece)
                found.update(piece)
                left -= len(piece)
            file.flush()
            os.fsync(file.fileno())
        if left or found.hexdigest() != sha256:
            raise Garbled(f"{size - left} of {size} bytes with sha256 {found.hexdigest()} arrived")
        keep(draft, sha256)
    finally:
        draft.unlink(missing_ok=True)


def _draft() -> Path:
    """A new name beside the stored files, on the same disk."""
    folder = Path(settings.SNNLAB_HOME) / "artifacts" / INCOMING
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder / secrets.token_hex(16)


def _move(file: Path, path: Path) -> None:
    """Rename, whole or not at all, also if the store is a disk of its own."""
    try:
        os.replace(file, path)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        with file.open("rb") as opened:
            size = os.fstat(opened.fileno()).st_size
            receive(opened.read, path.name, size)
        file.unlink()


def _sync(folder: Path) -> None:
    """Make a rename in this folder survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
