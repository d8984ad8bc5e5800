"""Which lines of a board an address asks for.

Whatever an address says wrongly is left out, so an old link still opens the board.
"""

import math
from collections.abc import Mapping
from typing import Any

from django.http import QueryDict

from snnlab.experiments.leaderboard import KINDS, SORTS, Wanted


MOST_PAGES = 100_000
WHOLE = "whole"  # an address cannot say "no caveat" with an empty value


def wanted_of(board: str, query: QueryDict) -> Wanted:
    """The lines, their order and page."""
    sort = query.get("sort", "-accuracy")
    return Wanted(
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
