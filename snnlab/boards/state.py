"""What a leaderboard shows is said by its address, and by nothing else.

Whatever an address says wrongly is left out, so an old link still opens the board.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.http import QueryDict

from snnlab.boards.columns import ALWAYS, COLUMNS, DEFAULT
from snnlab.boards.envelope import BadCall
from snnlab.boards.figures import AXES
from snnlab.experiments.asking import whole
from snnlab.experiments.queries import Wanted
from snnlab.experiments.wanted import WHOLE, clean, number, wanted_of


__all__ = ["WHOLE", "State", "clean", "number", "query_of", "read"]

LONGEST = 4000


@dataclass(frozen=True)
class State:
    """One view of a board."""

    wanted: Wanted
    columns: tuple[str, ...]
    opened: frozenset[int]
    all_opened: bool
    axis: str
    query: QueryDict
    allowed: frozenset[str] = frozenset(COLUMNS)

    def link(self, **changes: Any) -> str:
        """The address of this view with changes; a change to the first page unless one is named."""
        query = self.query.copy()
        for name, value in ({"page": None} | changes).items():
            query.pop(name, None)
            if value not in (None, ""):
                query.setlist(name, list(map(str, value)) if isinstance(value, list) else [value])
        return f"?{query.urlencode(safe=',')}"


def read(board: str, query: QueryDict, allowed: Sequence[str] | None = None) -> State:
    """The view that an address asks for; `allowed` are the columns that a link shows."""
    named = ",".join(query.getlist("columns")).split(",")
    known = COLUMNS if allowed is None else {name: COLUMNS[name] for name in (*ALWAYS, *allowed)}
    chosen = (name for name in named if name in known and name not in ALWAYS)
    columns = tuple(dict.fromkeys(chosen))
    if not columns and query.get("columns") != "":  # which is how an address says: none of them
        columns = DEFAULT if allowed is None else tuple(allowed)
    opened = query.get("open", "")
    wanted = wanted_of(board, query)
    if wanted.sort not in {column.sort for column in known.values()}:
        wanted = replace(wanted, sort="accuracy", descending=True)
    axis = query.get("x", "")
    return State(
        wanted,
        (*ALWAYS, *columns),
        frozenset(map(whole, opened.split(",")[:50])) - {None},
        opened == "all",
        axis if axis in AXES else "energy",
        query,
        frozenset(known),
    )


def query_of(search: Any) -> QueryDict:
    """The query of an address, as a page's script sends it. Raises BadCall."""
    if not isinstance(search, str | None) or len(search or "") > LONGEST:
        raise BadCall(f"search must be a text of at most {LONGEST} characters")
    return QueryDict((search or "").removeprefix("?"))
