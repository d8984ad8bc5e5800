"""What the charts of a sweep have in common: colours, scores, words. Pure functions."""

from collections.abc import Sequence
from typing import Any

from snnlab.experiments.queries_sweeps import PointRow
from snnlab.learning.notation import write_value
from snnlab.learning.plan import Objective
from snnlab.web.numbers import label, number


Figure = dict[str, Any]
BANDS = ("#440154", "#443983", "#31688e", "#21918c", "#35b779", "#90d743", "#d9c613")  # worst..best
BLUE, ORANGE, GREEN, QUIET = "#2f87d0", "#d98200", "#0f9d75", "#8a8f98"
LAYOUT = {
    "margin": {"l": 60, "r": 16, "t": 8, "b": 56},
    "paper_bgcolor": "rgba(0,0,0,0)",
    "plot_bgcolor": "rgba(0,0,0,0)",
    "font": {"family": "system-ui, sans-serif", "size": 13},
    "uirevision": "kept",
    "hoverlabel": {"align": "left"},
    "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom"},
}
WAITS = {
    "text": "waits for more finished points",
    "showarrow": False,
    "xref": "paper",
    "yref": "paper",
    "x": 0.5,
    "y": 0.5,
}


def scored(points: Sequence[PointRow]) -> list[PointRow]:
    """The points that have a number, but for those that were pruned."""
    return [p for p in points if p.score() is not None and p.state != "pruned"]


def about(point: PointRow) -> str:
    """What hovering tells."""
    values = [f"{field} = {written(value)}" for field, value in point.values.items()]
    score = point.scores[0]
    half = f" ± {number(score.half, 2)}" if score.half is not None else ""
    return "<br>".join([f"<b>point {point.number}</b>: {number(score.mean)}{half}", *values])


def plain(value: Any) -> str:
    """A value as text of at most 40 characters, a number with six digits."""
    if isinstance(value, float):
        return f"{value:.6g}"
    text = value if isinstance(value, str) else write_value(value)
    return text if len(text) <= 40 else text[:39] + "…"


def written(value: Any) -> str:
    """The same without what a chart would take for markup."""
    return plain(value).replace("&", "&amp;").replace("<", "&lt;")


def coordinate(value: Any) -> Any:
    """A number as it is, anything else as text."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return value if number else written(value)


def titled(objective: Objective) -> str:
    """An objective's name, and an arrow to where it gets better."""
    arrow = "↑" if objective.direction == "higher" else "↓"
    return f"{label(objective.metric)} {arrow}"


def axis(title: str) -> Figure:
    return {"title": {"text": title}, "automargin": True}


def figure(data: list[Figure], across: Figure, up: Figure) -> Figure:
    """A chart; an empty one says that it waits."""
    layout: Figure = LAYOUT | {"xaxis": across, "yaxis": up}
    if not data:
        hidden = {"visible": False}
        layout |= {"xaxis": hidden, "yaxis": hidden, "annotations": [WAITS]}
    return {"data": data, "layout": layout}


def scatter(name: str, points: Sequence[PointRow], colour: str, symbol: str) -> Figure:
    return {
        "x": [p.number for p in points],
        "y": [p.score() for p in points],
        "name": name,
        "mode": "markers",
        "text": [about(p) for p in points],
        "hovertemplate": "%{text}<extra></extra>",
        "marker": {"color": colour, "symbol": symbol, "size": 9, "line": {"width": 1.5}},
    }
