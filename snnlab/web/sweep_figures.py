"""The charts of a sweep's page, as plotly's plain data: pure functions of points."""

import itertools
from collections.abc import Mapping, Sequence

from snnlab.experiments.queries_sweeps import PointRow
from snnlab.learning.plan import Plan
from snnlab.learning.space import Range
from snnlab.web.charts import (
    BANDS,
    BLUE,
    GREEN,
    LAYOUT,
    ORANGE,
    QUIET,
    Figure,
    axis,
    coordinate,
    figure,
    scatter,
    scored,
    titled,
)
from snnlab.web.parallel import parallel


FEW = 20  # points that each have a tick
SLICES = 6  # fields that have a slice of their own


def figures(
    plan: Plan, points: Sequence[PointRow], shares: Mapping[str, float], pair: tuple[str, str]
) -> dict[str, Figure]:
    """Every chart that this sweep has, by the id of its place."""
    made = {
        "history": history(plan, points),
        "parallel": parallel(plan, points),
        "importance": importance(shares),
        "slices": slices(plan, points),
        "contour": contour(plan, points, pair),
    }
    if len(plan.objectives) > 1:
        made["front"] = front(plan, points)
    return made


def history(plan: Plan, points: Sequence[PointRow]) -> Figure:
    """The objective of each point by its number, and the best so far; pruned ones are crosses."""
    good = sorted(scored(points), key=lambda p: p.number)
    cut = [p for p in points if p.state == "pruned" and p.score() is not None]
    best = max if plan.objectives[0].direction == "higher" else min
    so_far = list(itertools.accumulate((p.score() or 0.0 for p in good), best))
    data = [
        scatter("points", good, BLUE, "circle")
        | {"error_y": {"array": [p.scores[0].half or 0 for p in good], "thickness": 1, "width": 3}},
        scatter("pruned", cut, ORANGE, "x-thin-open"),
        {
            "x": [p.number for p in good],
            "y": so_far,
            "name": "best so far",
            "mode": "lines",
            "line": {"color": GREEN, "width": 2, "shape": "hv"},
            "hoverinfo": "skip",
        },
    ]
    across = axis("point") | ({"dtick": 1} if len(points) <= FEW else {})
    return figure([d for d in data if d["x"]], across, axis(titled(plan.objectives[0])))


def importance(shares: Mapping[str, float]) -> Figure:
    """How much each field decides, the most important on top."""
    fields = sorted(shares, key=lambda field: shares[field])
    bars = {
        "type": "bar",
        "orientation": "h",
        "x": [shares[field] for field in fields],
        "y": fields,
        "text": [f"{100 * shares[field]:.0f} %" for field in fields],
        "marker": {"color": BLUE},
        "hoverinfo": "skip",
    }
    return figure([bars] if fields else [], axis("importance"), {"automargin": True})


def slices(plan: Plan, points: Sequence[PointRow]) -> Figure:
    """The objective over each field alone; one small chart for each."""
    fields = list(plan.space)[:SLICES]
    good, cut = scored(points), [p for p in points if p.state == "pruned" and p.score() is not None]
    data: list[Figure] = []
    layout: Figure = {"yaxis": axis(titled(plan.objectives[0])), "showlegend": False}
    for place, field in enumerate(fields):
        suffix = str(place + 1) if place else ""
        kinds = ((good, BLUE, "circle"), (cut, ORANGE, "x-thin-open"))
        data += [sliced(field, some, *look, suffix) for some, *look in kinds if some]
        width = 1 / len(fields)
        layout[f"xaxis{suffix}"] = axis(field) | {
            "domain": [place * width + 0.01, (place + 1) * width - 0.01],
            "type": kind_of(plan, field),
        }
    return {"data": data, "layout": LAYOUT | layout}


def sliced(field: str, points: Sequence[PointRow], colour: str, symbol: str, suffix: str) -> Figure:
    return scatter(field, points, colour, symbol) | {
        "x": [coordinate(p.values.get(field)) for p in points],
        "xaxis": f"x{suffix}",
    }


def kind_of(plan: Plan, field: str) -> str:
    """The scale of a field's axis."""
    known = plan.space[field]
    if isinstance(known, Range):
        return "log" if known.log else "linear"
    numbers = known.grid()
    plain = all(isinstance(v, int | float) and not isinstance(v, bool) for v in numbers)
    return "linear" if plain else "category"


def contour(plan: Plan, points: Sequence[PointRow], pair: tuple[str, str]) -> Figure:
    """The objective over two fields: each point, and between them what lies around them."""
    good = scored(points)
    if len(set(pair)) < 2 or len(good) < 4:
        return figure([], {}, {})
    across, up = ([coordinate(p.values.get(field)) for p in good] for field in pair)
    z = [p.score() for p in good]
    scale = [[n / (len(BANDS) - 1), colour] for n, colour in enumerate(BANDS)]
    reverse = plan.objectives[0].direction != "higher"
    colours = {"colorscale": scale, "reversescale": reverse}
    bar = {"title": {"text": titled(plan.objectives[0])}, "thickness": 14}
    area = {
        "type": "contour",
        "x": across,
        "y": up,
        "z": z,
        "connectgaps": True,
        "contours": {"coloring": "heatmap"},
        "line": {"width": 0.5},
        "colorbar": bar,
        "hoverinfo": "skip",
        **colours,
    }
    dots = scatter("points", good, "#ffffff", "circle") | {"x": across, "y": up}
    dots["marker"] = {"size": 8, "color": z, "line": {"width": 1, "color": "#ffffff"}, **colours}
    made = figure([area, dots], *(axis(f) | {"type": kind_of(plan, f)} for f in pair))
    made["layout"]["showlegend"] = False
    return made


def front(plan: Plan, points: Sequence[PointRow]) -> Figure:
    """The first two objectives against each other; the points that no other beats are joined."""
    good = [p for p in scored(points) if p.score(1) is not None]
    best = sorted(unbeaten(plan, good), key=lambda p: p.score(0) or 0.0)
    first, second = plan.objectives[:2]
    data = [
        {
            "x": [p.score(0) for p in best],
            "y": [p.score(1) for p in best],
            "name": "Pareto front",
            "mode": "lines",
            "line": {"color": GREEN, "width": 2},
            "hoverinfo": "skip",
        },
        in_front("beaten", [p for p in good if p not in best], QUIET, "circle-open"),
        in_front("on the front", best, GREEN, "circle"),
    ]
    return figure([d for d in data if d["x"]], axis(titled(first)), axis(titled(second)))


def in_front(name: str, points: Sequence[PointRow], colour: str, symbol: str) -> Figure:
    x, y = [p.score(0) for p in points], [p.score(1) for p in points]
    return scatter(name, points, colour, symbol) | {"x": x, "y": y}


def unbeaten(plan: Plan, points: Sequence[PointRow]) -> list[PointRow]:
    """The points that no other beats in one of the first two objectives and equals in the other."""
    signs = [1 if o.direction == "higher" else -1 for o in plan.objectives[:2]]

    def gains(point: PointRow) -> tuple[float, float]:
        return signs[0] * (point.score(0) or 0.0), signs[1] * (point.score(1) or 0.0)

    found: list[PointRow] = []
    for point in sorted(points, key=gains, reverse=True):
        if not found or gains(point)[1] > gains(found[-1])[1] or gains(point) == gains(found[-1]):
            found.append(point)
    return found
