"""Charts of accuracy over time and epochs, and maps over the surrogate. Pure functions."""

from collections.abc import Sequence
from html import escape

import plotly.graph_objects as go

from snnlab.boards.figures import LAYOUT
from snnlab.boards.robust_figures import COLOURS, SYMBOLS, nothing
from snnlab.boards.rows import shorten
from snnlab.experiments.trends import Cell, Trend


MOST_LINES = 12
FIVE = 5  # epochs within which local tandem learning is said to converge


def over_time(trends: Sequence[Trend]) -> go.Figure:
    """Accuracy over the number of steps; a dotted line is what the teacher reaches."""
    figure = go.Figure(lines(trends), layout=LAYOUT)
    for trend in trends[:MOST_LINES]:
        if trend.teacher is not None and trend.rule == "conversion":
            figure.add_hline(y=trend.teacher, line={"dash": "dot", "width": 1, "color": "#7b8490"})
    figure.update_xaxes(type="log", title_text="Time steps T", automargin=True, dtick=0.30103)
    figure.update_yaxes(title_text="Test accuracy [%]", automargin=True)
    return figure if trends else nothing("No run tells its accuracy over time on this data set")


def over_epochs(trends: Sequence[Trend]) -> go.Figure:
    """Held-out accuracy over epochs of the student; the mark at five epochs."""
    if not trends:
        return nothing("No network was trained by local tandem learning on this data set")
    figure = go.Figure(lines(trends), layout=LAYOUT)
    figure.add_vline(
        x=FIVE,
        line={"dash": "dot", "width": 1, "color": "#7b8490"},
        annotation={"text": "five epochs"},
    )
    figure.update_xaxes(title_text="Epoch of the student", automargin=True, rangemode="tozero")
    return figure.update_yaxes(title_text="Held-out accuracy [%]", automargin=True)


def lines(trends: Sequence[Trend]) -> list[go.Scatter]:
    """A line for each run; seeds of one name share a colour and a place in the legend."""
    shown = trends[:MOST_LINES]
    names = list(dict.fromkeys(map(name, shown)))
    firsts = {name(trend): i for i, trend in reversed(list(enumerate(shown)))}
    return [
        line(trend, names.index(name(trend)), legend=firsts[name(trend)] == i)
        for i, trend in enumerate(shown)
    ]


def line(trend: Trend, place: int, *, legend: bool) -> go.Scatter:
    return go.Scatter(
        x=[x for x, _ in trend.points],
        y=[y for _, y in trend.points],
        mode="lines+markers",
        name=escape(name(trend)),
        legendgroup=escape(name(trend)),
        showlegend=legend,
        line={"color": colour(place)},
        marker={"symbol": SYMBOLS[place % len(SYMBOLS)], "size": 8},
        customdata=[trend.run] * len(trend.points),
        hovertemplate=f"{escape(name(trend))}, seed {trend.seed}<br>%{{x}}: %{{y:.2f}} %"
        "<extra></extra>",
    )


def name(trend: Trend) -> str:
    return f"{shorten(trend.title, 30)}, {trend.rule}"


def colour(place: int) -> str:
    return COLOURS[place % len(COLOURS)]


def surrogate_map(cells: Sequence[Cell], label: str) -> go.Figure:
    """A value over width and height of the slope, a row for each height of each group."""
    if not cells:
        return nothing("No run has varied the surrogate on this data set")
    widths = sorted({cell.width for cell in cells})
    places = list(dict.fromkeys((cell.group, cell.height) for cell in cells))
    known = {(cell.group, cell.height, cell.width): cell.value for cell in cells}
    values = [[known.get((*place, width)) for width in widths] for place in places]
    figure = go.Figure(
        go.Heatmap(
            x=[f"{width:g}" for width in widths],
            y=[escape(f"{shorten(group, 34)}, height {height:g}") for group, height in places],
            z=values,
            text=[["" if v is None else f"{v:.1f}" for v in row] for row in values],
            texttemplate="%{text}",
            colorscale="Cividis",
            colorbar={"title": {"text": label}},
            hovertemplate="width %{x}, %{y}: %{z:.2f}<extra></extra>",
            xgap=1,
            ygap=1,
        ),
        layout=LAYOUT,
    )
    figure.update_xaxes(title_text="Width of the surrogate", type="category", automargin=True)
    return figure.update_yaxes(automargin=True)


def reached(trend: Trend, share: float = 0.99) -> int | None:
    """The first epoch with that share of the best held-out accuracy."""
    best = max((y for _, y in trend.points), default=0.0)
    return next((x for x, y in trend.points if y >= share * best), None)
