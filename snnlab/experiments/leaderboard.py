"""The query behind a leaderboard: one page of its lines, with their ranks.

Rows are folded when runs succeed (migration 0004), so a page costs the same however many runs there
are. What a row is compared with are all ranked rows of the same data: a sample of a data set, or
another copy of it, has ranks of its own.
"""

from collections.abc import Collection, Iterable
from dataclasses import fields, replace
from typing import Any

from snnlab.experiments.board_rows import KINDS, BoardRow, Point, Standings, Wanted
from snnlab.experiments.scope import narrow, params, shown
from snnlab.experiments.sql import rows
from snnlab.experiments.statistics import rank
from snnlab.teams.models import User


__all__ = ["KINDS", "BoardRow", "Point", "Standings", "Wanted"]

UNRANKED = ("published",)
VERIFIED = """case when entry.kind in ('published', 'external') then 0
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
    "only": "entry.id = %(only)s",
    "kinds": "entry.kind = any(%(kinds)s)",
    "method": "entry.method = %(method)s",
    "neuron": "entry.neuron = %(neuron)s",
    "data": "entry.caveat = %(data)s",
    "least_steps": "entry.time_steps >= %(least_steps)s",
    "most_steps": "entry.time_steps <= %(most_steps)s",
    "least_parameters": "entry.parameters >= %(least_parameters)s",
    "most_parameters": "entry.parameters <= %(most_parameters)s",
    "least_seeds": "entry.n >= %(least_seeds)s",
    "least_verified": f"{VERIFIED} >= %(least_verified)s",
    "words": "entry.words like all(%(words)s)",  # last: it costs most
}


def leaderboard(user: User, board: str) -> list[BoardRow]:
    """The first thousand lines of a board, best first."""
    return standings(teams_of(user), Wanted(board, size=1000)).rows


def teams_of(user: User) -> list[int]:
    """The teams whose work this user may see."""
    return list(user.memberships.values_list("team_id", flat=True))


def standings(teams: Collection[int], wanted: Wanted) -> Standings:
    """A page of the board as these teams see it, in two queries."""
    page = _page(teams, wanted)
    groups = _groups(teams, wanted, [_high(row) for row in page if _ranks(row, wanted)])
    ranked = [group for group in groups if group["ranked"]]
    offered = [group for group in groups if group["count"]]
    lows = _lows(groups)
    return Standings(
        rows=[_ranked(row, *lows[row.caveat]) if _ranks(row, wanted) else row for row in page],
        total=sum(group["shown"] for group in groups),
        kinds=_count(offered, "kind"),
        methods=sorted(_count(_own(offered), "method")),
        neurons=sorted(_count(_own(offered), "neuron")),
        data=_count(offered, "caveat"),
        ranked=_count(ranked, "caveat", "ranked"),
    )


def _page(teams: Collection[int], wanted: Wanted) -> list[BoardRow]:
    """The rows, not ranked yet. They are chosen and sorted narrow, and read wide afterwards."""
    order = _order(wanted)
    found = rows(
        f"""
        {narrow(teams, "lines")}
        select {READ} from (
          select entry.id from {FROM} where {VISIBLE} and {shown(teams)} {where(wanted)}
          order by {order} limit %(limit)s offset %(offset)s
        ) page join experiments_entry entry on entry.id = page.id
        left join experiments_entry other on other.id = entry.reproduces_id
        order by {order}""",
        **_params(teams, wanted),
        limit=wanted.size,
        offset=(wanted.page - 1) * wanted.size,
    )
    return [_row(row) for row in found]


MOST_POINTS = 2000
AXES = SORTS | {"operations": "entry.macs + entry.acs"}


def points(teams: Collection[int], wanted: Wanted, axis: str) -> list[Point]:
    """What a chart shows of the chosen lines: at most 2,000, the best and those nothing beats."""
    found = rows(
        f"""
        {narrow(teams, "lines", more=True)} shown as (
          select entry.id, entry.kind, entry.accuracy, {AXES[axis]} as x from {FROM}
          where {VISIBLE} and {shown(teams)} {where(wanted)} and entry.accuracy is not null
            and {AXES[axis]} is not null and entry.standing <> 'withdrawn'
        ), marked as (
          select *, accuracy > coalesce(max(accuracy) over (partition by kind
            order by x, accuracy desc, id rows between unbounded preceding and 1 preceding), -1)
            as front from shown
        )
        , chosen as (select id, x from marked order by front desc, accuracy desc, id limit %(most)s)
        select id, kind, title, accuracy, low, high, n, caveat, best_run, x
        from chosen join experiments_entry using (id) order by accuracy desc, id""",
        **_params(teams, wanted),
        most=MOST_POINTS,
    )
    return [Point(**row) for row in found]


def entry(teams: Collection[int], board: str, pk: int) -> BoardRow | None:
    """One line, if it is on this board and these teams may see it."""
    found = rows(
        f"""{narrow(teams, "lines")}
        select {READ} from {FROM} where entry.id = %(pk)s and {VISIBLE} and {shown(teams)}""",
        **params(teams) | {"pk": pk, "board": board},
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


LOW = "coalesce(entry.low, entry.accuracy)"


def _groups(
    teams: Collection[int], wanted: Wanted, highs: Collection[float]
) -> list[dict[str, Any]]:
    """What a board holds, by what can be chosen: rows, those shown, those that rank.

    `above` counts those that are surely better than all of the page, and `near` are the lower ends
    of those that are surely better than a part of it: all that its ranks need.
    """
    ranks = "entry.accuracy is not null and entry.standing <> 'withdrawn'"
    if not wanted.rank_published:
        ranks += " and entry.kind <> all(%(unranked)s)"
    return rows(
        f"""
        {narrow(teams, "lines")}
        select entry.caveat, entry.kind, entry.method, entry.neuron,
          count(*) filter (where {shown(teams)}) as count,
          count(*) filter (where {shown(teams)} {where(wanted)}) as shown,
          count(*) filter (where {ranks}) as ranked,
          count(*) filter (where {ranks} and {LOW} > %(top)s) as above,
          array_agg({LOW}) filter (where {ranks} and {LOW} > %(bottom)s and {LOW} <= %(top)s)
            as near
        from experiments_entry entry where {VISIBLE} group by 1, 2, 3, 4""",
        **_params(teams, wanted),
        unranked=list(UNRANKED),
        top=max(highs, default=0.0),
        bottom=min(highs, default=0.0),
    )


def _ranks(row: BoardRow, wanted: Wanted) -> bool:
    if row.accuracy is None or row.standing == "withdrawn":
        return False
    return wanted.rank_published or row.kind not in UNRANKED


def _high(row: BoardRow) -> float:
    """The upper end of a row's interval; without one the row is a point."""
    high = row.accuracy if row.high is None else row.high
    return 0.0 if high is None else high


