"""Accepting a copy of a data set that is not what was published."""

from pathlib import Path

from snnlab.learning import manifest
from snnlab.learning.dataset import Dataset
from snnlab.learning.errors import DataError
from snnlab.learning.files import find
from snnlab.learning.manifest import Manifest


def adopt(dataset: Dataset, name: str, caveat: str) -> Path:
    """Write down what the files of this copy are; gives the manifest's place.

    From then on they must stay what they are, and the caveat stands beside every result. Raises
    DataError if a file is missing or the copy cannot be read: then nothing is changed.
    """
    home = folder(dataset)
    before = manifest.read(home)
    (home / manifest.NAME).unlink(missing_ok=True)
    try:
        listed = {
            file.name: manifest.sha256(place) for file in dataset.files() if (place := find(file))
        }
        written = manifest.write(home, Manifest(name=name, caveat=caveat, files=listed))
        dataset.load()
    except BaseException:
        (home / manifest.NAME).unlink(missing_ok=True)
        if before:
            manifest.write(home, before)
        raise
    return written


def folder(dataset: Dataset) -> Path:
    """The one folder that holds this copy. Raises DataError if there is none."""
    homes = set()
    for file in dataset.files():
        place = find(file)
        if file.package:
            raise DataError(f"{file.path} is shipped by {file.package}: there is nothing to accept")
        if not place:
            raise DataError(f"{file.path} is missing: there is no whole copy to accept")
        homes.add(file.home(place))
    if len(homes) > 1:
        raise DataError(
            f"the files of {dataset.title} lie in {len(homes)} folders, such as {min(homes)}. "
            "Put them into one"
        )
    return homes.pop()
