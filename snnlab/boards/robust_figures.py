"""The robustness boards' charts: pure functions of series."""

from collections.abc import Sequence
from html import escape
from typing import Any, NamedTuple

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from snnlab.boards.figures import LAYOUT
from snnlab.boards.robust import Series, differences, nonidealities


COLOURS = ("#2f87d0", "#d98200", "#0f9d75", "#c2589b", "#8a7ae6", "#b8860b", "#56b4e9", "#cc4f39")
DASHES = ("solid", "dash", "dashdot", "longdash")  # dotted is the worst chip
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "cross", "x", "star", "hexagon")
TITLES = {
    "mismatch": "Device mismatch",
    "thermal": "Thermal noise",
    "silencing": "Neuron silencing",
    "bits": "Bits of a weight",
}
LEVELS = {
    "mismatch": "spread / mean",
    "thermal": "noise / threshold",
    "silencing": "share of neurons",
    "bits": "bits",
}
ACROSS = 2


def title(nonideality: str) -> str:
    return TITLES.get(nonideality, nonideality)


class Look(NamedTuple):
    """How a method is drawn in every chart: its rule is the colour, its calibration the dash."""

    colour: str
    dash: str
    symbol: str


def looks(found: Sequence[Series]) -> dict[str, Look]:
    """One look a method. Equal rules share a colour, equally many passes dash and symbol."""
    families = list(dict.fromkeys(each.family for each in found))
    passes = sorted({each.passes for each in found})
    return {
        each.method: Look(
            COLOURS[families.index(each.family) % len(COLOURS)],
            DASHES[passes.index(each.passes) % len(DASHES)],
            SYMBOLS[passes.index(each.passes) % len(SYMBOLS)],
        )
        for each in found
    }


