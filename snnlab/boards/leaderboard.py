"""A leaderboard: a table of measured and published results and their trade-offs, made once for
each data set. Pages call `leaderboard`.
"""

from typing import Any

from dash import Input, Output, callback, html

from snnlab.boards.board import Board
from snnlab.boards.bridge import django_request
from snnlab.boards.figures import AXES, on_front, trade_off, with_cost
from snnlab.boards.inputs import clean_axis, clean_key, clean_kinds, clean_text
from snnlab.boards.rows import accuracy, grid_row, select, shorten, significant
from snnlab.boards.skeleton import layout
from snnlab.experiments import queries


def leaderboard(slug: str, dataset: str, title: str, description: str) -> Board:
    """The board of a data set, its callbacks registered under ids that begin with `slug`."""

    def id(name: str) -> str:
        return f"{slug}-{name}"

    def shown(kinds: Any, search: Any) -> list[queries.BoardRow]:
        """What this user may see and asked for. The user is the session's, not the browser's."""
        rows = queries.leaderboard(django_request().user, dataset)
        return select(rows, clean_kinds(kinds), clean_text(search))

    @callback(
        Output(id("grid"), "rowData"),
        Output(id("count"), "children"),
        Input(id("kinds"), "value"),
        Input(id("search"), "value"),
    )
    def table(kinds: Any, search: Any) -> tuple[list[dict[str, Any]], str]:
        rows = shown(kinds, search)
        return [grid_row(row) for row in rows], count(rows)

    @callback(
        Output(id("plot"), "figure"),
        Output(id("front"), "children"),
        Input(id("kinds"), "value"),
        Input(id("search"), "value"),
        Input(id("axis"), "value"),
        Input(id("grid"), "selectedRows"),
    )
    def plot(kinds: Any, search: Any, axis: Any, selected: Any) -> tuple[Any, list[Any]]:
        rows, along = shown(kinds, search), AXES[clean_axis(axis)]
        return trade_off(rows, along, clean_key(selected)), front_in_words(rows, along)

    @callback(Output(id("grid"), "selectedRows"), Input(id("plot"), "clickData"))
    def pick(click: Any) -> dict[str, list[str]]:
        points = click.get("points") if isinstance(click, dict) else None
        picked = points[0].get("customdata") if points else None
        return {"ids": [picked] if isinstance(picked, str) else []}

    return Board(slug, title, description, lambda: layout(id))


def count(rows: list[queries.BoardRow]) -> str:
    """How many rows of each kind are shown."""
    if not rows:
        return "No result matches. Change the search, or train a network."
    measured = sum(row.kind == "measured" for row in rows)
    caveats = sorted({row.caveat for row in rows if row.caveat})
    return (
        f"{measured} measured here, mean ± standard deviation over seeds; "
        f"{len(rows) - measured} published, as their papers say."
        + "".join(f" † {caveat}." for caveat in caveats)
    )


def front_in_words(rows: list[queries.BoardRow], axis: Any) -> list[Any]:
    """The front as a list, for those who cannot see the chart."""
    best = on_front(with_cost(rows, axis), axis)
    without = len(rows) - len(with_cost(rows, axis))
    lines = [
        html.Li(
            f"{shorten(row.title)} ({row.kind}): {accuracy(row)} at "
            f"{significant(getattr(row, axis.field))} {axis.unit}"
        )
        for row in best
    ]
    missing = f" {without} rows are not in the chart: they have no such value." if without else ""
    return [
        html.P(f"On the front, nothing shown is both cheaper and better.{missing}"),
        html.Ul(lines),
    ]
