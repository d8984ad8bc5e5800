"""A leaderboard's page before its data: controls, chart and table."""

import json
from typing import Any

import dash_ag_grid as dag
from dash import dcc, html

from snnlab.boards.figures import AXES
from snnlab.boards.graph import graph
from snnlab.boards.inputs import KINDS


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
    {"field": "selection", "headerName": "Weights tested", "width": 150},
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
