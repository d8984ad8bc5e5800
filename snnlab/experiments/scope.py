"""Whose work a request may see: the teams of a user, or through a link no more than it shows."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any, Self


class Scope(tuple[int, ...]):
    """The teams of whoever asks. Every read of a board begins with one.

    Through a link, `lines` and `runs` are SQL that stands for the tables of those names: a
    statement that begins with `narrow` cannot read, filter, sort or count what they leave out.
    """

    lines = ""
    runs = ""
    shown = ""
    params: Mapping[str, Any] = {}

    @classmethod
    def narrowed(cls, teams: Iterable[int], **what: Any) -> Self:
        """A scope that shows only a part of what these teams have."""
        scope = cls(teams)
        for name, value in what.items():
            setattr(scope, name, value)
        return scope


def narrow(teams: Collection[int], table: str, *, more: bool = False) -> str:
    """How a statement on `lines` or `runs` begins; with `more`, before its own first query."""
    body = getattr(teams, table, "")
    name = {"lines": "experiments_entry", "runs": "experiments_run"}[table]
    if not body:
        return "with" if more else ""
    return f"with {name} as ({body}){',' if more else ''}"


def shown(teams: Collection[int]) -> str:
    """The condition, if there is one, of the lines that may be shown and not only ranked with."""
    return getattr(teams, "shown", "") or "true"


def params(teams: Collection[int]) -> dict[str, Any]:
    """What the statement wants beside its own."""
    return dict(getattr(teams, "params", {})) | {"teams": list(teams)}
