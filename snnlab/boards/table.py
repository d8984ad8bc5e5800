"""A leaderboard's table, filters and pages, as its template wants them."""

from typing import Any, NamedTuple

from django.utils.html import conditional_escape
from django.utils.safestring import SafeString, mark_safe

from snnlab.boards.cells import VERIFIED, name_alone
from snnlab.boards.columns import ALWAYS, COLUMNS, DEFAULT, Column
from snnlab.boards.figures import AXES
from snnlab.boards.state import WHOLE, State
from snnlab.experiments.queries import KINDS, BoardRow, Standings


class Head(NamedTuple):
    """A column's head: what a click sorts by, and how it is sorted now."""

    column: Column
    arrow: str
    link: str
    sorted: str


class Line(NamedTuple):
    """One row of the table, its cells ready as HTML, and its seeds if they are unfolded."""

    row: BoardRow
    cells: SafeString
    seeds: list[dict[str, Any]]
    toggle: str


def context(slug: str, state: State, found: Standings, *, shared: bool = False) -> dict[str, Any]:
    """All that the template shows; through a link, nothing leads into the lab."""
    columns = [COLUMNS[name] for name in state.columns]
    if shared:
        columns = [c._replace(cell=name_alone) if c.name == "title" else c for c in columns]
    return {
        "slug": slug,
        "state": state,
        "found": found,
        "heads": [head(column, state) for column in columns],
        "lines": [line(row, columns, state) for row in found.rows],
        "width": len(columns) + 1,
        "pages": pages(state, found.total),
        "filters": filters(state, found),
        "chooser": chooser(state),
        "unfold": state.link(open=None if state.all_opened else "all", page=state.wanted.page),
        "plain": ",".join(name for name, _, _ in chooser(state) if name in DEFAULT),
        "ranked": sum(found.ranked.values()),
    }


def head(column: Column, state: State) -> Head:
    wanted = state.wanted
    now = column.sort and column.sort == wanted.sort and column.name != "rank"
    down = not wanted.descending if now else column.better != "lower" and column.numeric
    arrow = {"higher": "↑", "lower": "↓"}.get(column.better, "")
    link = state.link(sort=f"{'-' * down}{column.sort}") if column.sort else ""
    return Head(
        column, arrow, link, ("descending" if wanted.descending else "ascending") * bool(now)
    )


def line(row: BoardRow, columns: list[Column], state: State) -> Line:
    opened = state.all_opened or row.id in state.opened
    others = state.opened ^ {row.id}
    toggle = state.link(open=",".join(map(str, sorted(others))), page=state.wanted.page)
    return Line(row, cells(row, columns), seeds(row) if opened else [], toggle)


def cells(row: BoardRow, columns: list[Column]) -> SafeString:
    """All cells in one text: a template would take longer than the query."""
    return mark_safe("".join(cell(column, column.cell(row)) for column in columns))


def cell(column: Column, content: str) -> str:
    content = conditional_escape(content) or "–"
    if column.name == "title":
        return f'<th scope="row" class="name">{content}</th>'
    kind = "number" if column.numeric else f"text {column.name}"
    return f'<td class="{kind}">{content}</td>'


def seeds(row: BoardRow) -> list[dict[str, Any]]:
    """The seeds behind a row, each with its run."""
    trio = zip(row.seeds, row.runs, row.scores, strict=True)
    return [{"seed": seed, "run": run, "score": score} for seed, run, score in trio]


def pages(state: State, total: int) -> dict[str, Any]:
    page, last = state.wanted.page, max(1, -(-total // state.wanted.size))
    return {
        "page": page,
        "last": last,
        "before": state.link(page=page - 1) if page > 1 else "",
        "after": state.link(page=page + 1) if page < last else "",
        "final": state.link(page=last),
    }


def filters(state: State, found: Standings) -> dict[str, Any]:
    """What the form offers, and what is chosen."""
    wanted, query = state.wanted, state.query
    chosen = query.getlist("kind")
    return {
        "q": query.get("q", ""),
        "kinds": [(kind, found.kinds.get(kind, 0), kind in chosen) for kind in KINDS],
        "methods": options(found.methods, wanted.method),
        "neurons": options(found.neurons, wanted.neuron),
        "data": [
            (data or WHOLE, data or "the whole published data set", count, wanted.data == data)
            for data, count in sorted(found.data.items())
        ],
        "verified": [
            (level, name, wanted.least_verified == level) for level, (name, _) in VERIFIED.items()
        ][1:],
        "axes": [
            (axis.field, axis.label, axis.field == state.axis)
            for axis in AXES.values()
            if axis.needs <= state.allowed
        ],
        "ranges": {name: query.get(name, "") for name in ("t_min", "t_max", "p_min", "p_max")},
        "seeds": wanted.least_seeds or "",
        "rank": wanted.rank_published,
        "sort": query.get("sort", ""),
        "active": active(state),
    }


def options(values: list[str], chosen: str) -> list[tuple[str, bool]]:
    known = values if not chosen or chosen in values else [*values, chosen]
    return [(value, value == chosen) for value in known if value]


def active(state: State) -> int:
    """How many filters narrow what is shown."""
    names = ("kind", "q", "method", "neuron", "data", "t_min", "t_max", "p_min", "p_max", "seeds")
    return sum(bool(state.query.get(name)) for name in (*names, "verified"))


def chooser(state: State) -> list[tuple[str, str, bool]]:
    """Every column that can be left out, and whether it is shown."""
    return [
        (name, column.title, name in state.columns)
        for name, column in COLUMNS.items()
        if name not in ALWAYS and name in state.allowed
    ]
