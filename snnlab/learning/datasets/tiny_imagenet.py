"""Tiny ImageNet: photographs of 64 x 64 pixels in 200 classes, as a folder of JPEG files."""

import hashlib
import io
import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
import PIL
import torch
from PIL import Image
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from snnlab.learning import files, manifest
from snnlab.learning.dataset import Data, Dataset, Samples, packed
from snnlab.learning.errors import DataError
from snnlab.learning.files import Archive, File
from snnlab.learning.manifest import Manifest


FOLDER = "tiny-imagenet-200"
TRAIN, VAL = r"train/(n\d{8})/images/\1_(\d+)\.JPEG", r"val/images/val_\d+\.JPEG"
CLASSES, ANNOTATIONS = "wnids.txt", "val/val_annotations.txt"
ARCHIVE = Archive(
    "tiny-imagenet-200.zip",
    "6198c8ae015e2b3e007c7841da39ec069199b9aa3bfa943a462022fe5e43c821",
    "http://cs231n.stanford.edu/tiny-imagenet-200.zip",
    rf"{FOLDER}/(?:wnids\.txt|words\.txt|val/val_annotations\.txt|{VAL}|{TRAIN})",
)


class TinyImageNet(Dataset):
    """Photographs of 200 kinds of things: 500 of each to train on, 50 to test.

    The published test images have no published classes. As is usual, the official validation
    images are the test images here, and none of them is used for anything before.
    """

    board: ClassVar[str] = "tiny-imagenet"
    title: ClassVar[str] = "Tiny ImageNet"
    shape: ClassVar[tuple[int, int, int]] = (3, 64, 64)
    all_classes: ClassVar[int] = 200
    mean: ClassVar[tuple[float, ...]] = (0.4802, 0.4481, 0.3975)
    std: ClassVar[tuple[float, ...]] = (0.2770, 0.2691, 0.2821)
    licence: ClassVar[str] = "ImageNet's terms: research and teaching only"
    citation: ClassVar[str] = "Le & Yang 2015, Tiny ImageNet visual recognition challenge, CS 231N"

    kind: Literal["tiny-imagenet"] = "tiny-imagenet"

    def load(self) -> Data:
        folder = here()
        own = manifest.read(folder) if folder else None
        if folder is None or (own is None and folder == files.cache() / FOLDER):
            folder, own = unpacked()  # for the first time, or again after an interruption
        if own is None:
            raise DataError(
                f"{folder} cannot be verified: no checksums are published. {files.ADOPT}"
            )
        train, test = decoded(folder, own)
        return packed(train, test, (self.caveat, own.caveat))

    def files(self) -> list[File]:
        """Those that the manifest lists; without one, those that are here."""
        folder = here()
        if folder is None:
            return [listed(CLASSES), listed(ANNOTATIONS)]
        own = manifest.read(folder)
        return [listed(name) for name in (own.files if own else names(folder))]


def listed(name: str) -> File:
    return File(f"{FOLDER}/{name}", "", archive=ARCHIVE, folder=FOLDER)


def here() -> Path | None:
    """The folder of this data set, if it is on this machine."""
    folders = [folder / FOLDER for folder in files.folders()]
    signs = (CLASSES, manifest.NAME)
    return next((f for f in folders if any((f / sign).is_file() for sign in signs)), None)


def names(folder: Path) -> list[str]:
    """All files below the folder that belong to the data set, by name."""
    wanted = re.compile(ARCHIVE.members)
    found = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return sorted(name for name in found if wanted.fullmatch(f"{FOLDER}/{name}"))


def unpacked() -> tuple[Path, Manifest]:
    """The published archive, verified and unpacked into the cache; the manifest comes last."""
    folder = files.cache() / FOLDER
    with files.alone(files.cache()):
        if own := manifest.read(folder):  # another process has unpacked it meanwhile
            return folder, own
        files.unpack(ARCHIVE)
        content = {name: manifest.sha256(folder / name) for name in names(folder)}
        own = Manifest(name="tiny-imagenet", caveat="", files=content)
        manifest.write(folder, own)
    return folder, own


