"""Finds the definition that a person means, and changes what they want changed."""

import sys
import tomllib
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from snnlab.client.trouble import Code, Trouble
from snnlab.learning.presets import presets


if TYPE_CHECKING:
    from snnlab.learning.spec import Spec


LARGEST = 1_000_000  # bytes; the longest definition takes a few thousand
CHANGES = click.option(
    "--set",
    "changes",
    multiple=True,
    metavar="FIELD=VALUE",
    help="Change a field, as --set neuron.tau=5. A new kind begins with its own defaults.",
)


class Source(NamedTuple):
    """A definition's text and what to call it."""

    name: str
    text: str
    json: bool = False

    def spec(self, changes: Sequence[str] = ()) -> "Spec":
        """The definition, each change (`neuron.tau=5`) made in turn. Raises SpecError."""
        from snnlab.learning.spec import Spec  # here, because it takes PyTorch along

        spec = Spec.from_json(self.text) if self.json else Spec.from_toml(self.text)
        if not changes:
            return spec
        data = spec.model_dump(mode="json")
        for change in changes:
            field, equals, value = change.partition("=")
            if not equals:
                raise Trouble(
                    Code.WRONG, f"--set {change} names no value. Write --set neuron.tau=5"
                )
            put(data, field.strip().split("."), value.strip())
        return Spec.parse(data)


def put(data: dict[str, Any], path: list[str], text: str) -> None:
    """Set the field at that path; a kind that is set takes its table's other fields along."""
    *tables, name = path
    for number, table in enumerate(tables, 1):
        if not isinstance(data.get(table), dict):
            place = ".".join(path[:number])
            raise Trouble(Code.WRONG, f"--set: {place} has no fields. Choose of {', '.join(data)}")
        data = data[table]
    if name == "kind" and tables:
        data.clear()
    data[name] = typed(text)


def typed(text: str) -> Any:
    """The value as TOML would read it; a word without quotes is a text."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


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


def text_of(path: Path, wanted: str = "a TOML file") -> str:
    with path.open("rb") as file:
        content = file.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise Trouble(Code.WRONG, f"{path} is larger than {LARGEST:,} bytes. Name {wanted}")
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise Trouble(Code.WRONG, f"{path} is no text: {error}. Name {wanted}") from error
