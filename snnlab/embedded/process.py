"""Folders, processes and logs: what running a server as a child takes."""

import contextlib
import hashlib
import os
import shutil
import signal
import stat
import time
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO


LOG_LIMIT = 10_000_000  # bytes; a longer log is moved aside at the next start
SOCKET_FOLDER_LIMIT = 80  # characters; the whole path of a socket may have 107


class EmbeddedError(RuntimeError):
    """A server cannot run; the message says what, where and the way out."""


def socket_folder(home: Path) -> Path:
    """Where the sockets lie: in the data folder, or under /tmp when that path is too long.

    The answer depends on nothing but the folder and the user, so every process finds it alone.
    """
    folder = home.resolve() / "sock"
    if len(str(folder)) <= SOCKET_FOLDER_LIMIT:
        return folder
    digest = hashlib.sha256(str(folder).encode()).hexdigest()[:12]
    return Path(f"/tmp/snnlab-{os.getuid()}-{digest}")


def private_folder(folder: Path) -> Path:
    """Make a folder that only this user may enter, or refuse one that others could enter."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        info = folder.lstat()
    except OSError as error:
        raise _no_rights(folder, error.strerror or str(error)) from error
    if not stat.S_ISDIR(info.st_mode) or info.st_uid != os.getuid():
        raise _no_rights(folder, "it must be a folder of this user's own")
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        raise _no_rights(folder, "no right to write in it")
    if info.st_mode & 0o077:
        folder.chmod(0o700)
    return folder


def _no_rights(folder: Path, reason: str) -> EmbeddedError:
    return EmbeddedError(
        f"cannot use the folder {folder}: {reason}. "
        "Make it yours (chown, chmod u+rwx), or set SNNLAB_HOME to another folder"
    )


def need_space(folder: Path, megabytes: int) -> None:
    """Refuse to begin what a full disk would stop half-way."""
    free = shutil.disk_usage(folder).free // 1_000_000
    if free < megabytes:
        raise EmbeddedError(
            f"not enough disk space in {folder}: {megabytes} MB are needed, {free} MB are free. "
            "Make room, or set SNNLAB_HOME to a folder on another disk"
        )


def dying_with_parent(command: list[str], how: signal.Signals) -> list[str]:
    """The same command, to which the kernel sends `how` when its parent dies, even by kill -9.

    The parent is the thread that starts it: start such a command from the main thread.
    """
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", how.name, "--", *command] if setpriv else command


def processes_in(folder: Path) -> list[int]:
    """Living processes that work in a folder.

    A pid file may name a zombie, or a stranger that got the same number after a restart of the
    machine; a working folder cannot be inherited that way.
    """
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                if os.readlink(entry / "cwd") == str(folder):
                    found.append(int(entry.name))
    return found


def wait_for(condition: Callable[[], bool], timeout: float, pause: float = 0.03) -> None:
    """Wait until a condition holds; raise TimeoutError when it does not in time."""
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(pause)


def clean_environment() -> dict[str, str]:
    """What a server may know of our environment: where programs are, nothing else."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8", "TZ": "UTC"}


def log_file(path: Path) -> BinaryIO:
    """Open a log to append to, after moving a too long one aside."""
    if path.exists() and path.stat().st_size > LOG_LIMIT:
        path.replace(path.with_suffix(".old.log"))
    return path.open("ab")


def tail(path: Path, characters: int = 2000) -> str:
    """The end of a text file, or nothing if there is none."""
    try:
        return path.read_text(errors="replace")[-characters:]
    except OSError:
        return ""
