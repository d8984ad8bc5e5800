"""Finds the definition that a person means."""

import sys
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from snnlab.client.trouble import Code, Trouble
from snnlab.learning.presets import presets


if TYPE_CHECKING:
    from snnlab.learning.spec import Spec


LARGEST = 1_000_000  # bytes; the longest definition takes a few thousand


class Source(NamedTuple):
    """A definition's text and what to call it."""

    name: str
    text: str
    json: bool = False

    def spec(self) -> "Spec":
        """Raises SpecError."""
        from snnlab.learning.spec import Spec  # here, because it takes PyTorch along

        return Spec.from_json(self.text) if self.json else Spec.from_toml(self.text)


def find(place: str) -> Source:
    """The definition in a file, on standard input ("-"), or of a preset."""
    if place == "-":
        return Source("standard input", sys.stdin.read())
    path = Path(place)
    if path.exists():
        return Source(path.stem, text_of(path), json=path.suffix == ".json")
    known = presets()
    if place in known:
        return Source(known[place].title, known[place].text)
    close = get_close_matches(place, known, n=1)
    hint = f"Did you mean {close[0]}?" if close else f"Presets: {', '.join(known)}"
    raise Trouble(Code.NOT_FOUND, f"{place}: no such file, and no preset has that name. {hint}")


def text_of(path: Path) -> str:
    with path.open("rb") as file:
        content = file.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise Trouble(Code.WRONG, f"{path} is larger than {LARGEST:,} bytes. Name a TOML file")
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise Trouble(Code.WRONG, f"{path} is no text: {error}. Name a TOML file") from error
