"""Definitions for the common cases, ready to be run or changed: the files of specs/."""

import tomllib
from pathlib import Path
from typing import NamedTuple


FOLDER = Path(__file__).parents[2] / "specs"


class Preset(NamedTuple):
    """A definition in TOML; its first comment lines are its title and its description."""

    name: str
    title: str
    description: str
    text: str

    @property
    def definition(self) -> dict[str, object]:
        return tomllib.loads(self.text)

    @property
    def quick(self) -> bool:
        """Whether it trains in minutes, on images that are always at hand."""
        return self.name.endswith("-sample")


def presets() -> dict[str, Preset]:
    """Every preset by name, in the order of their names."""
    return {path.stem: read(path) for path in sorted(FOLDER.glob("*.toml"))}


def read(path: Path) -> Preset:
    text = path.read_text()
    comments = [line[1:].strip() for line in text.splitlines() if line.startswith("#")]
    return Preset(path.stem, comments[0], " ".join(comments[1:]), text)