def multiples(found: Sequence[Series]) -> go.Figure:
    """Accuracy over level, a small chart for each non-ideality: mean, interval, worst chip."""
    kinds, drawn = nonidealities(found), looks(found)
    if not kinds:
        return nothing()
    down = -(-len(kinds) // ACROSS)
    figure = make_subplots(
        rows=down,
        cols=min(ACROSS, len(kinds)),
        shared_yaxes=True,
        horizontal_spacing=0.05,
        vertical_spacing=0.16 if down > 1 else 0.1,
        subplot_titles=[title(kind) for kind in kinds],
    )
    for each in found:
        place = kinds.index(each.nonideality)
        cell = {"row": place // ACROSS + 1, "col": place % ACROSS + 1}
        for trace in lines(each, drawn[each.method], legend=each.nonideality == kinds[0]):
            figure.add_trace(trace, **cell)
    for place, kind in enumerate(kinds):
        cell = {"row": place // ACROSS + 1, "col": place % ACROSS + 1}
        figure.update_xaxes(title_text=LEVELS.get(kind, "level"), automargin=True, **cell)
        if kind == "bits":
            figure.update_xaxes(autorange="reversed", **cell)  # worse to the right, as elsewhere
        if place % ACROSS == 0:
            figure.update_yaxes(title_text="Test accuracy [%]", automargin=True, **cell)
    above = {"orientation": "h", "yref": "container", "y": 0.95, "yanchor": "top"}
    more = {"height": 330 * down + 60, "margin": MARGIN, "legend": above}
    return figure.update_layout(**LAYOUT | more)


MARGIN = {"l": 56, "r": 12, "t": 116, "b": 48}
BELOW_BAR = {"l": 56, "r": 12, "t": 36, "b": 56}  # of buttons, which would hide what is below it
UNDER = {"orientation": "h", "yref": "container", "y": 0, "yanchor": "bottom", "font": {"size": 11}}


def lines(each: Series, look: Look, *, legend: bool) -> list[go.Scatter]:
    """A method's band, its mean with what hovering tells, and its worst chip."""
    x = [at.level for at in each.points]
    shared = {
        "x": x,
        "legendgroup": each.method,
        "name": escape(each.method),
        "customdata": [[each.nonideality, level] for level in x],
    }
    band = [at.interval or (at.mean, at.mean) for at in each.points]
    return [
        go.Scatter(
            x=[*x, *reversed(x)],
            y=[*(high for _, high in band), *(low for low, _ in reversed(band))],
            mode="lines",
            fill="toself",
            fillcolor=look.colour,
            opacity=0.2,
            line={"width": 0},
            hoverinfo="skip",
            showlegend=False,
            legendgroup=each.method,
        ),
        go.Scatter(
            **shared,
            y=[at.worst for at in each.points],
            mode="lines",
            line={"color": look.colour, "width": 1, "dash": "dot"},
            showlegend=False,
            hovertemplate="worst chip %{y:.2f} %<extra></extra>",
        ),
        go.Scatter(
            **shared,
            y=[at.mean for at in each.points],
            mode="lines+markers",
            line={"color": look.colour, "width": 2, "dash": look.dash},
            marker={"symbol": look.symbol, "size": 8},
            showlegend=legend,
            text=[about(each, at) for at in each.points],
            hovertemplate="%{text}<extra></extra>",
        ),
    ]


def about(each: Series, at: Any) -> str:
    spread = "" if at.interval is None else f" ± {at.interval.high - at.mean:.2f}"
    return (
        f"<b>{escape(each.method)}</b><br>{title(each.nonideality)} {at.level:g}<br>"
        f"{at.mean:.2f}{spread} %, {len(at.chips)} chips<br>worst {at.worst:.2f} %"
    )


def heat(found: Sequence[Series], nonideality: str) -> go.Figure:
    """Mean accuracy of each method at each level."""
    shown = [each for each in found if each.nonideality == nonideality]
    if not shown:
        return nothing()
    levels = sorted({at.level for each in shown for at in each.points})
    values = [[mean_at(each, level) for level in levels] for each in shown]
    figure = go.Figure(
        go.Heatmap(
            x=[f"{level:g}" for level in levels],
            y=[escape(each.method) for each in shown],
            z=values,
            text=[["" if v is None else f"{v:.1f}" for v in row] for row in values],
            customdata=[levels for _ in shown],  # of a cell Dash tells a number, but no list
            texttemplate="%{text}",
            colorscale="Cividis",  # the same for every eye
            colorbar={"title": {"text": "%"}},
            hovertemplate="%{y}<br>level %{x}: %{z:.2f} %<extra></extra>",
            xgap=1,
            ygap=1,
        ),
        layout=LAYOUT | {"height": 420, "margin": BELOW_BAR},
    )
    figure.update_xaxes(title_text=f"{title(nonideality)}: {LEVELS.get(nonideality, 'level')}")
    figure.update_xaxes(type="category", automargin=True)
    return figure.update_yaxes(automargin=True, autorange="reversed")


def mean_at(each: Series, level: float) -> float | None:
    return next((at.mean for at in each.points if at.level == level), None)


def violins(found: Sequence[Series], nonideality: str, level: float) -> go.Figure:
    """Every chip at one level, a violin a method."""
    drawn = looks(found)
    figure = go.Figure(layout=LAYOUT | {"showlegend": False, "height": 420, "margin": BELOW_BAR})
    for each in found:
        for at in each.points:
            if each.nonideality == nonideality and at.level == level:
                figure.add_trace(violin(each.method, at.values, drawn[each.method]))
    figure.update_xaxes(title_text="Test accuracy of a chip [%]", automargin=True)
    figure.update_yaxes(automargin=True, autorange="reversed")
    return figure if figure.data else nothing()


def violin(name: str, values: Sequence[float], look: Look) -> go.Violin:
    """The chips of one method, lying, so that its name can be read."""
    return go.Violin(
        x=values,
        orientation="h",
        name=escape(name),
        line_color=look.colour,
        points="all",
        pointpos=0,
        jitter=0.4,
        marker={"size": 4, "opacity": 0.6},
        meanline_visible=True,
        spanmode="hard",
        hoverinfo="x",
    )


def gaps(found: Sequence[Series], nonideality: str, base: str) -> go.Figure:
    """Each method minus the baseline over level, chip by chip, with intervals."""
    drawn = looks(found)
    figure = go.Figure(
        layout=LAYOUT | {"height": 480, "margin": BELOW_BAR | {"b": 150}, "legend": UNDER}
    )
    of = {each.method: each for each in found if each.nonideality == nonideality}
    if base not in of or len(of) < 2:
        return nothing("Nothing to compare: choose a baseline that others were tested beside")
    for name, each in of.items():
        rows = differences(each, of[base])
        if name == base or not rows:
            continue
        figure.add_trace(
            go.Scatter(
                x=[level for level, _ in rows],
                y=[gap.mean for _, gap in rows],
                customdata=[[nonideality, level] for level, _ in rows],
                error_y={
                    "array": [
                        gap.interval.high - gap.mean if gap.interval else 0 for _, gap in rows
                    ]
                },
                mode="lines+markers",
                name=escape(name),
                line={"color": drawn[name].colour, "dash": drawn[name].dash},
                marker={"symbol": drawn[name].symbol, "size": 8},
                text=[f"n = {gap.n} chips{', paired' * gap.paired}" for _, gap in rows],
                hovertemplate="%{y:+.2f} points at %{x:g}<br>%{text}<extra></extra>",
            )
        )
    figure.add_hline(y=0, line={"width": 1, "dash": "dot", "color": "#7b8490"})
    figure.update_xaxes(title_text=f"{title(nonideality)}: {LEVELS.get(nonideality, 'level')}")
    if nonideality == "bits":
        figure.update_xaxes(autorange="reversed")
    return figure.update_yaxes(title_text=f"Points over {escape(base)}", automargin=True)


def nothing(text: str = "No chip has been tested for this choice") -> go.Figure:
    """An empty chart that says why."""
    figure = go.Figure(layout=LAYOUT)
    figure.update_xaxes(visible=False)
    figure.update_yaxes(visible=False)
    return figure.add_annotation(text=text, showarrow=False, xref="paper", yref="paper")
