"""Parallel coordinates of a comparison: a line a run, over fields and results. Pure functions.

Lines, not plotly's own kind: that one draws by WebGL and makes code from text, which the site's
content security policy forbids.
"""

import math
from collections.abc import Sequence
from html import escape
from typing import Any

import plotly.graph_objects as go

from snnlab.boards.compare_figures import MOST_NAMED, style
from snnlab.boards.compared import Group, plain, value_of
from snnlab.boards.figures import LAYOUT
from snnlab.boards.robust_figures import nothing
from snnlab.boards.rows import shorten


MOST_AXES, MOST_TICKS = 10, 8
WIDE = 100  # from the smallest to the largest: then the axis is logarithmic

Ticks = list[tuple[float, str]]


def parallel(groups: Sequence[Group], fields: Sequence[str], score: str) -> go.Figure:
    """One line for each run over the fields that differ, at last over the result."""
    names = [*fields[: MOST_AXES - 1], score] if score else list(fields[:MOST_AXES])
    runs = [(run, place) for place, group in enumerate(groups) for run in group.runs]
    if len(names) < 2 or not runs:
        return nothing("These runs differ in no field")
    axes = [scaled([value_of(run, name) for run, _ in runs]) for name in names]
    more = {"height": 420, "margin": MARGIN, "showlegend": len(groups) <= MOST_NAMED}
    figure = go.Figure(layout=LAYOUT | more)
    for place, group in enumerate(groups):
        mine = [number for number, (_, of) in enumerate(runs) if of == place]
        figure.add_trace(band(group.name, place, mine, axes))
    for place, (_, ticks) in enumerate(axes):
        figure.add_vline(x=place, line={"width": 1, "color": "#7b8490"})
        for at, text in ticks:
            figure.add_annotation(x=place, y=at, text=escape(text), **NOTE)
    labels = [f"…{name[-22:]}" if len(name) > 24 else name for name in names]
    figure.update_xaxes(
        tickvals=list(range(len(names))), ticktext=labels, range=[-0.3, len(names) - 0.4]
    )
    figure.update_xaxes(showgrid=False, zeroline=False, automargin=True)
    return figure.update_yaxes(visible=False, range=[-0.06, 1.06])


MARGIN = {"l": 72, "r": 40, "t": 8, "b": 40}
NOTE: dict[str, Any] = {"showarrow": False, "xanchor": "left", "xshift": 4, "font": {"size": 11}}


def band(name: str, place: int, mine: Sequence[int], axes: Sequence[Any]) -> go.Scatter:
    """The lines of one group, with a gap after each run and where a value is missing."""
    return go.Scatter(
        x=[x for _ in mine for x in (*range(len(axes)), None)],
        y=[y for number in mine for y in (*(at[number] for at, _ in axes), None)],
        mode="lines+markers",
        name=escape(name),
        line=style(place),
        opacity=0.8,
        marker={"size": 5},
        hoverinfo="name",
    )


def scaled(values: Sequence[Any]) -> tuple[list[float | None], Ticks]:
    """Where each value stands on its axis, 0..1, and what is written beside the axis."""
    present = [value for value in values if value is not None]
    if any(isinstance(value, str) for value in present):
        texts = list(dict.fromkeys(map(plain, present)))
        steps = max(1, len(texts) - 1)
        places = [None if v is None else texts.index(plain(v)) / steps for v in values]
        shown = texts if len(texts) <= MOST_TICKS else [texts[0], texts[-1]]
        return places, [(texts.index(t) / steps, shorten(t, 18)) for t in shown]
    low, high = (min(present), max(present)) if present else (0.0, 1.0)
    if low == high:
        return [None if v is None else 0.5 for v in values], [(0.5, plain(low))]
    wide = low > 0 and high / low >= WIDE
    size = math.log if wide else float
    width = size(high) - size(low)
    places = [None if v is None else (size(v) - size(low)) / width for v in values]
    return places, [(0.0, plain(low)), (1.0, f"{plain(high)}{' (log)' * wide}")]
