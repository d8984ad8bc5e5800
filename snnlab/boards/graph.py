"""The one way to put a chart on a board."""

from typing import Any

from dash import dcc, html


CONFIG = {
    "displaylogo": False,
    "showSendToCloud": False,  # plotly.js would offer to upload the figure to its maker's cloud
    "plotlyServerURL": "",
    "responsive": True,
    "modeBarButtonsToRemove": ["select2d", "lasso2d", "autoScale2d"],
}


def graph(id: str, height: int = 380, **properties: Any) -> html.Div:
    """A chart that offers nothing which leaves this site.

    Its place has its height from the start: the script that draws it comes later, and nothing below
    may jump then.
    """
    style = {"height": f"{height}px"}
    chart = dcc.Graph(id=id, config=CONFIG, className="chart", style=style, **properties)
    return html.Div(chart, style={"minHeight": f"{height}px"})
