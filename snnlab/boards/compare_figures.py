"""The charts of a comparison: pure functions of runs, groups and curves."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any, NamedTuple

import numpy as np
import plotly.graph_objects as go

from snnlab.boards.compared import Group, plain, value_of
from snnlab.boards.figures import LAYOUT
from snnlab.boards.robust_figures import COLOURS, DASHES, SYMBOLS, nothing
from snnlab.boards.rows import shorten
from snnlab.experiments.comparing import Curve
from snnlab.experiments.statistics import FEWEST, LEVEL, quantile
from snnlab.experiments.thinning import kept


MOST, MOST_OF_ALL, FEWEST_POINTS = 2000, 40_000, 100
FEW = 12  # steps, each with a tick of its own
MOST_NAMED = 6  # groups that a small chart names; the curves name them all


class Mean(NamedTuple):
    """The mean curve of a group, and half the width of its 95 % interval, NaN without one."""

    x: Any
    y: Any
    half: Any
    n: Any


def style(place: int) -> dict[str, Any]:
    """Colour, and after all colours a dash of its own."""
    dash = DASHES[place // len(COLOURS) % len(DASHES)]
    return {"color": COLOURS[place % len(COLOURS)], "dash": dash, "width": 2}


def points_each(traces: int) -> int:
    """How many points a curve may have, so that all together stay light."""
    return min(MOST, max(FEWEST_POINTS, MOST_OF_ALL // max(1, traces)))


def overlay(
    groups: Sequence[Group], curves: Mapping[int, Curve], *, each: bool, log: bool, titles: Any
) -> go.Figure:
    """A line for each group: the mean and its band, or the run itself where it is alone."""
    shown = [
        (g, place, [curves[r.id] for r in g.runs if r.id in curves])
        for place, g in enumerate(groups)
    ]
    shown = [(group, place, own) for group, place, own in shown if own]
    if not shown:
        return nothing("None of these runs has a number to show along this axis")
    single = sum(len(own) for _, _, own in shown if each or len(own) == 1)
    most = points_each(single + 3 * sum(len(own) > 1 for _, _, own in shown))
    figure = go.Figure(layout=LAYOUT | {"height": 460})
    for group, place, own in shown:
        figure.add_traces(lines(group, place, own, curves, most, each=each))
    last = max(float(curve.x[-1]) for _, _, own in shown for curve in own)
    few = {"dtick": 1} if last <= FEW else {}
    figure.update_xaxes(title_text=titles[0], automargin=True, **few)
    figure.update_yaxes(title_text=titles[1], automargin=True, type="log" if log else "linear")
    return figure


def lines(
    group: Group,
    place: int,
    own: Sequence[Curve],
    curves: Mapping[int, Curve],
    most: int,
    *,
    each: bool,
) -> list[go.Scatter]:
    look = style(place)
    alone = len(own) == 1
    runs = [run for run in group.runs if run.id in curves] if each or alone else []
    faint = {} if alone else {"opacity": 0.35, "line": look | {"width": 1}}
    found = [
        line(curves[run.id], f"{group.name}, run {run.id}", most, look, run.id).update(
            legendgroup=group.name, showlegend=False, **faint
        )
        for run in runs
    ]
    if alone:
        return [found[0].update(name=escape(group.name), showlegend=True)]
    return found + banded(mean(own), group.name, most, look, len(own))


def line(curve: Curve, name: str, most: int, look: dict[str, Any], run: int) -> go.Scatter:
    at = kept(curve.y, most)
    return go.Scatter(
        x=curve.x[at].astype(np.float32),
        y=curve.y[at].astype(np.float32),
        name=escape(name),
        mode="lines+markers" if len(at) < 30 else "lines",
        line=look,
        marker={"size": 6},
        meta=run,
        hovertemplate=f"%{{x:.6~g}}: %{{y:.5~g}}<extra>{escape(name)}</extra>",
    )


def mean(curves: Sequence[Curve]) -> Mean:
    """The mean over curves at each step that one of them has; one that has ended counts no more."""
    steps, place = np.unique(np.concatenate([c.steps for c in curves]), return_inverse=True)
    y = np.concatenate([c.y for c in curves])
    x = np.concatenate([c.x for c in curves])
    real = np.isfinite(y)
    n = np.bincount(place[real], minlength=len(steps))

    def average(values: Any) -> Any:
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.bincount(place[real], values[real], len(steps)) / n

    middle = average(y)
    spread = average((y - middle[place]) ** 2)
    with np.errstate(invalid="ignore", divide="ignore"):
        deviation = np.sqrt(spread * n / (n - 1))
        half = student(n) * deviation / np.sqrt(n)
    return Mean(average(x), middle, half, n)


def student(n: Any) -> Any:
    """Student's t for so many values; NaN for fewer than three, which have no interval."""
    counts, place = np.unique(n, return_inverse=True)
    t = [quantile(LEVEL, count - 1) if count >= FEWEST else np.nan for count in counts.tolist()]
    return np.array(t)[place]


