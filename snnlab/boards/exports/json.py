"""JSON: the fields with their meaning, then the rows. Its schema is served, and in the docs."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from snnlab.boards.exports.table import Table


SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "A table of a board",
    "type": "object",
    "required": ["format", "table", "title", "exported_at", "fields", "rows"],
    "additionalProperties": False,
    "properties": {
        "format": {"const": "snnlab-table-1"},
        "table": {"type": "string", "description": "which table it is"},
        "title": {"type": "string", "description": "for people"},
        "exported_at": {"type": "string", "format": "date-time"},
        "fields": {
            "type": "array",
            "description": "what each row has, in the order of the columns",
            "items": {
                "type": "object",
                "required": ["name", "title", "type", "unit", "better"],
                "additionalProperties": False,
                "properties": {
                    "name": {"type": "string", "description": "the key in a row"},
                    "title": {"type": "string"},
                    "type": {"enum": ["text", "number", "integer", "date"]},
                    "unit": {"type": "string", "description": "empty where there is none"},
                    "better": {"enum": ["", "higher", "lower"]},
                },
            },
        },
        "rows": {
            "type": "array",
            "items": {
                "type": "object",
                "description": "a value for each field; null is not known, never zero",
                "additionalProperties": {"type": ["string", "number", "null"]},
            },
        },
    },
}


def write(table: Table) -> Iterator[str]:
    """The document, a row at a time."""
    head = {
        "format": "snnlab-table-1",
        "table": table.name,
        "title": table.title,
        "exported_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "fields": [
            {"name": f.name, "title": f.title, "type": f.kind, "unit": f.unit, "better": f.better}
            for f in table.fields
        ],
    }
    yield json.dumps(head, ensure_ascii=False)[:-1] + ', "rows": ['
    names = [field.name for field in table.fields]
    between = "\n"
    for row in table.rows:
        said = dict(zip(names, (None if v == "" else v for v in row), strict=True))
        yield between + json.dumps(said, ensure_ascii=False, allow_nan=False)
        between = ",\n"
    yield "\n]}\n"
