"""Compare runs: curves, fields, results and tests of any up to 200 of them.

Its address says the runs and all that is shown of them. What the browser names is looked up among
the runs of whoever asks; what is not theirs is not there.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from dash import Input, Output, State, callback, dcc, html
from django.http import HttpRequest, QueryDict

from snnlab.boards import compare_figures as figures
from snnlab.boards import compare_tables
from snnlab.boards.board import Board
from snnlab.boards.bridge import django_request
from snnlab.boards.clicks import run_page
from snnlab.boards.compare_parallel import parallel
from snnlab.boards.compare_state import AXIS, View, form, read, titled
from snnlab.boards.compared import Summary, plain, summaries, value_of
from snnlab.boards.graph import graph
from snnlab.boards.rows import significant
from snnlab.boards.scope import asked, scope
from snnlab.boards.state import query_of
from snnlab.experiments import comparing
from snnlab.experiments.comparing import MOST


MOST_FIELDS = 30  # columns of the table of differences
CARDS = (
    ("compare-parallel", "Fields and result together", 420),
    ("compare-scatter", "One against another", 380),
    ("compare-box", "Over the runs of each group", 380),
)
HEAD = ("Group", "Runs with it", "First", "Last", "95 % interval", "Smallest", "Largest", "Steps")


@callback(
    Output("compare-curves", "figure"),
    Output("compare-note", "children"),
    Output("compare-told", "children"),
    Input("address", "search"),
)
def curves(search: Any) -> tuple[Any, str, list[Any]]:
    """The curves, what of them is not shown, and the same in numbers."""
    view = view_of(django_request(), query_of(search))
    found = comparing.curves(view.runs, view.metric, view.axis)
    return overlay(view, found), note(view, len(found)), told(view, found)


@callback(
    Output("compare-parallel", "figure"),
    Output("compare-scatter", "figure"),
    Output("compare-box", "figure"),
    Input("address", "search"),
)
def results(search: Any) -> tuple[Any, Any, Any]:
    """The charts of fields and results, which need no curve."""
    view = view_of(django_request(), query_of(search))
    titles = (titled(view.across), titled(view.up))
    return (
        parallel(view.groups, view.differ, view.score),
        figures.scatter(view.groups, view.across, view.up, titles),
        figures.boxes(view.groups, view.score, titled(view.score)),
    )


@callback(
    Output("compare-go", "href"),
    Input("compare-scatter", "clickData"),
    Input("compare-box", "clickData"),
    State("address", "search"),
    prevent_initial_call=True,
)
def open_run(scatter: Any, box: Any, search: Any) -> str:
    """The page of the run whose point was clicked, if it is one of those compared."""
    view = view_of(django_request(), query_of(search))
    return run_page((scatter, box), {run.id for run in view.runs})


def view_of(request: Any, query: QueryDict) -> View:
    """What an address asks for, of the runs that whoever asks may see."""
    return read(scope(request), asked(request, query))


def plots(request: HttpRequest, query: QueryDict) -> dict[str, Any]:
    """The charts, for pictures of them."""
    made: dict[str, Callable[[View], Any]] = {
        "curves": lambda view: overlay(view, comparing.curves(view.runs, view.metric, view.axis)),
        "parallel": lambda view: parallel(view.groups, view.differ, view.score),
        "scatter": lambda view: figures.scatter(
            view.groups, view.across, view.up, (titled(view.across), titled(view.up))
        ),
        "box": lambda view: figures.boxes(view.groups, view.score, titled(view.score)),
    }
    return {n: lambda draw=draw: draw(view_of(request, query)) for n, draw in made.items()}


def overlay(view: View, found: Any) -> Any:
    """The curves of each group over each other."""
    titles = (AXIS[view.axis].capitalize(), titled(view.metric))
    return figures.overlay(view.groups, found, each=view.each, log=view.log, titles=titles)


def tables(request: HttpRequest, query: QueryDict) -> dict[str, Any]:
    """The tests, and what differs between the runs, for export."""
    return {
        "tests": lambda: compare_tables.tests(view_of(request, query)),
        "runs": lambda: compare_tables.runs(view_of(request, query)),
    }


def note(view: View, drawn: int) -> str:
    """Which runs have no curve here, and why that may be."""
    lacking = len(view.runs) - drawn
    if not lacking or not drawn:
        return ""
    why = "no such number yet, or more numbers than can be drawn at once"
    if view.axis == "updates":
        why = "no worker that told how many updates an epoch has"
    return f"Without a curve here: {lacking} of {len(view.runs)} runs ({why})."


def told(view: View, found: Any) -> list[Any]:
    """The curves as a table, for those who cannot see the chart."""
    body = []
    for group in view.groups:
        own = [found[run.id] for run in group.runs if run.id in found]
        if own:
            cells = numbers(figures.mean(own), len(own))
            body.append(html.Tr([html.Th(group.name, scope="row"), *map(html.Td, cells)]))
    if not body:
        return []
    head = [html.Th(name, scope="col") for name in HEAD]
    caption = html.Caption(f"{titled(view.metric)}: the mean of each group")
    return [html.Table([caption, html.Thead(html.Tr(head)), html.Tbody(body)])]


def numbers(mean: figures.Mean, n: int) -> list[str]:
    """What a mean curve comes to, in the order of HEAD."""
    real = mean.y[np.isfinite(mean.y)]
    first, least, most = (real[0], real.min(), real.max()) if len(real) else (math.nan,) * 3
    low, high = (plain(float(mean.y[-1] + sign * mean.half[-1])) for sign in (-1, 1))
    return [
        str(n),
        plain(float(first)),
        plain(float(mean.y[-1])),
        f"{low} to {high}" if mean.half[-1] == mean.half[-1] else f"no CI (n = {mean.n[-1]})",
        plain(float(least)),
        plain(float(most)),
        str(len(mean.x)),
    ]


def context(request: HttpRequest) -> dict[str, Any]:
    """The form, and the tables that say what the charts show."""
    view = view_of(request, request.GET)
    return {
        "view": view,
        "form": form(view, asked(request, request.GET)),
        "most": MOST,
        "metric": titled(view.metric),
        "score": titled(view.score),
        "summaries": [
            line(each, view.base) for each in summaries(view.groups, view.score, view.base)
        ],
        "columns": view.differ[:MOST_FIELDS],
        "left_out": len(view.differ) - MOST_FIELDS,
        "rows": [
            (run, place, cells(run, view))
            for place, group in enumerate(view.groups)
            for run in group.runs
        ],
        "named": [group.name for group in view.groups],
    }


def cells(run: Any, view: View) -> list[str]:
    values = (value_of(run, name) for name in view.differ[:MOST_FIELDS])
    return [*map(plain, values), plain(run.results.get(view.score))]


def line(each: Summary, base: str) -> dict[str, Any]:
    """A group's line in the table of tests, as text; n stands in every one."""
    test, within = each.difference, each.interval
    return {
        "name": each.name,
        "n": each.n,
        "mean": plain(each.mean),
        "interval": f"{plain(within.low)} to {plain(within.high)}" if within else "no CI",
        "quartiles": [plain(quartile) for quartile in each.quartiles] or ["–"] * 5,
        "difference": f"{test.mean:+.5g}" if test else "",
        "within": f"{test.interval.low:+.4g} to {test.interval.high:+.4g}"
        if test and test.interval
        else "",
        "p": p_value(test.p) if test else "",
        "effect": f"{each.effect} = {test.effect:+.2f}" if test and test.effect is not None else "",
        "test": f"{'paired' if test.paired else 'Welch'}, n = {test.n}"
        if test
        else "the baseline" * (each.name == base),
    }


def p_value(p: float | None) -> str:
    """Never without n beside it; below three seeds there is none."""
    if p is None:
        return "none below n = 3"
    return "< 0.0001" if p < 1e-4 else significant(p)


def layout() -> html.Div:
    """The charts before their data."""
    curves = graph("compare-curves", 460)
    return html.Div(
        [
            dcc.Location(id="compare-go", refresh=True),
            html.Section(
                [
                    html.H2("Curves"),
                    html.P(id="compare-note", className="help"),
                    curves,
                    html.Details(
                        [
                            html.Summary("The same in numbers"),
                            html.Div(id="compare-told", className="wide"),
                        ]
                    ),
                ],
                className="card whole",
            ),
            *(
                html.Section(
                    [html.H2(name), graph(id, height)],
                    className="card whole" if height == 420 else "card",
                )
                for id, name, height in CARDS
            ),
        ],
        className="charts",
    )


def board() -> Board:
    return Board(
        "compare",
        "Compare runs",
        "Up to 200 runs beside each other: curves by group, fields that differ, results and "
        "whether their difference is more than chance.",
        layout,
        context,
        "boards/compare.html",
        plots=plots,
        tables=tables,
    )
