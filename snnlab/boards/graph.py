"""The one way to put a chart on a board."""

from typing import Any

from dash import dcc


CONFIG = {
    "displaylogo": False,
    "showSendToCloud": False,  # plotly.js would offer to upload the figure to its maker's cloud
    "plotlyServerURL": "",
    "responsive": True,
    "modeBarButtonsToRemove": ["select2d", "lasso2d", "autoScale2d"],
}


def graph(id: str, **properties: Any) -> dcc.Graph:
    """A chart that offers nothing which leaves this site."""
    return dcc.Graph(id=id, config=CONFIG, className="chart", **properties)
