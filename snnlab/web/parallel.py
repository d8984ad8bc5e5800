"""Parallel coordinates of a sweep: one line for each point. Pure functions."""

import itertools
import math
from collections.abc import Sequence
from typing import Any

from snnlab.experiments.queries_sweeps import PointRow
from snnlab.learning.plan import Plan
from snnlab.learning.space import Choices, Range
from snnlab.web.charts import BANDS, LAYOUT, QUIET, Figure, figure, scored, written
from snnlab.web.numbers import number


Ticks = list[tuple[float, str]]


def parallel(plan: Plan, points: Sequence[PointRow]) -> Figure:
    """One line for each point over all fields and the objective; the best are drawn last.

    Lines, not plotly's own kind: that one draws by WebGL and makes code from text, which the
    site's content security policy forbids.
    """
    shown = worst_first(plan, scored(points))
    names = [*plan.space, *(o.metric for o in plan.objectives)]
    if not shown or len(names) < 2:
        return figure([], {}, {})
    columns = [[p.values.get(field) for p in shown] for field in plan.space]
    columns += [[p.score(n) for p in shown] for n in range(len(plan.objectives))]
    placed, ticks = zip(*map(scaled, names, columns, itertools.repeat(plan)), strict=True)
    data = [
        band(number, count, placed) for number, count in enumerate(split(len(shown), len(BANDS)))
    ]
    layout = {
        "xaxis": {
            "tickvals": list(range(len(names))),
            "ticktext": names,
            "range": [-0.3, len(names) - 0.7],
            "showgrid": False,
            "zeroline": False,
        },
        "yaxis": {"visible": False, "range": [-0.08, 1.08]},
        "shapes": [upright(place) for place in range(len(names))],
        "annotations": [
            note(place, at, text) for place, tick in enumerate(ticks) for at, text in tick
        ],
        "showlegend": True,
    }
    return {"data": [d for d in data if d["x"]], "layout": LAYOUT | layout}


def worst_first(plan: Plan, points: Sequence[PointRow]) -> list[PointRow]:
    up = plan.objectives[0].direction == "higher"
    return sorted(points, key=lambda p: p.score() or 0.0, reverse=not up)


def split(count: int, parts: int) -> list[tuple[int, int]]:
    """The bounds of so many about equal parts."""
    marks = [count * part // parts for part in range(parts + 1)]
    return list(itertools.pairwise(marks))


def band(number: int, bounds: tuple[int, int], placed: Sequence[Sequence[float]]) -> Figure:
    """The lines of points of about the same rank, with a gap after each."""
    first, last = bounds
    names = {0: "worst", len(BANDS) - 1: "best"}
    return {
        "x": [x for _ in range(first, last) for x in (*range(len(placed)), None)],
        "y": [y for at in range(first, last) for y in (*(c[at] for c in placed), None)],
        "mode": "lines",
        "line": {"color": BANDS[number], "width": 1 + number / 4},
        "opacity": 0.75,
        "name": names.get(number, ""),
        "showlegend": number in names,
        "hoverinfo": "skip",
    }


def scaled(name: str, values: Sequence[Any], plan: Plan) -> tuple[list[float], Ticks]:
    """Where each value stands on its axis, 0..1, and what is written beside the axis."""
    known = plan.space.get(name)
    numbers = [v for v in values if isinstance(v, int | float) and not isinstance(v, bool)]
    if isinstance(known, Choices) or len(numbers) < len(values):
        texts = [written(v) for v in known.values] if isinstance(known, Choices) else []
        texts = list(dict.fromkeys([*texts, *map(written, values)]))
        steps = max(1, len(texts) - 1)
        return [texts.index(written(v)) / steps for v in values], [
            (at / steps, text) for at, text in enumerate(texts[:12])
        ]
    low, high = min(numbers), max(numbers)
    if isinstance(known, Range) and known.log:
        places = [share(math.log(v), math.log(low), math.log(high)) for v in numbers]
    else:
        places = [share(v, low, high) for v in numbers]
    ends = {0.0: low, 1.0: high} if low < high else {0.5: low}
    return places, [(at, number(value, 3)) for at, value in ends.items()]


def share(value: float, low: float, high: float) -> float:
    return (value - low) / (high - low) if high > low else 0.5


def upright(place: int) -> Figure:
    line = {"color": QUIET, "width": 1}
    return {"type": "line", "x0": place, "x1": place, "y0": 0, "y1": 1, "line": line}


def note(place: int, at: float, text: str) -> Figure:
    return {
        "x": place,
        "y": at,
        "text": text,
        "showarrow": False,
        "xanchor": "left",
        "xshift": 4,
        "font": {"size": 11},
    }
