"""Tables and JSON on standard output."""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from snnlab.learning.metrics import METRICS, metric


WIDE = 140  # columns, where nobody's terminal sets a width


def output() -> Console:
    """Standard output, written to as plain text: nothing in a name is taken for markup."""
    console = Console(markup=False, highlight=False, emoji=False)
    if not console.is_terminal:
        console.width = WIDE
    return console


def show(*things: object) -> None:
    console = output()
    for thing in things:
        console.print(thing)


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Table:
    """A table; a column ending in ">" is written to the right, one ending in "!" is not broken."""
    made = Table(title=title or None, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        made.add_column(
            column.rstrip(">!"),
            justify="right" if column.endswith(">") else "left",
            overflow="fold",
            no_wrap=column.endswith("!"),
        )
    for row in rows:
        made.add_row(*(Text("" if cell is None else str(cell)) for cell in row))
    return made


def results(metrics: Mapping[str, float | None], title: str) -> Table:
    """The numbers of a run, each with its unit and its meaning."""
    known = [metric(name) for name in sorted(metrics, key=place)]
    rows = ((m.name, number(metrics[m.name], m.unit), m.unit, m.definition) for m in known)
    return table(title, ("metric", "value>", "unit", "meaning"), rows)


def place(name: str) -> tuple[bool, int]:
    """Test metrics first, the others in the order of their definitions."""
    return not name.startswith("test_"), list(METRICS).index(name.partition("/")[0])


def number(value: float | None, unit: str = "") -> str:
    if value is None or not math.isfinite(value):
        return "not a number"
    if unit == "%":
        return f"{value:.2f}"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def fields(pairs: Iterable[tuple[str, object]]) -> Table:
    """Names and values, those without a value left out."""
    made = Table(show_header=False, box=None, pad_edge=False)
    for name, value in pairs:
        if value not in (None, ""):
            made.add_row(Text(name, style="dim"), Text(str(value)))
    return made


def json_text(content: object) -> str:
    """JSON as its standard wants it: a number that is none becomes null; times are ISO 8601."""
    return json.dumps(finite(content), indent=2, allow_nan=False, default=plain)


def known(quantity: object) -> object:
    """A number of a chip, or nothing where nobody knows it."""
    return quantity if isinstance(quantity, int | float) else None


def finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: finite(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def plain(value: Any) -> str:
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
