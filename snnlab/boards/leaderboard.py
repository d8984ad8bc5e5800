"""A leaderboard: a table made by the server, and charts of the same rows beside it.

Made once for each data set: pages call `leaderboard`. What is shown is said by the address alone.
"""

from functools import cache
from importlib import import_module
from typing import Any

from dash import Input, Output, callback, dcc, html
from dash.exceptions import PreventUpdate
from django.http import HttpRequest, QueryDict
from django.urls import reverse

from snnlab.boards import exported
from snnlab.boards.board import Board
from snnlab.boards.bridge import django_request
from snnlab.boards.clicks import clicked
from snnlab.boards.figures import AXES, DATE, on_front, trade_off, usable
from snnlab.boards.graph import graph
from snnlab.boards.rows import shorten
from snnlab.boards.scope import asked, link, scope
from snnlab.boards.state import State, query_of, read
from snnlab.boards.table import context
from snnlab.experiments import queries


VERSION = 1  # grows whenever rows from before and after could not be compared


def leaderboard(slug: str, dataset: str, title: str, description: str, split: str) -> Board:
    """The board of a data set, its callbacks registered under ids that begin with `slug`."""

    def id(name: str) -> str:
        return f"{slug}-{name}"

    @callback(
        Output(id("trade"), "figure"),
        Output(id("record"), "figure"),
        Output(id("front"), "children"),
        Input("address", "search"),
    )
    def charts(search: Any) -> tuple[Any, Any, list[Any]]:
        request = django_request()
        state = view(request, dataset, query_of(search))
        teams, axis = scope(request), AXES[state.axis]
        points = queries.points(teams, state.wanted, axis.field)
        dated = queries.points(teams, state.wanted, DATE.field)
        return trade_off(points, axis), trade_off(dated, DATE), in_words(usable(points, axis), axis)

    @callback(
        Output(id("go"), "href"),
        Input(id("trade"), "clickData"),
        Input(id("record"), "clickData"),
        prevent_initial_call=True,
    )
    def open_run(trade: Any, record: Any) -> str:
        pk = clicked(trade) if clicked(trade) is not None else clicked(record)
        row = None if pk is None else queries.entry(scope(django_request()), dataset, pk)
        place = "" if row is None else place_of(row)
        if not place:
            raise PreventUpdate
        return place

    def shown(request: HttpRequest) -> dict[str, Any]:
        state = view(request, dataset, request.GET)
        found = queries.standings(scope(request), state.wanted)
        about = {"split": split, "version": VERSION, "published": published(dataset)}
        return context(slug, state, found, shared=link(request) is not None) | about

    def plots(request: HttpRequest, query: QueryDict) -> dict[str, Any]:
        state = view(request, dataset, query)

        def over(axis: Any) -> Any:
            return trade_off(queries.points(scope(request), state.wanted, axis.field), axis)

        return {"trade": lambda: over(AXES[state.axis]), "record": lambda: over(DATE)}

    def tables(request: HttpRequest, query: QueryDict) -> dict[str, Any]:
        state = view(request, dataset, query)
        return {"rows": lambda: exported.table(title, scope(request), state)}

    page = "boards/leaderboard.html"
    made = (slug, title, description, lambda: layout(id), shown, page, dataset, plots, tables)
    return Board(*made)


def view(request: HttpRequest, dataset: str, query: QueryDict) -> State:
    """The view that an address asks for, within what a link shows."""
    share = link(request)
    return read(dataset, asked(request, query), share.columns if share else None)


@cache
def published(board: str) -> str:
    """The digest of the board's data set as its publishers serve it."""
    import_module("snnlab.learning.spec")  # here, because it takes PyTorch along
    return str(import_module("snnlab.learning.dataset").of_board(board).published())


def layout(id: Any) -> html.Div:
    """The charts before their data."""
    return html.Div(
        [
            dcc.Location(id=id("go"), refresh=True),
            html.Section(
                [
                    html.H2("Accuracy against cost"),
                    graph(id("trade"), figure=empty()),
                    html.Div(id=id("front"), className="quiet"),
                ],
                className="card",
            ),
            html.Section(
                [html.H2("Record over time"), graph(id("record"), figure=empty())],
                className="card",
            ),
        ],
        className="charts",
    )


def empty() -> dict[str, Any]:
    """A chart before its data."""
    return {"data": [], "layout": {"height": 380, "paper_bgcolor": "rgba(0,0,0,0)"}}


def place_of(row: queries.BoardRow) -> str:
    """The run of a row, or its paper; through a link a measured row leads nowhere."""
    return reverse("web:run", args=[row.best_run]) if row.best_run else row.url


def in_words(points: list[queries.Point], axis: Any) -> list[Any]:
    """The fronts as a list, for those who cannot see the chart; the table says all else."""
    lines = []
    for kind in queries.KINDS:
        best = on_front([point for point in points if point.kind == kind])
        if best:
            names = "; ".join(f"{shorten(p.title, 40)} {p.accuracy:.2f} %" for p in best[-5:])
            lines.append(html.Li(f"{kind}: {names}"))
    if not lines:
        return []
    note = f"On a line, nothing of its kind is both better and lower in {axis.label.lower()}."
    return [html.P(note), html.Ul(lines)]
