"""Plain SQL with names in and dicts out."""

from typing import Any

from django.db import connection


def rows(sql: str, **params: Any) -> list[dict[str, Any]]:
    """Run one statement and give what it returns."""
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        if cursor.description is None:
            return []
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