def banded(found: Mean, name: str, most: int, look: dict[str, Any], of: int) -> list[go.Scatter]:
    """The mean, and its band where there is one."""
    at = kept(found.y, most)
    x, y, half = (values[at].astype(np.float32) for values in (found.x, found.y, found.half))
    text = escape(f"{name} (n = {of})")
    curve = go.Scatter(
        x=x,
        y=y,
        name=text,
        mode="lines+markers" if len(at) < 30 else "lines",
        line=look,
        marker={"size": 6},
        legendgroup=name,
        customdata=np.stack([half, found.n[at]], 1).astype(np.float32),
        hovertemplate="%{x:.6~g}: %{y:.5~g} ± %{customdata[0]:.3~g}, n = %{customdata[1]}"
        f"<extra>{escape(name)}</extra>",
    )
    inside = np.isfinite(half)
    if not inside.any():
        return [curve]
    x, low, high = x[inside], (y - half)[inside], (y + half)[inside]
    band = go.Scatter(
        x=np.concatenate([x, x[::-1]]),
        y=np.concatenate([high, low[::-1]]),
        mode="lines",
        fill="toself",
        fillcolor=look["color"],
        opacity=0.2,
        line={"width": 0},
        hoverinfo="skip",
        showlegend=False,
        legendgroup=name,
    )
    return [band, curve]


def scatter(groups: Sequence[Group], across: str, up: str, titles: Any) -> go.Figure:
    """A point for each run that has both, a colour and a symbol for each group."""
    figure = go.Figure(layout=LAYOUT | {"showlegend": len(groups) <= MOST_NAMED})
    for place, group in enumerate(groups):
        pairs = [(run, value_of(run, across), value_of(run, up)) for run in group.runs]
        pairs = [(run, x, y) for run, x, y in pairs if x is not None and y is not None]
        if pairs:
            figure.add_trace(dots(group.name, place, pairs))
    if not figure.data:
        return nothing("No run has both of these values")
    figure.update_xaxes(title_text=titles[0], automargin=True)
    return figure.update_yaxes(title_text=titles[1], automargin=True)


def dots(name: str, place: int, pairs: Sequence[tuple[Any, Any, Any]]) -> go.Scatter:
    texts = [
        f"<b>run {run.id}</b>, seed {run.seed}<br>{escape(name)}<br>{escape(plain(x))}, "
        f"{escape(plain(y))}"
        for run, x, y in pairs
    ]
    return go.Scatter(
        x=[coordinate(x) for _, x, _ in pairs],
        y=[coordinate(y) for _, _, y in pairs],
        customdata=[run.id for run, _, _ in pairs],
        mode="markers",
        name=escape(name),
        marker={"color": COLOURS[place % len(COLOURS)], "symbol": symbol(place), "size": 10},
        text=texts,
        hovertemplate="%{text}<extra></extra>",
    )


def symbol(place: int) -> str:
    return SYMBOLS[place % len(SYMBOLS)]


def coordinate(value: Any) -> Any:
    """A number as it is, a text without what a chart would take for markup."""
    return escape(plain(value)) if isinstance(value, str) else value


def boxes(groups: Sequence[Group], metric: str, title: str) -> go.Figure:
    """A box over the runs of each group, every run a dot."""
    figure = go.Figure(layout=LAYOUT | {"showlegend": False})
    for place, group in enumerate(groups):
        runs = [run for run in group.runs if run.results.get(metric) is not None]
        if runs:
            figure.add_trace(box(group.name, place, runs, metric))
    if not figure.data:
        return nothing("No run has this result yet")
    labels = [escape(shorten(group.name, 24)) for group in groups]
    figure.update_xaxes(tickvals=list(range(len(groups))), ticktext=labels, automargin=True)
    return figure.update_yaxes(title_text=title, automargin=True)


def box(name: str, place: int, runs: Sequence[Any], metric: str) -> go.Box:
    return go.Box(
        x=[place] * len(runs),  # by number: two names may be the same when they are cut
        y=[run.results[metric] for run in runs],
        name=escape(name),
        customdata=[run.id for run in runs],
        text=[f"{escape(name)}<br>run {run.id}, seed {run.seed}" for run in runs],
        hovertemplate="%{text}: %{y:.6~g}<extra></extra>",
        boxpoints="all",
        pointpos=0,
        jitter=0.4,
        line={"color": COLOURS[place % len(COLOURS)]},
        marker={"size": 6, "opacity": 0.7, "symbol": symbol(place)},
    )
