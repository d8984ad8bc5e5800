"""The query behind a leaderboard: one page of its lines, with their ranks.

Rows are folded when runs succeed (migration 0004), so a page costs the same however many runs there
are. What a row is compared with are all ranked rows of the same data: a sample of a data set, or
another copy of it, has ranks of its own.
"""

from collections.abc import Collection, Iterable
from dataclasses import fields, replace
from typing import Any

from snnlab.experiments.board_rows import KINDS, BoardRow, Point, Standings, Wanted
from snnlab.experiments.sql import rows
from snnlab.experiments.statistics import rank
from snnlab.teams.models import User


__all__ = ["KINDS", "BoardRow", "Point", "Standings", "Wanted"]

UNRANKED = ("published",)
VERIFIED = """case when entry.kind = 'published' then 0
  else greatest(entry.provenance::int, entry.proof) end"""
# What can be sorted by, as SQL of ours. What is missing stands last whichever way.
SORTS = {
    "accuracy": "entry.accuracy",
    "best": "entry.best",
    "n": "entry.n",
    "teacher": "entry.teacher",
    "gap": "entry.accuracy - entry.teacher",
    "published": "entry.accuracy - other.accuracy",
    "parameters": "entry.parameters",
    "macs": "entry.macs",
    "acs": "entry.acs",
    "synops": "entry.synops",
    "sparsity": "1 - entry.firing_rate",
    "energy": "entry.energy",
    "latency": "entry.latency",
    "area": "entry.area",
    "seconds": "entry.seconds",
    "time_steps": "entry.time_steps",
    "verified": VERIFIED,
    "date": "coalesce(entry.finished_at, make_timestamptz(entry.year, 1, 1, 0, 0, 0))",
    "title": "lower(entry.title)",
    "method": "nullif(lower(entry.method), '')",
    "network": "nullif(lower(entry.network), '')",
    "neuron": "nullif(lower(entry.neuron), '')",
}


OTHER = {
    "verified": VERIFIED,
    "checked": "entry.provenance",
    "reproduces_title": "coalesce(other.title, '')",
    "reproduces_accuracy": "other.accuracy",
}
READ = ", ".join(
    f"{OTHER.get(field.name, f'entry.{field.name}')} as {field.name}"
    for field in fields(BoardRow)
    if field.name != "rank"
)
FROM = "experiments_entry entry left join experiments_entry other on other.id = entry.reproduces_id"
VISIBLE = "entry.board = %(board)s and (entry.team_id is null or entry.team_id = any(%(teams)s))"
FILTERS = {
    "kinds": "entry.kind = any(%(kinds)s)",
    "words": "entry.words like all(%(words)s)",
    "method": "entry.method = %(method)s",
    "neuron": "entry.neuron = %(neuron)s",
    "data": "entry.caveat = %(data)s",
    "least_steps": "entry.time_steps >= %(least_steps)s",
    "most_steps": "entry.time_steps <= %(most_steps)s",
    "least_parameters": "entry.parameters >= %(least_parameters)s",
    "most_parameters": "entry.parameters <= %(most_parameters)s",
    "least_seeds": "entry.n >= %(least_seeds)s",
    "least_verified": f"{VERIFIED} >= %(least_verified)s",
}


def leaderboard(user: User, board: str) -> list[BoardRow]:
    """The first thousand lines of a board, best first."""
    return standings(teams_of(user), Wanted(board, size=1000)).rows


def teams_of(user: User) -> list[int]:
    """The teams whose work this user may see."""
    return list(user.memberships.values_list("team_id", flat=True))


def standings(teams: Collection[int], wanted: Wanted) -> Standings:
    """A page of the board as these teams see it, in two queries."""
    groups = _groups(teams, wanted.board)
    lows = _lows(groups, wanted)
    found = rows(
        f"""
        select {READ}, count(*) over () as total from {FROM}
        where {VISIBLE} {_where(wanted)}
        order by {_order(wanted)} limit %(limit)s offset %(offset)s""",
        **_params(teams, wanted),
        limit=wanted.size,
        offset=(wanted.page - 1) * wanted.size,
    )
    total = found[0]["total"] if found else 0
    return Standings(
        rows=[_ranked(_row(row), lows, wanted) for row in found],
        total=total,
        kinds=_count(groups, "kind"),
        methods=sorted(_count(_own(groups), "method")),
        neurons=sorted(_count(_own(groups), "neuron")),
        data=_count(groups, "caveat"),
        ranked={data: len(values) for data, values in lows.items()},
    )


MOST_POINTS = 2000
AXES = SORTS | {"operations": "entry.macs + entry.acs"}


