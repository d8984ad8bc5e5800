"""A Markdown table, as GitHub and others read it."""

import re
from collections.abc import Iterator

from snnlab.boards.exports.table import Table, labelled, written


SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~!])")


def write(table: Table) -> Iterator[str]:
    yield row([escaped(labelled(field)) for field in table.fields])
    yield row(["---:" if f.kind in ("number", "integer") else "---" for f in table.fields])
    for values in table.rows:
        cells = zip(values, table.fields, strict=True)
        yield row([escaped(written(value, field)) for value, field in cells])


def row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |\n"


def escaped(text: str) -> str:
    """Text that means nothing but itself, on one line."""
    return SPECIAL.sub(r"\\\1", " ".join(text.split()))
