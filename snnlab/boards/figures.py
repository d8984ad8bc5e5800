"""The boards' charts: pure functions of rows."""

from collections.abc import Sequence
from html import escape
from typing import Any, NamedTuple

import plotly.graph_objects as go

from snnlab.boards.pareto import front
from snnlab.boards.rows import accuracy, key, shorten, significant
from snnlab.experiments.queries import BoardRow


class Axis(NamedTuple):
    """A cost to set accuracy against."""

    field: str
    label: str
    unit: str
    scale: str


AXES = {
    axis.field: axis
    for axis in (
        Axis("energy", "Estimated energy (45 nm)", "nJ per image", "log"),
        Axis("synops", "Synaptic operations", "per image", "log"),
        Axis("time_steps", "Time steps", "steps", "linear"),
    )
}
LOOKS = {  # told apart by shape as well as by colour
    "measured": {"color": "#2f87d0", "symbol": "circle"},
    "published": {"color": "#d98200", "symbol": "diamond-open"},
}
FRONT = "#0f9d75"
LAYOUT = {
    "template": "none",
    "paper_bgcolor": "rgba(0,0,0,0)",
    "plot_bgcolor": "rgba(0,0,0,0)",
    "font": {"family": "system-ui, sans-serif", "size": 13},
    "margin": {"l": 64, "r": 16, "t": 8, "b": 64},
    "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom"},
    "hoverlabel": {"align": "left"},
    "uirevision": "kept",
    "height": 420,
}


def with_cost(rows: Sequence[BoardRow], axis: Axis) -> list[BoardRow]:
    """The rows that have this cost; a logarithm wants it positive."""
    costs = ((row, getattr(row, axis.field)) for row in rows)
    return [row for row, cost in costs if cost is not None and (cost > 0 or axis.scale != "log")]


def on_front(rows: Sequence[BoardRow], axis: Axis) -> list[BoardRow]:
    """The rows on the Pareto front, cheapest first. All of them must have the cost."""
    marks = front([(getattr(row, axis.field), row.accuracy) for row in rows])
    found = [row for row, marked in zip(rows, marks, strict=True) if marked]
    return sorted(found, key=lambda row: (getattr(row, axis.field), row.accuracy))


def trade_off(rows: Sequence[BoardRow], axis: Axis, selected: str = "") -> go.Figure:
    """Accuracy against a cost: the front joined by a line, all that is beaten paler."""
    shown = with_cost(rows, axis)
    best = on_front(shown, axis)
    figure = go.Figure(layout=LAYOUT | axes(axis))
    if not shown:
        figure.add_annotation(text=nothing(axis), showarrow=False, xref="paper", yref="paper")
        return figure
    figure.add_trace(joined(best, axis))
    marked = {key(row) for row in best}
    for kind in LOOKS:
        some = [row for row in shown if row.kind == kind]
        if some:
            figure.add_trace(points(some, axis, kind, marked, selected))
    return figure


def joined(best: Sequence[BoardRow], axis: Axis) -> go.Scatter:
    """The front as a line."""
    return go.Scatter(
        x=[getattr(row, axis.field) for row in best],
        y=[row.accuracy for row in best],
        mode="lines",
        name="Pareto front",
        line={"color": FRONT, "width": 2, "shape": "hv"},
        hoverinfo="skip",
    )


def points(
    rows: Sequence[BoardRow], axis: Axis, kind: str, marked: set[str], selected: str
) -> go.Scatter:
    """The rows of one kind; the selected one is larger."""
    keys = [key(row) for row in rows]
    return go.Scatter(
        x=[getattr(row, axis.field) for row in rows],
        y=[row.accuracy for row in rows],
        mode="markers",
        name=kind,
        customdata=keys,
        text=[about(row, axis) for row in rows],
        hovertemplate="%{text}<extra></extra>",
        error_y={"array": [row.std or 0 for row in rows], "thickness": 1, "width": 3},
        marker={
            **LOOKS[kind],
            "size": [18 if k == selected else 11 for k in keys],
            "opacity": [1.0 if k in marked or k == selected else 0.35 for k in keys],
            "line": {"width": [3 if k == selected else 1.5 for k in keys], "color": FRONT},
        },
    )


def about(row: BoardRow, axis: Axis) -> str:
    """What hovering tells; a title may be anybody's text."""
    cost = f"{significant(getattr(row, axis.field))} {axis.unit}"
    lines = [f"<b>{escape(shorten(row.title))}</b>", f"{row.kind}: {accuracy(row)}", cost]
    return "<br>".join([*lines, f"† {escape(row.caveat)}"] if row.caveat else lines)


def axes(axis: Axis) -> dict[str, Any]:
    """Titles and scales of both axes."""
    title = f"{axis.label}<br>[{axis.unit}]"
    along = {"title": {"text": title}, "type": axis.scale, "automargin": True}
    if axis.scale == "linear":
        along["rangemode"] = "tozero"
    up = {"title": {"text": "Test accuracy [%]"}, "automargin": True}
    return {"xaxis": along, "yaxis": up}


def nothing(axis: Axis) -> str:
    """What an empty chart says."""
    return f"No shown row has a value for: {axis.label.lower()}"
