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


def graph(id: str, height: int = 380, **properties: Any) -> dcc.Graph:
    """A chart that offers nothing which leaves this site; its height is its own from the start."""
    style = {"height": f"{height}px"}
    return dcc.Graph(id=id, config=CONFIG, className="chart", style=style, **properties)
