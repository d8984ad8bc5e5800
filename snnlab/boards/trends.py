"""The board of curves: conversion over time, convergence of local tandem learning, surrogates."""

from typing import Any

from dash import Input, Output, State, callback, dcc, html
from django.http import HttpRequest, QueryDict

from snnlab.boards import trend_figures as figures
from snnlab.boards.board import Board
from snnlab.boards.bridge import django_request
from snnlab.boards.clicks import run_page
from snnlab.boards.exports.table import Field, Table
from snnlab.boards.graph import graph
from snnlab.boards.robustness import DATA
from snnlab.boards.scope import asked, link, scope
from snnlab.boards.state import query_of
from snnlab.experiments import trends


CARDS = (
    ("trend-time", "Accuracy over time"),
    ("trend-epochs", "Convergence of local tandem learning"),
    ("trend-accuracy", "Test accuracy over the surrogate [%]"),
    ("trend-gradients", "Gradients before training over the surrogate [log10 of the norm]"),
)


def data_of(query: QueryDict) -> str:
    return query.get("data", "") if query.get("data", "") in DATA else DATA[0]


@callback(
    *(Output(id, "figure") for id, _ in CARDS),
    Input("address", "search"),
)
def charts(search: Any) -> tuple[Any, ...]:
    request = django_request()
    data, teams = data_of(asked(request, query_of(search))), scope(request)
    return (
        figures.over_time(trends.by_time(teams, data)),
        figures.over_epochs(trends.by_epoch(teams, data)),
        figures.surrogate_map(trends.accuracy_over_surrogate(teams, data), "%"),
        figures.surrogate_map(trends.gradients_over_surrogate(teams, data), "log10"),
    )


@callback(
    Output("trend-go", "href"),
    Input("trend-time", "clickData"),
    Input("trend-epochs", "clickData"),
    State("address", "search"),
    prevent_initial_call=True,
)
def open_run(time: Any, epochs: Any, search: Any) -> str:
    """The page of the run whose point was clicked, if it is one of those on the board."""
    request = django_request()
    data, teams = data_of(asked(request, query_of(search))), scope(request)
    known = {one.run for found in (trends.by_time, trends.by_epoch) for one in found(teams, data)}
    return run_page((time, epochs), known)


def plots(request: HttpRequest, query: QueryDict) -> dict[str, Any]:
    """The charts, for pictures of them."""
    data = data_of(asked(request, query))
    return {
        "time": lambda: figures.over_time(trends.by_time(scope(request), data)),
        "epochs": lambda: figures.over_epochs(trends.by_epoch(scope(request), data)),
        "accuracy": lambda: figures.surrogate_map(
            trends.accuracy_over_surrogate(scope(request), data), "%"
        ),
        "gradients": lambda: figures.surrogate_map(
            trends.gradients_over_surrogate(scope(request), data), "log10"
        ),
    }


RUN = (
    Field("title", "Run"),
    Field("seed", "Seed", "integer"),
    Field("rule", "Rule"),
    Field("network", "Network"),
    Field("neuron", "Neuron"),
    Field("caveat", "Caveat"),
    Field("teacher", "Teacher", "number", "%", "higher", 2),
)
ACCURACY = Field("accuracy", "Accuracy", "number", "%", "higher", 2)


def tables(request: HttpRequest, query: QueryDict) -> dict[str, Any]:
    """The curves as long tables, for export."""
    data = data_of(asked(request, query))

    def long(name: str, x: Field, found: list[trends.Trend]) -> Table:
        lines = [
            (*(getattr(trend, field.name) for field in RUN), at, y)
            for trend in found
            for at, y in trend.points
        ]
        return Table(name, data, (*RUN, x, ACCURACY), lines)

    steps, epoch = Field("time_steps", "T", "integer", "steps"), Field("epoch", "Epoch", "integer")
    return {
        "time": lambda: long("time", steps, trends.by_time(scope(request), data)),
        "epochs": lambda: long("epochs", epoch, trends.by_epoch(scope(request), data)),
    }


def context(request: HttpRequest) -> dict[str, Any]:
    """The same as tables."""
    data, teams = data_of(asked(request, request.GET)), scope(request)
    times = trends.by_time(teams, data)
    steps = sorted({x for trend in times for x, _ in trend.points})
    return {
        "data": [data] if link(request) else DATA,
        "chosen": data,
        "steps": steps,
        "times": [(t, [dict(t.points).get(step) for step in steps]) for t in times],
        "epochs": [(t, figures.reached(t), at_five(t)) for t in trends.by_epoch(teams, data)],
        "five": figures.FIVE,
    }


def at_five(trend: trends.Trend) -> float | None:
    """The share, in percent, of the best held-out accuracy that five epochs reach."""
    best = max((y for _, y in trend.points), default=0.0)
    early = [y for x, y in trend.points if x <= figures.FIVE]
    return 100 * max(early) / best if early and best else None


def layout() -> html.Div:
    cards = [html.Section([html.H2(name), graph(id)], className="card") for id, name in CARDS]
    return html.Div([dcc.Location(id="trend-go", refresh=True), *cards], className="charts")


def board() -> Board:
    return Board(
        "curves",
        "Curves",
        "Conversion's accuracy over time, how fast local tandem learning converges, and what width "
        "and height of the surrogate do.",
        layout,
        context,
        "boards/curves.html",
        plots=plots,
        tables=tables,
    )
