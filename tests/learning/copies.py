"""Small copies of data sets in their published formats, and the checksums that go with them."""

import hashlib
import io
import pickle
import random
import struct
from pathlib import Path

from PIL import Image

from snnlab.learning.manifest import Manifest, write


PIXELS = 3 * 32 * 32
WNIDS = [f"n{number:08}" for number in (7, 3, 5)]


def images(n: int, seed: int = 0) -> list[bytes]:
    source = random.Random(seed)
    return [source.randbytes(PIXELS) for _ in range(n)]


def records(labels: list[int], label_bytes: int, seed: int = 0) -> bytes:
    """The binary version: label bytes, the last of them the class, then the pixels."""
    head = [bytes([255] * (label_bytes - 1) + [label]) for label in labels]
    return b"".join(h + image for h, image in zip(head, images(len(labels), seed), strict=True))


def batch(labels: list[int], key: str, seed: int = 0) -> bytes:
    """The Python version, opcode by opcode as Python 2 wrote it: protocol 2, texts without type."""

    def text(value: str) -> bytes:
        return pickle.SHORT_BINSTRING + bytes([len(value)]) + value.encode()

    pixels = b"".join(images(len(labels), seed))
    shape = b"M" + struct.pack("<H", len(labels)) + b"M" + struct.pack("<H", PIXELS) + b"\x86"
    kind = b"cnumpy\ndtype\n" + text("u1") + b"K\x00K\x01\x87R"
    kind += b"(K\x03" + text("|") + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
    array = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85" + text("b")
    array += b"\x87R(K\x01" + shape + kind + b"\x89T" + struct.pack("<i", len(pixels)) + pixels
    classes = b"](" + b"".join(b"K" + bytes([label]) for label in labels) + b"e"
    return b"\x80\x02}(" + text("data") + array + b"tb" + text(key) + classes + b"u."


def jpeg(colour: tuple[int, int, int] | int, size: tuple[int, int] = (64, 64)) -> bytes:
    """A picture of one colour; a gray one if the colour is a number."""
    content = io.BytesIO()
    Image.new("RGB" if isinstance(colour, tuple) else "L", size, colour).save(content, "JPEG")
    return content.getvalue()


def tiny(folder: Path, per_class: int = 3) -> None:
    """Tiny ImageNet with three classes: red, green and gray pictures, two of each to test."""
    colours = [(200, 0, 0), (0, 200, 0), 90]
    put(folder / "wnids.txt", "\n".join(WNIDS).encode())
    lines = []
    for wnid, colour in zip(WNIDS, colours, strict=True):
        for i in range(per_class):
            put(folder / f"train/{wnid}/images/{wnid}_{i}.JPEG", jpeg(colour))
        put(folder / f"train/{wnid}/{wnid}_boxes.txt", b"not wanted")
        for i in range(2):
            name = f"val_{len(lines)}.JPEG"
            put(folder / "val/images" / name, jpeg(colour))
            lines.append(f"{name}\t{wnid}\t0\t{i}\t63\t63")
    put(folder / "val/val_annotations.txt", ("\n".join(reversed(lines)) + "\n").encode())


def put(place: Path, content: bytes) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(content)


def adopt(folder: Path, *, name: str = "copy", caveat: str = "a copy") -> None:
    """Accept whatever is in the folder."""
    listed = {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file() and path.name != "snnlab-data.json"
    }
    write(folder, Manifest(name=name, caveat=caveat, files=listed))