def _lows(groups: Iterable[dict[str, Any]]) -> dict[str, tuple[int, list[float]]]:
    """For each copy of the data: how many rows are above all of the page, and the near ends."""
    found: dict[str, tuple[int, list[float]]] = {}
    for group in groups:
        above, near = found.get(group["caveat"], (0, []))
        found[group["caveat"]] = above + group["above"], near + (group["near"] or [])
    return {caveat: (above, sorted(near)) for caveat, (above, near) in found.items()}


def _ranked(row: BoardRow, above: int, near: list[float]) -> BoardRow:
    """The row with its rank among those of the same data."""
    return replace(row, rank=above + rank(_high(row), near))


def _own(groups: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Without what papers say: each has words of its own."""
    return [group for group in groups if group["kind"] != "published"]


def _count(groups: Iterable[dict[str, Any]], by: str, what: str = "count") -> dict[str, int]:
    counts: dict[str, int] = {}
    for group in groups:
        counts[group[by]] = counts.get(group[by], 0) + group[what]
    return counts


def where(wanted: Wanted) -> str:
    """The filters in use, each after an `and`."""
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
    return params(teams) | filtered(wanted) | {"board": wanted.board}


def filtered(wanted: Wanted) -> dict[str, Any]:
    """What the filters' SQL is given."""
    escape = str.maketrans({"%": r"\%", "_": r"\_", "\\": r"\\"})
    return {name: getattr(wanted, name) for name in FILTERS} | {
        "kinds": list(wanted.kinds),
        "words": [f"%{word.lower().translate(escape)}%" for word in wanted.words],
    }


def _row(found: dict[str, Any]) -> BoardRow:
    for name in ("runs", "seeds", "scores"):
        found[name] = tuple(found[name])
    return BoardRow(**found)
