"""Where a worker's checkpoints go: into the lab's folder, or through the lab's web server.

A worker whose SNNLAB_HOME/artifacts is not the lab's has a key, and asks at SNNLAB_STORE. Files go
before the row that names them: `send`, which may take long, then `place` inside the transaction
that locks the artifact's row, so that nobody removes the file meanwhile.
"""

import errno
import hashlib
import http.client
import json
import logging
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

from django.conf import settings
from django.db import transaction

from snnlab.experiments import artifacts


SLOW = 30  # seconds that the other side may be silent while a file goes through
QUICK = 5  # seconds for an answer without a file

log = logging.getLogger(__name__)


class Unreachable(Exception):
    """The store does not answer, or not sensibly: ask again."""


class Shut(Exception):
    """The store does not let this worker in, or not this file: asking again changes nothing."""


class TooLarge(Shut):
    """The lab takes no file of this size."""


class Store(Protocol):
    """What a worker wants of the store. `tick` is called again and again and may raise."""

    def open(self) -> bool:
        """Whether files can be stored now. Raises Shut."""

    def fetch(self, sha256: str, folder: Path, tick: Callable[[], None]) -> Path | None:
        """A sound copy of this file to read; None if the store has none."""

    def send(self, file: Path, sha256: str, tick: Callable[[], None]) -> None:
        """Bring a file to the store, where it is not safe from being swept yet."""

    def place(self, file: Path, sha256: str) -> Path:
        """Make sure that the store has it, now that its row is locked; where to read it."""

    def drop(self, sha256: str) -> None:
        """Remove a file whose row was deleted in this transaction."""


class Folder:
    """The lab's own folder."""

    def open(self) -> bool:
        return True

    def fetch(self, sha256: str, folder: Path, tick: Callable[[], None]) -> Path | None:
        return artifacts.path_of(sha256) if artifacts.verifies(sha256) else None

    def send(self, file: Path, sha256: str, tick: Callable[[], None]) -> None:
        """Nothing: `place` moves it."""

    def place(self, file: Path, sha256: str) -> Path:
        return artifacts.keep(file, sha256)

    def drop(self, sha256: str) -> None:
        artifacts.path_of(sha256).unlink(missing_ok=True)


class Door:
    """The lab's web server, asked with a worker's key; it is told digests, never names."""

    def __init__(self, address: str, key: str) -> None:
        self.address, self.key = address.rstrip("/") + "/", key

    def open(self) -> bool:
        try:
            self._ask_about("")
        except Unreachable as error:
            log.warning("the lab's store cannot be reached, so no run is taken: %s", error)
            return False
        return True

    def fetch(self, sha256: str, folder: Path, tick: Callable[[], None]) -> Path | None:
        path, found, size = folder / f"{sha256}.given", hashlib.sha256(), 0
        try:
            with self._ask("GET", sha256, SLOW) as answer, path.open("wb") as file:
                while piece := read(answer):
                    tick()
                    file.write(piece)
                    found.update(piece)
                    size += len(piece)
                wanted = int(answer.headers["Content-Length"])
        except Absent:
            return None
        if size != wanted:
            raise Unreachable(f"only {size} of {wanted} bytes of {sha256} came")
        return path if found.hexdigest() == sha256 else None

    def send(self, file: Path, sha256: str, tick: Callable[[], None]) -> None:
        known = self._ask_about(sha256)
        if known["has"]:
            return
        size, largest = file.stat().st_size, known["largest"]
        if size > largest:
            raise TooLarge(f"has {size} bytes, and the lab takes at most {largest}")
        with file.open("rb") as opened:
            self._ask("PUT", sha256, SLOW, pieces(opened, tick), size).close()

    def place(self, file: Path, sha256: str) -> Path:
        if not self._ask_about(sha256)["has"]:
            raise Unreachable(f"{sha256} is gone again from the store")
        return file

    def drop(self, sha256: str) -> None:
        transaction.on_commit(lambda: self._ask("DELETE", sha256, QUICK).close(), robust=True)

    def _ask_about(self, sha256: str) -> dict[str, int]:
        """The size of the largest file that may come, and whether this one is there."""
        try:
            with self._ask("GET", f"?has={sha256}", QUICK) as answer:
                known = json.load(answer)
                return {"largest": int(known["largest"]), "has": bool(known["has"])}
        except (Absent, ValueError, KeyError, TypeError) as error:
            raise Unreachable(f"{self.address} is no store of a lab: {error!r}") from error
        except (OSError, http.client.HTTPException) as error:
            raise Unreachable(f"{self.address} does not answer: {error}") from error

    def _ask(
        self, method: str, sha256: str, patience: float, body: Any = None, size: int = 0
    ) -> Any:
        asked = urllib.request.Request(self.address + sha256, body, method=method)
        asked.add_header("Authorization", f"Bearer {self.key}")
        if body is not None:
            asked.add_header("Content-Type", "application/octet-stream")
            asked.add_header("Content-Length", str(size))
        try:
            return ASKING.open(asked, timeout=patience)
        except urllib.error.HTTPError as error:
            error.close()
            raise meant(error.code, self.address) from error
        except (OSError, http.client.HTTPException) as error:
            raise Unreachable(f"{self.address} does not answer: {error}") from error


class Absent(Exception):
    """The store has no such file."""


class Straight(urllib.request.HTTPRedirectHandler):
    """Goes nowhere else: the key is for one address."""

    def redirect_request(self, *_: Any) -> None:
        return None


ASKING = urllib.request.build_opener(Straight)


def meant(status: int, address: str) -> Exception:
    """What an answer that is no success says."""
    if status == 404:
        return Absent(address)
    if status in (401, 403):
        return Shut(f"{address} does not know this worker's key (any more): join again")
    if status == 413:
        return TooLarge("is larger than the lab takes")
    if status == 507:
        return OSError(errno.ENOSPC, "the lab's disk is full")
    return Unreachable(f"{address} answered {status}")


def read(answer: Any) -> bytes:
    try:
        return bytes(answer.read(artifacts.PIECE))
    except (OSError, http.client.HTTPException) as error:
        raise Unreachable(f"the file broke off: {error}") from error


def pieces(file: Any, tick: Callable[[], None]) -> Iterator[bytes]:
    while piece := file.read(2**16):
        tick()
        yield piece


def store() -> Store:
    """The one of this process."""
    if settings.SNNLAB_STORE:
        return Door(settings.SNNLAB_STORE, settings.SNNLAB_STORE_KEY)
    return Folder()
