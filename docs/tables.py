"""Writes those parts of the pages that are made from the code: `python docs/tables.py`.

A test sees that they are up to date. Such a part begins with `<!-- from the code: NAME -->`.
"""

import json
import re
import runpy
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import click

from snnlab.boards.exports.json import SCHEMA
from snnlab.client.cli import COMMANDS, main
from snnlab.client.trouble import MEANING
from snnlab.experiments.external import COLUMNS
from snnlab.experiments.search.fields import FIELDS
from snnlab.learning.metrics import METRICS
from snnlab.learning.part import Part
from snnlab.learning.presets import presets
from snnlab.learning.problems import parts_of
from snnlab.learning.spec import Spec


DOCS = Path(__file__).parent
sys.path.insert(0, str(DOCS))  # the pages' files know each other
MARKED = re.compile(r"(<!-- from the code: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
TYPES = {"integer": "whole number", "number": "number", "boolean": "true or false"}


def write() -> None:
    for page in DOCS.glob("*.md"):
        page.write_text(filled(page.read_text()))


def filled(text: str) -> str:
    """The page with each marked part made anew."""
    return MARKED.sub(lambda found: f"{found[1]}\n{PARTS[found[2]]()}\n{found[3]}", text)


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [head, ["---"] * len(head), *([str(cell) for cell in row] for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def top() -> str:
    """The fields of a definition that are no parts."""
    own = [name for name, field in Spec.model_fields.items() if not list(parts_of(field))]
    return fields(Spec, own)


def parts() -> str:
    """Each part, each kind of it, each field of that."""
    pieces = []
    for name, field in Spec.model_fields.items():
        kinds = list(parts_of(field))
        if kinds:
            pieces.append(f"### `[{name}]`: {field.description}\n")
            if not field.is_required():
                pieces.append(f"If it is left out: `{field.get_default().kind}`.\n")
        pieces += [kind(part) for part in kinds]
    return "\n".join(pieces)


def kind(part: type[Part]) -> str:
    said = " ".join((part.__doc__ or "").split("\n\n")[0].split())
    schema = part.model_json_schema()["properties"]
    own = [name for name in part.model_fields if "const" not in schema[name]]
    source = f" Source: {part.source}." if hasattr(part, "source") else ""
    name = part.model_fields["kind"].default
    return "\n".join((f'#### `kind = "{name}"`\n', f"{said}{source}\n", fields(part, own)))


def fields(part: type[Part], names: Sequence[str]) -> str:
    rows = list(described(part, names, ""))
    return table(("field", "value", "unit", "default", "meaning"), rows) if rows else ""


def described(part: type[Part], names: Sequence[str], place: str) -> Iterator[Sequence[str]]:
    """A row for each field; those of a part inside the part follow with its name before theirs."""
    schema = part.model_json_schema()["properties"]
    for name in names:
        inner = list(parts_of(part.model_fields[name]))
        if inner:
            yield from described(inner[0], list(inner[0].model_fields), f"{place}{name}.")
            continue
        yield (
            f"`{place}{name}`",
            values(schema[name]),
            schema[name].get("unit", ""),
            default(schema[name]),
            schema[name]["description"],
        )


def default(schema: dict[str, Any]) -> str:
    if "default" not in schema:
        return "required"
    value = schema["default"]
    if value is None:
        return "none"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def values(schema: dict[str, Any]) -> str:
    """What a field may hold, in words."""
    schema = next((one for one in schema.get("anyOf", ()) if one["type"] != "null"), schema)
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    if schema["type"] == "array":
        return f"list, each a {values(schema['items'])}"
    words = (
        ("minimum", "at least {}"),
        ("exclusiveMinimum", "more than {}"),
        ("maximum", "at most {}"),
        ("exclusiveMaximum", "less than {}"),
    )
    bounds = [text.format(plain(schema[name])) for name, text in words if name in schema]
    return " ".join([TYPES[schema["type"]], ", ".join(bounds)]).strip()


def plain(number: float) -> str:
    return f"{int(number):,}" if number == int(number) else str(number)


def metrics() -> str:
    rows = ((f"`{m.name}`", m.unit, m.better, m.definition) for m in METRICS.values())
    return table(("metric", "unit", "better is", "definition"), rows)


def known_presets() -> str:
    rows = ((f"`{p.name}`", p.title, p.description) for p in presets().values())
    return table(("preset", "title", "what it is"), rows)


def exit_codes() -> str:
    return table(("code", "meaning"), ((int(code), text) for code, text in MEANING.items()))


def export_schema() -> str:
    return f"```json\n{json.dumps(SCHEMA, indent=2)}\n```\n"


def external_columns() -> str:
    rows = ((f"`{n}`", "yes" if c.needed else "", c.meaning) for n, c in COLUMNS.items())
    return table(("column", "needed", "meaning"), rows)


def commands() -> str:
    """The help of every command, as it prints itself."""
    pieces = []
    for name in COMMANDS:
        command = main.get_command(click.Context(main), name)
        assert command is not None
        pieces.append(f"## snnlab {name}\n\n{helped(command, f'snnlab {name}')}")
        if isinstance(command, click.Group):
            pieces += [helped(c, f"snnlab {name} {n}") for n, c in command.commands.items()]
    return "\n".join(pieces)


def helped(command: click.Command, name: str) -> str:
    context = click.Context(
        command, info_name=name, max_content_width=96, help_option_names=["-h", "--help"]
    )
    return f"```text\n{command.get_help(context)}\n```\n"


def search_fields() -> str:
    """What a search can ask of a run besides metrics and definitions."""
    kinds = {
        **dict.fromkeys(("whole", "number"), "number"),
        "percent": "share or percent",
        "time": "time",
        "flag": "alone, or yes, no",
        "either": "number or text",
    }
    rows = (
        (f"`{f.name}`", ", ".join(f"`{c}`" for c in f.choices) or kinds.get(f.kind, "text"),
         f.meaning)
        for f in FIELDS.values()
    )  # fmt: skip
    return table(("field", "value", "meaning"), rows)


PARTS: dict[str, Callable[[], str]] = {
    "fields": top,
    "parts": parts,
    "metrics": metrics,
    "presets": known_presets,
    "exit_codes": exit_codes,
    "export_schema": export_schema,
    "external_columns": external_columns,
    "commands": commands,
    "search_fields": search_fields,
    **{
        name: partial(part, table)
        for page in ("outcomes.py", "chip_outcomes.py", "chips.py")
        for name, part in runpy.run_path(str(DOCS / page))["PARTS"].items()
    },
}

if __name__ == "__main__":
    write()
