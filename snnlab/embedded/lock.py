"""One `up` per data folder."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from snnlab.embedded.process import EmbeddedError, private_folder


class AlreadyUp(EmbeddedError):
    """Another process holds the data folder."""

    def __init__(self, home: Path, pid: str) -> None:
        super().__init__(f"snnlab is already up on {home} (pid {pid})")
        self.home = home
        self.pid = pid


@contextlib.contextmanager
def only_one(home: Path) -> Iterator[None]:
    """Hold the data folder; the kernel lets go of it however this process ends."""
    path = private_folder(home) / "up.lock"
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        _lock(handle, home)
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(handle)


def _lock(handle: int, home: Path) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        pid = os.pread(handle, 20, 0).decode().strip() or "unknown"
        raise AlreadyUp(home, pid) from None
