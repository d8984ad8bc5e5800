"""The leaderboards' charts: pure functions of points."""

from collections.abc import Sequence
from datetime import datetime
from html import escape
from typing import Any, NamedTuple

import plotly.graph_objects as go

from snnlab.boards.pareto import front
from snnlab.boards.rows import shorten, significant
from snnlab.experiments.queries import Point


class Axis(NamedTuple):
    """What accuracy is set against."""

    field: str
    label: str
    unit: str
    scale: str

    @property
    def needs(self) -> set[str]:
        """The columns that it is made of."""
        return {"macs", "acs"} if self.field == "operations" else {self.field}


AXES = {
    axis.field: axis
    for axis in (
        Axis("energy", "Energy", "nJ per image", "log"),
        Axis("operations", "Effective operations (MACs and ACs)", "per image", "log"),
        Axis("synops", "Synaptic operations", "per image", "log"),
        Axis("parameters", "Parameters", "weights", "log"),
        Axis("time_steps", "Time steps", "steps", "log"),
        Axis("latency", "Latency", "ms", "log"),
        Axis("seconds", "Training time", "s", "log"),
    )
}
DATE = Axis("date", "Date", "", "date")
LOOKS = {  # told apart by shape as well as by colour
    "measured": ("#2f87d0", "circle"),
    "reproduced": ("#009e73", "square"),
    "baseline": ("#56b4e9", "triangle-up"),
    "external": ("#cc79a7", "cross"),
    "published": ("#e69f00", "diamond-open"),
}
LEGEND = 0.2  # of a chart's height: a longer one scrolls, or it would leave the chart no room
LAYOUT = {
    "template": "none",
    "paper_bgcolor": "rgba(0,0,0,0)",
    "plot_bgcolor": "rgba(0,0,0,0)",
    "font": {"family": "system-ui, sans-serif", "size": 13},
    "margin": {"l": 56, "r": 12, "t": 8, "b": 56},
    "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom", "maxheight": LEGEND},
    "hoverlabel": {"align": "left"},
    "uirevision": "kept",
    "height": 380,
}


def usable(points: Sequence[Point], axis: Axis) -> list[Point]:
    """Those that the axis can show: a logarithm wants a positive value."""
    return [point for point in points if axis.scale != "log" or point.x > 0]


def on_front(points: Sequence[Point]) -> list[Point]:
    """The points that nothing beats, cheapest first; over dates, the records."""
    marks = front([(place(point.x), point.accuracy) for point in points])
    found = [point for point, marked in zip(points, marks, strict=True) if marked]
    return sorted(found, key=lambda point: (place(point.x), point.accuracy))


def place(x: Any) -> float:
    """Where a value lies on its axis, as a number."""
    return x.timestamp() if isinstance(x, datetime) else float(x)


def trade_off(points: Sequence[Point], axis: Axis) -> go.Figure:
    """Accuracy against a cost or the date: a staircase for each kind, of what nothing beats."""
    shown = usable(points, axis)
    figure = go.Figure(layout=LAYOUT | axes(axis))
    if not shown:
        figure.add_annotation(text=nothing(axis), showarrow=False, xref="paper", yref="paper")
    for kind in LOOKS:
        some = [point for point in shown if point.kind == kind]
        if some:
            best = on_front(some)
            figure.add_trace(stairs(best, kind))
            figure.add_trace(marks(some, axis, kind, {point.id for point in best}))
    return figure


def stairs(best: Sequence[Point], kind: str) -> go.Scatter:
    """The front of one kind, as steps."""
    return go.Scatter(
        x=[point.x for point in best],
        y=[point.accuracy for point in best],
        mode="lines",
        name=f"{kind}, front",
        legendgroup=kind,
        showlegend=False,
        line={"color": LOOKS[kind][0], "width": 2, "shape": "hv", "dash": dash(kind)},
        hoverinfo="skip",
    )


def dash(kind: str) -> str:
    return "dot" if kind == "published" else "solid"


def marks(points: Sequence[Point], axis: Axis, kind: str, best: set[int]) -> go.Scatter:
    """The rows of one kind with their intervals; what is beaten is paler."""
    colour, symbol = LOOKS[kind]
    return go.Scatter(
        x=[point.x for point in points],
        y=[point.accuracy for point in points],
        mode="markers",
        name=kind,
        legendgroup=kind,
        customdata=[point.id for point in points],
        text=[about(point, axis) for point in points],
        hovertemplate="%{text}<extra></extra>",
        error_y={
            "array": [0 if point.high is None else point.high - point.accuracy for point in points],
            "thickness": 1,
            "width": 3,
        },
        marker={
            "color": colour,
            "symbol": symbol,
            "size": 10,
            "opacity": [1.0 if point.id in best else 0.5 for point in points],
            "line": {"width": 1.5, "color": colour},
        },
    )


def about(point: Point, axis: Axis) -> str:
    """What hovering tells; a title may be anybody's text."""
    spread = "" if point.high is None else f" ± {point.high - point.accuracy:.2f}"
    seeds = f", n = {point.n}" if point.n else ""
    lines = [
        f"<b>{escape(shorten(point.title))}</b>",
        f"{point.kind}: {point.accuracy:.2f}{spread} %{seeds}",
        value(point, axis),
    ]
    return "<br>".join([*lines, f"† {escape(point.caveat)}"] if point.caveat else lines)


def value(point: Point, axis: Axis) -> str:
    """The point's place on the axis, in words."""
    if isinstance(point.x, datetime):
        return f"{point.x:%Y-%m-%d}" if point.n else f"{point.x:%Y}"
    return f"{significant(point.x)} {axis.unit}"


def axes(axis: Axis) -> dict[str, Any]:
    """Titles and scales of both axes."""
    title = f"{axis.label} [{axis.unit}]" if axis.unit else axis.label
    along = {"title": {"text": title}, "type": axis.scale, "automargin": True}
    up = {"title": {"text": "Test accuracy [%]"}, "automargin": True}
    return {"xaxis": along, "yaxis": up}


def nothing(axis: Axis) -> str:
    """What an empty chart says."""
    return f"No shown row has a value for: {axis.label.lower()}"