def points(teams: Collection[int], wanted: Wanted, axis: str) -> list[Point]:
    """What a chart shows of the chosen lines: at most 2,000, the best and those nothing beats."""
    found = rows(
        f"""
        with shown as (
          select entry.*, {AXES[axis]} as x from {FROM}
          where {VISIBLE} {_where(wanted)} and entry.accuracy is not null
            and {AXES[axis]} is not null and entry.standing <> 'withdrawn'
        ), marked as (
          select *, accuracy > coalesce(max(accuracy) over (partition by kind
            order by x, accuracy desc, id rows between unbounded preceding and 1 preceding), -1)
            as front from shown
        )
        select id, kind, title, accuracy, low, high, n, caveat, best_run, x from marked
        order by front desc, accuracy desc, id limit %(most)s""",
        **_params(teams, wanted),
        most=MOST_POINTS,
    )
    return [Point(**row) for row in found]


def entry(teams: Collection[int], board: str, pk: int) -> BoardRow | None:
    """One line, if it is on this board and these teams may see it."""
    found = rows(
        f"select {READ} from {FROM} where entry.id = %(pk)s and {VISIBLE}",
        pk=pk,
        board=board,
        teams=list(teams),
    )
    return _row(found[0]) if found else None


def boards(user: User) -> list[str]:
    """Every board that has a result to show to this user, by name."""
    found = rows(
        """
        select distinct board from experiments_entry entry
        where team_id is null or team_id = any(%(teams)s) order by board""",
        teams=teams_of(user),
    )
    return [row["board"] for row in found]


def _groups(teams: Collection[int], board: str) -> list[dict[str, Any]]:
    """What a board holds: how many rows, and the lower ends of the intervals of those in order."""
    return rows(
        f"""
        select entry.caveat, entry.kind, entry.method, entry.neuron, count(*) as count,
          array_agg(coalesce(entry.low, entry.accuracy)) filter (
            where entry.accuracy is not null and entry.standing <> 'withdrawn') as lows
        from experiments_entry entry where {VISIBLE} group by 1, 2, 3, 4""",
        board=board,
        teams=list(teams),
    )


def _lows(groups: Iterable[dict[str, Any]], wanted: Wanted) -> dict[str, list[float]]:
    """The rising lower ends of all ranked rows, by their data."""
    lows: dict[str, list[float]] = {}
    for group in groups:
        if wanted.rank_published or group["kind"] not in UNRANKED:
            lows.setdefault(group["caveat"], []).extend(group["lows"] or ())
    return {data: sorted(values) for data, values in lows.items()}


def _ranked(row: BoardRow, lows: dict[str, list[float]], wanted: Wanted) -> BoardRow:
    if row.accuracy is None or row.standing == "withdrawn":
        return row
    if row.kind in UNRANKED and not wanted.rank_published:
        return row
    high = row.accuracy if row.high is None else row.high
    return replace(row, rank=rank(high, lows.get(row.caveat, [])))


def _own(groups: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Without what papers say: each has words of its own."""
    return [group for group in groups if group["kind"] != "published"]


def _count(groups: Iterable[dict[str, Any]], field: str) -> dict[str, int]:
    counts: dict[str, int] = {}
    for group in groups:
        counts[group[field]] = counts.get(group[field], 0) + group["count"]
    return counts


def _where(wanted: Wanted) -> str:
    asked = [sql for name, sql in FILTERS.items() if getattr(wanted, name) not in (None, "", (), 0)]
    return "".join(f" and {sql}" for sql in asked)


def _order(wanted: Wanted) -> str:
    """Withdrawn rows and missing values stand last whichever way, so they never seem the best."""
    way = "desc" if wanted.descending else "asc"
    first = "entry.standing = 'withdrawn'"
    return (
        f"{first}, {SORTS[wanted.sort]} {way} nulls last, entry.accuracy desc nulls last, entry.id"
    )


def _params(teams: Collection[int], wanted: Wanted) -> dict[str, Any]:
    params = {name: getattr(wanted, name) for name in FILTERS}
    escape = str.maketrans({"%": r"\%", "_": r"\_", "\\": r"\\"})
    return params | {
        "board": wanted.board,
        "teams": list(teams),
        "kinds": list(wanted.kinds),
        "words": [f"%{word.lower().translate(escape)}%" for word in wanted.words],
    }


def _row(found: dict[str, Any]) -> BoardRow:
    found.pop("total", None)
    for name in ("runs", "seeds", "scores"):
        found[name] = tuple(found[name])
    return BoardRow(**found)
