"""What the browser sends to a leaderboard's callbacks, checked: each raises BadCall."""

from typing import Any

from snnlab.boards.envelope import BadCall
from snnlab.boards.figures import AXES


KINDS = ("measured", "published")


def clean_kinds(value: Any) -> set[str]:
    """The kinds asked for."""
    if not isinstance(value, list) or not all(kind in KINDS for kind in value):
        raise BadCall(f"kinds must be a list of {KINDS}")
    return set(value)


def clean_text(value: Any) -> str:
    """A searched text."""
    if not isinstance(value, str | None) or len(value or "") > 200:
        raise BadCall("search must be a text of at most 200 characters")
    return value or ""


def clean_axis(value: Any) -> str:
    """The name of an axis."""
    if not isinstance(value, str) or value not in AXES:
        raise BadCall(f"axis must be one of {list(AXES)}")
    return value


def clean_key(selected: Any) -> str:
    """The key of the selected row, if one is; the figure only compares it."""
    row = selected[0] if isinstance(selected, list) and selected else None
    found = row.get("key") if isinstance(row, dict) else None
    return found if isinstance(found, str) else ""
