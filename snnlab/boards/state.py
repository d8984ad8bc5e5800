"""What a leaderboard shows is said by its address, and by nothing else.

Whatever an address says wrongly is left out, so an old link still opens the board.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.http import QueryDict

from snnlab.boards.columns import ALWAYS, COLUMNS, DEFAULT
from snnlab.boards.envelope import BadCall
from snnlab.boards.figures import AXES
from snnlab.experiments.leaderboard import KINDS, SORTS
from snnlab.experiments.queries import Wanted


LONGEST = 4000
MOST_PAGES = 100_000
WHOLE = "whole"  # an address cannot say "no caveat" with an empty value


@dataclass(frozen=True)
class State:
    """One view of a board."""

    wanted: Wanted
    columns: tuple[str, ...]
    opened: frozenset[int]
    all_opened: bool
    axis: str
    query: QueryDict

    def link(self, **changes: Any) -> str:
        """The address of this view with changes; a change to the first page unless one is named."""
        query = self.query.copy()
        for name, value in ({"page": None} | changes).items():
            query.pop(name, None)
            if value not in (None, ""):
                query.setlist(name, list(map(str, value)) if isinstance(value, list) else [value])
        return f"?{query.urlencode(safe=',')}"


def read(board: str, query: QueryDict) -> State:
    """The view that an address asks for."""
    sort = query.get("sort", "-accuracy")
    columns = [name for name in ",".join(query.getlist("columns")).split(",") if name in COLUMNS]
    opened = query.get("open", "")
    wanted = Wanted(
        board,
        kinds=tuple(kind for kind in KINDS if kind in query.getlist("kind")) or KINDS,
        words=tuple(clean(query.get("q", "")).split()[:10]),
        method=clean(query.get("method", "")),
        neuron=clean(query.get("neuron", "")),
        data=caveat(query.get("data", "")),
        least_steps=whole(query, "t_min"),
        most_steps=whole(query, "t_max"),
        least_parameters=number(query, "p_min"),
        most_parameters=number(query, "p_max"),
        least_seeds=whole(query, "seeds") or 0,
        least_verified=whole(query, "verified") or 0,
        rank_published=query.get("rank") == "published",
        sort=sort.removeprefix("-") if sort.removeprefix("-") in SORTS else "accuracy",
        descending=sort.startswith("-") or sort.removeprefix("-") not in SORTS,
        page=min(max(whole(query, "page") or 1, 1), MOST_PAGES),
    )
    return State(
        wanted,
        (*ALWAYS, *(columns or DEFAULT)),
        frozenset(
            int(part) for part in opened.split(",")[:50] if part.isascii() and part.isdigit()
        ),
        opened == "all",
        query.get("x", "") if query.get("x", "") in AXES else "energy",
        query,
    )


def of_callback(board: str, search: Any) -> State:
    """The view that a page's address asks for, as its script sends it."""
    return read(board, query_of(search))


def query_of(search: Any) -> QueryDict:
    """The query of an address, as a page's script sends it. Raises BadCall."""
    if not isinstance(search, str | None) or len(search or "") > LONGEST:
        raise BadCall(f"search must be a text of at most {LONGEST} characters")
    return QueryDict((search or "").removeprefix("?"))


def clean(text: str) -> str:
    return text.replace("\x00", "")[:200].strip()


def caveat(text: str) -> str | None:
    """The copy of the data that is asked for; nothing for all of them."""
    return ("" if text == WHOLE else clean(text)) if text else None


def number(query: Mapping[str, Any], name: str) -> float | None:
    try:
        value = float(query.get(name, ""))
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def whole(query: Mapping[str, Any], name: str) -> int | None:
    value = number(query, name)
    return None if value is None or abs(value) >= 2**31 else int(value)
