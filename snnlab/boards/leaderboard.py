"""A leaderboard: a table of measured and published results and their trade-offs, made once for
each data set. Pages call `leaderboard`.
"""

import json
from typing import Any

import dash_ag_grid as dag
from dash import Input, Output, callback, dcc, html

from snnlab.boards.board import Board
from snnlab.boards.bridge import django_request
from snnlab.boards.figures import AXES, on_front, trade_off, with_cost
from snnlab.boards.graph import graph
from snnlab.boards.rows import accuracy, grid_row, select, shorten, significant
from snnlab.experiments import queries


KINDS = ("measured", "published")
COLUMNS = (
    {"field": "kind", "headerName": "Kind", "width": 150, "cellRenderer": "Kind", "sort": "asc"},
    {"field": "title", "headerName": "Result", "flex": 2, "minWidth": 300, "cellRenderer": "Link"},
    {"field": "accuracy", "headerName": "Test accuracy", "width": 165, "cellRenderer": "Text"},
    {"field": "n", "headerName": "Seeds", "width": 105},
    {"field": "energy", "headerName": "Est. energy [nJ]", "width": 170, "cellRenderer": "Text"},
    {"field": "synops", "headerName": "Synaptic ops", "width": 150, "cellRenderer": "Text"},
    {"field": "time_steps", "headerName": "Time steps", "width": 140},
    {"field": "firing_rate", "headerName": "Firing rate", "width": 140, "cellRenderer": "Text"},
    {"field": "method", "headerName": "Method", "flex": 1, "minWidth": 160},
    {"field": "network", "headerName": "Network", "flex": 1, "minWidth": 150},
    {"field": "neuron", "headerName": "Neuron", "width": 120},
    {"field": "year", "headerName": "Year", "width": 90},
    {"field": "note", "headerName": "Source, caveat", "flex": 1, "minWidth": 200},
)
THEME = {  # AG Grid's own theme, in the site's colours: so it follows light and dark
    "backgroundColor": "var(--surface)",
    "foregroundColor": "var(--text)",
    "headerTextColor": "var(--text)",
    "headerBackgroundColor": "var(--sunken)",
    "oddRowBackgroundColor": "var(--surface)",
    "rowHoverColor": "var(--sunken)",
    "selectedRowBackgroundColor": "var(--accent-soft)",
    "borderColor": "var(--line)",
    "accentColor": "var(--accent)",
    "fontFamily": "inherit",
    "browserColorScheme": "inherit",
}
NUMBERS = {"accuracy", "n", "energy", "synops", "time_steps", "firing_rate", "year"}


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


def layout(id: Any) -> html.Div:
    """The skeleton: controls, chart and its words, table."""
    return html.Div(
        [
            html.Div([search_box(id), kind_boxes(id), axis_box(id)], className="card controls"),
            html.Section(
                [
                    html.H2("Accuracy against cost"),
                    graph(id("plot"), figure=empty()),
                    html.Div(id=id("front"), className="quiet"),
                ],
                className="card",
            ),
            html.Section(
                [
                    html.H2("Results"),
                    html.P(id=id("count"), className="quiet", **{"aria-live": "polite"}),
                    grid(id("grid")),
                ],
                className="card",
            ),
        ]
    )


def search_box(id: Any) -> html.Div:
    """Words that must stand in a row."""
    box = dcc.Input(id=id("search"), type="search", debounce=0.3, placeholder="such as convnet lif")
    return html.Div([html.Label("Search", htmlFor=id("search")), box])


def kind_boxes(id: Any) -> html.Div:
    """Which kinds of rows to show."""
    boxes = dcc.Checklist(id=id("kinds"), options=list(KINDS), value=list(KINDS), inline=True)
    return html.Div([html.Span("Show", className="label"), boxes])


def axis_box(id: Any) -> html.Div:
    """Which cost to plot against."""
    options = [{"label": axis.label, "value": axis.field} for axis in AXES.values()]
    box = dcc.RadioItems(id=id("axis"), options=options, value="energy", inline=True)
    return html.Div([html.Span("Accuracy against", className="label"), box])


def grid(id: str) -> dag.AgGrid:
    """The table: every column sorts and filters."""
    return dag.AgGrid(
        id=id,
        columnDefs=[
            {**c, "type": "numericColumn", "filter": "agNumberColumnFilter"}
            if c["field"] in NUMBERS
            else {**c, "tooltipField": c["field"], "filter": "agTextColumnFilter"}
            for c in COLUMNS
        ],
        defaultColDef={"sortable": True, "resizable": True, "suppressHeaderMenuButton": True},
        rowData=[],
        getRowId="params.data.key",
        style={"height": 520},
        dashGridOptions={
            "theme": {"function": f"themeQuartz.withParams({json.dumps(THEME)})"},
            "rowSelection": {
                "mode": "singleRow",
                "checkboxes": False,
                "enableClickSelection": True,
            },
            "animateRows": False,
            "tooltipShowDelay": 300,
            "ensureDomOrder": True,
        },
    )


def empty() -> dict[str, Any]:
    """The chart before its data."""
    return {"data": [], "layout": {"height": 420, "paper_bgcolor": "rgba(0,0,0,0)"}}


def count(rows: list[queries.BoardRow]) -> str:
    """How many rows of each kind are shown."""
    if not rows:
        return "No result matches. Change the search, or train a network."
    measured = sum(row.kind == "measured" for row in rows)
    return (
        f"{measured} measured here, mean ± standard deviation over seeds; "
        f"{len(rows) - measured} published, as their papers say."
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


def clean_kinds(value: Any) -> set[str]:
    """The kinds asked for; ValueError if the browser sends anything else."""
    if not isinstance(value, list) or not all(kind in KINDS for kind in value):
        raise ValueError("kinds")
    return set(value)


def clean_text(value: Any) -> str:
    """A searched text."""
    if not isinstance(value, str | None) or len(value or "") > 200:
        raise ValueError("search")
    return value or ""


def clean_axis(value: Any) -> str:
    """The name of an axis."""
    if not isinstance(value, str) or value not in AXES:
        raise ValueError("axis")
    return value


def clean_key(selected: Any) -> str:
    """The key of the selected row, if one is; the figure only compares it."""
    row = selected[0] if isinstance(selected, list) and selected else None
    found = row.get("key") if isinstance(row, dict) else None
    return found if isinstance(found, str) else ""
