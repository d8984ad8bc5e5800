"""Downloads that go on where they were interrupted, and archives."""

import re
import sys
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from snnlab.learning.errors import DataError


TIMEOUT = 20
CHUNK = 1 << 16


def download(url: str, target: Path, known_hash: str) -> Path:
    """Download a file and verify it; `known_hash` is such as "sha256:...".

    Raises OSError, or ValueError if the hash is another.
    """
    import pooch

    pooch.retrieve(
        url, known_hash=known_hash, fname=target.name, path=target.parent, downloader=resuming
    )
    return target


def resuming(url: str, output: str, _pooch: object) -> None:
    """Download to `output`, by way of a .part file that outlives an interruption.

    What is in it is not trusted: the checksum of the whole is compared afterwards.
    """
    import requests

    part = Path(output).parent / f"{Path(url).name}.part"
    have = part.stat().st_size if part.exists() else 0
    headers = {"Range": f"bytes={have}-"} if have else {}
    with requests.get(url, stream=True, timeout=TIMEOUT, headers=headers) as answer:
        if answer.status_code != requests.codes.requested_range_not_satisfiable:  # else complete
            answer.raise_for_status()
            resumed = answer.status_code == requests.codes.partial_content
            left = int(answer.headers.get("Content-Length", 0))
            with (
                part.open("ab" if resumed else "wb") as file,
                shown(part.stem, have if resumed else 0, left) as advance,
            ):
                for chunk in answer.iter_content(CHUNK):
                    file.write(chunk)
                    advance(len(chunk))
    part.replace(output)


class shown:
    """A progress bar on a terminal; nothing where nobody looks."""

    def __init__(self, name: str, have: int, left: int) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn
        from rich.progress import TransferSpeedColumn as Speed

        columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), Speed())
        console = Console(stderr=True)
        self.bar = Progress(*columns, console=console, disable=not sys.stderr.isatty())
        self.task = self.bar.add_task(name, completed=have, total=have + left if left else None)

    def __enter__(self) -> Any:
        self.bar.start()
        return lambda size: self.bar.advance(self.task, size)

    def __exit__(self, *_: object) -> None:
        self.bar.stop()


def extract(place: Path, members: str, into: Path) -> None:
    """Take the files whose names match `members` wholly out of a tar or zip file, nothing else.

    So no name in the archive can lead out of `into`, as long as `members` allows none that does.
    """
    wanted = re.compile(members)
    try:
        for name, read in entries(place):
            if wanted.fullmatch(name):
                put(read(), into / name)
    except (tarfile.TarError, zipfile.BadZipFile, EOFError) as error:
        raise DataError(f"{place} is no archive: {error}. Delete it") from error


def entries(place: Path) -> Iterator[tuple[str, Callable[[], bytes]]]:
    """Name and content of each regular file in an archive, in its order."""
    if place.suffix == ".zip":
        with zipfile.ZipFile(place) as archive:
            for info in archive.infolist():
                if not info.is_dir():
                    yield info.filename, partial(archive.read, info)
        return
    with tarfile.open(place) as tar:
        for member in tar:
            if member.isfile() and (content := tar.extractfile(member)):
                yield member.name, content.read


def put(content: bytes, target: Path) -> None:
    """Write a file completely or not at all."""
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_name(f".{target.name}.part")
    try:
        unfinished.write_bytes(content)
        unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)