def decoded(folder: Path, own: Manifest) -> tuple[Samples, Samples]:
    """The pixels of a copy: decoded and verified once, then kept in the cache."""
    key = hashlib.sha256(f"{sorted(own.files.items())} {PIL.__version__}".encode()).hexdigest()
    place = files.cache() / "decoded" / f"{FOLDER}-{key[:16]}.safetensors"
    try:
        kept = load_file(place)
        train, test = (
            Samples(kept[f"{part}.images"], kept[f"{part}.labels"]) for part in ("train", "test")
        )
        if digest(train, test) == place.with_suffix(".sha256").read_text():
            return train, test
    except (OSError, SafetensorError, KeyError):
        pass  # never decoded before, or damaged since
    train, test = decode(folder, own)
    keep(place, train, test)
    return train, test


def digest(train: Samples, test: Samples) -> str:
    return packed(train, test, ()).digest


def keep(place: Path, train: Samples, test: Samples) -> None:
    """Save the pixels; the digest, without which they are not believed, comes last."""
    place.parent.mkdir(parents=True, exist_ok=True)
    tensors = {
        f"{part}.{name}": getattr(samples, name)
        for part, samples in (("train", train), ("test", test))
        for name in ("images", "labels")
    }
    unfinished = place.with_suffix(f".{os.getpid()}")
    save_file(tensors, unfinished)
    unfinished.replace(place)
    place.with_suffix(".sha256").write_text(digest(train, test))


def decode(folder: Path, own: Manifest) -> tuple[Samples, Samples]:
    """Read every file that the manifest lists, and refuse one that is not what it says."""

    def read(name: str) -> bytes:
        try:
            content = (folder / name).read_bytes()
        except OSError as error:
            raise DataError(f"{folder / name} is missing: {error.strerror}") from error
        if hashlib.sha256(content).hexdigest() != own.files.get(name):
            files.check(folder / name, listed(name))
        return content

    order = {
        wnid: label for label, wnid in enumerate(read(CLASSES).decode("ascii", "replace").split())
    }
    found = (re.fullmatch(TRAIN, name) for name in own.files)
    train = sorted((order.get(m[1], -1), int(m[2]), m[0]) for m in found if m)
    said = read(ANNOTATIONS).decode("ascii", "replace")
    lines = [(*line.split("\t"), "")[:2] for line in said.splitlines()]
    test = [(order.get(wnid, -1), f"val/images/{name}") for name, wnid in lines]
    return (
        pictures([(label, name) for label, _, name in train], read, folder),
        pictures(test, read, folder),
    )


def pictures(
    entries: Sequence[tuple[int, str]], read: Callable[[str], bytes], folder: Path
) -> Samples:
    """The pixels of these files, by class and name."""
    images = np.empty((len(entries), *TinyImageNet.shape), np.uint8)
    for image, (label, name) in zip(images, entries, strict=True):
        if label < 0:
            raise DataError(f"{folder / name} is of a class that {CLASSES} does not list")
        image[:] = picture(read(name), folder / name).transpose(2, 0, 1)
    labels = torch.tensor([label for label, _ in entries], dtype=torch.int64)
    return Samples(torch.from_numpy(images), labels)


def picture(content: bytes, place: Path) -> np.ndarray:
    """A JPEG's pixels, by row, column and colour; gray ones get three equal colours."""
    try:
        with Image.open(io.BytesIO(content), formats=["JPEG"]) as jpeg:
            pixels = np.asarray(jpeg.convert("RGB"))
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        raise DataError(f"{place} is no JPEG image: {error}. Delete it") from error
    if pixels.shape != (64, 64, 3):
        height, width, _ = pixels.shape
        raise DataError(f"{place} has {width} x {height} pixels, not 64 x 64")
    return pixels
