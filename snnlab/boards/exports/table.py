"""What is exported: fields with their meaning, and rows of plain values."""

from collections.abc import Iterable
from typing import Any, NamedTuple


class Field(NamedTuple):
    """A column. `kind` is text, number, integer or date; `better` is higher, lower or nothing."""

    name: str
    title: str
    kind: str = "text"
    unit: str = ""
    better: str = ""
    digits: int | None = None


class Table(NamedTuple):
    """Rows are read once, as they come; `pairs` names fields that are shown as one: value ± half.

    `twice` names fields that say again what a pair says; a table for a page leaves them out.
    `cited` says for each row what BibTeX is made of: title, address, year, who.
    """

    name: str
    title: str
    fields: tuple[Field, ...]
    rows: Iterable[tuple[Any, ...]]
    pairs: dict[str, str] = {}
    twice: frozenset[str] = frozenset()


def labelled(field: Field) -> str:
    return f"{field.title} [{field.unit}]" if field.unit else field.title


def written(value: Any, field: Field) -> str:
    """A value as people read it; nothing for what is missing."""
    if value is None or value == "":
        return ""
    if field.kind == "number" and isinstance(value, int | float):
        return f"{value:.{field.digits}f}" if field.digits is not None else f"{value:.6g}"
    return str(value)
