"""CSV (RFC 4180, UTF-8). Text that a spreadsheet would take for a formula begins with a quote."""

import csv
import io
import unicodedata
from collections.abc import Iterator
from typing import Any

from snnlab.boards.exports.table import Table


FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\0", "|", "%")


def write(table: Table) -> Iterator[str]:
    """The head, then a line a row; numbers are not touched."""
    yield line([field.name for field in table.fields])
    for row in table.rows:
        yield line([safe(value) for value in row])


def line(cells: list[Any]) -> str:
    out = io.StringIO()
    csv.writer(out).writerow(cells)
    return out.getvalue()


def safe(value: Any) -> Any:
    """A number as it is; text that begins like a formula behind a quote.

    A full-width sign or one behind spaces counts too: spreadsheets take some of them as well.
    """
    if value is None:
        return ""
    if not isinstance(value, str):
        return repr(value) if isinstance(value, float) else value
    plain = unicodedata.normalize("NFKC", value).lstrip(" \u00a0\ufeff\u200b")
    return f"'{value}" if value.startswith(FORMULA) or plain.startswith(FORMULA) else value
