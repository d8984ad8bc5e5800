"""The robustness board: what methods keep of their accuracy as chips get worse.

Its address says the data set, the network, the non-ideality and level that are looked at, and the
baseline. A click on a point changes that part of the address, and all charts follow it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any
from urllib.parse import urlencode

from dash import Input, Output, State, callback, dcc, html
from dash.exceptions import PreventUpdate
from django.http import HttpRequest, QueryDict

from snnlab.boards import robust_figures as figures
from snnlab.boards.board import Board
from snnlab.boards.bridge import django_request
from snnlab.boards.clicks import told
from snnlab.boards.exports.table import Field, Table
from snnlab.boards.graph import graph
from snnlab.boards.robust import Series, method, methods, nonidealities, series, worst_level
from snnlab.boards.scope import asked, link, scope
from snnlab.boards.state import clean, number, query_of
from snnlab.experiments import queries
from snnlab.experiments.queries import ChipRow


DATA = ("mnist", "cifar-10", "cifar-100", "tiny-imagenet")


@dataclass(frozen=True)
class View:
    """What an address asks for, completed by what there is."""

    data: str
    networks: list[str]
    network: str
    found: list[Series]
    rows: list[ChipRow]
    kind: str
    level: float
    base: str

    def query(self, **changes: Any) -> str:
        own = {
            "data": self.data,
            "network": self.network,
            "kind": self.kind,
            "level": f"{self.level:g}",
            "base": self.base,
        }
        return f"?{urlencode(own | changes)}"


def read(teams: Sequence[int], query: QueryDict) -> View:
    """The view; what is missing, or not there, is the first that is."""
    data = query.get("data", "") if query.get("data", "") in DATA else DATA[0]
    every = queries.chip_rows(teams, data)
    networks = list(dict.fromkeys(label(row) for row in every))
    network = first(clean(query.get("network", "")), networks)
    rows = [row for row in every if label(row) == network]
    found = series(rows)
    kind = first(query.get("kind", ""), nonidealities(found))
    levels = levels_of(found, kind)
    asked = number(query, "level")
    level = asked if asked in levels else worst_level(found, kind)
    base = first(clean(query.get("base", "")), methods(found))
    return View(data, networks, network, found, rows, kind, level, base)


def label(row: ChipRow) -> str:
    """What is compared with each other: one network on one kind of chip and copy of the data.

    Neurons differ with the method: a converted network integrates, others leak.
    """
    chip = "" if row.chip.startswith("generic") else row.chip
    return ", ".join(part for part in (row.network, chip, row.caveat) if part)


def first(asked: str, known: list[str]) -> str:
    return asked if asked in known else next(iter(known), "")


def levels_of(found: Sequence[Series], kind: str) -> list[float]:
    return sorted({at.level for each in found if each.nonideality == kind for at in each.points})


def context(request: HttpRequest) -> dict[str, Any]:
    """The form, and the tables that say what the charts show."""
    view = read(scope(request), asked(request, request.GET))
    fixed = link(request) is not None
    return {
        "view": replace(view, networks=[view.network]) if fixed else view,
        "data": [view.data] if fixed else DATA,
        "kinds": [(kind, figures.title(kind)) for kind in nonidealities(view.found)],
        "levels": [
            (f"{level:g}", level == view.level) for level in levels_of(view.found, view.kind)
        ],
        "methods": methods(view.found),
        "areas": areas(view.found),
        "table": [
            (each.method, at)
            for each in view.found
            if each.nonideality == view.kind
            for at in each.points
        ],
        "title": figures.title(view.kind),
    }


def areas(found: Sequence[Series]) -> dict[str, Any]:
    """The area under each method's curve, for each non-ideality."""
    kinds = nonidealities(found)
    known = {(each.method, each.nonideality): each for each in found}
    rows = [(name, [known.get((name, kind)) for kind in kinds]) for name in methods(found)]
    return {"kinds": [figures.title(kind) for kind in kinds], "rows": rows}


@callback(
    Output("robust-lines", "figure"),
    Output("robust-heat", "figure"),
    Output("robust-violin", "figure"),
    Output("robust-gap", "figure"),
    Output("robust-behind", "children"),
    Input("address", "search"),
)
def charts(search: Any) -> tuple[Any, ...]:
    request = django_request()
    view = read(scope(request), asked(request, query_of(search)))
    return (
        figures.multiples(view.found),
        figures.heat(view.found, view.kind),
        figures.violins(view.found, view.kind, view.level),
        figures.gaps(view.found, view.kind, view.base),
        [] if link(request) else behind(view),
    )


@callback(
    Output("robust-go", "href"),
    Input("robust-lines", "clickData"),
    Input("robust-heat", "clickData"),
    Input("robust-gap", "clickData"),
    State("address", "search"),
    prevent_initial_call=True,
)
def choose(lines: Any, heat: Any, gap: Any, search: Any) -> str:
    """The address that looks at the point that was clicked; the page then begins anew."""
    request = django_request()
    view = read(scope(request), asked(request, query_of(search)))
    chosen = [pair for one in (lines, heat, gap) if (pair := level_of(one, view.kind))]
    if not chosen:
        raise PreventUpdate
    kind, level = chosen[0]
    if kind not in nonidealities(view.found) or level not in levels_of(view.found, kind):
        raise PreventUpdate
    return view.query(kind=kind, level=f"{level:g}")


def level_of(click: Any, kind: str) -> list[Any] | None:
    """The non-ideality and level of a click, as the browser says them; or `kind` and a level."""
    chosen = told(click)
    if isinstance(chosen, int | float) and not isinstance(chosen, bool):
        return [kind, chosen]
    return chosen if isinstance(chosen, list) and len(chosen) == 2 else None


def plots(request: HttpRequest, query: QueryDict) -> dict[str, Any]:
    """The charts, for pictures of them."""
    view = cache(lambda: read(scope(request), asked(request, query)))
    return {
        "lines": lambda: figures.multiples(view().found),
        "heat": lambda: figures.heat(view().found, view().kind),
        "violin": lambda: figures.violins(view().found, view().kind, view().level),
        "gap": lambda: figures.gaps(view().found, view().kind, view().base),
    }


LEVEL = (
    Field("method", "Method"),
    Field("nonideality", "Non-ideality"),
    Field("level", "Level", "number"),
    Field("mean", "Mean test accuracy", "number", "%", "higher", 2),
    Field("half", "Half of the 95 % interval", "number", "%", digits=2),
    Field("worst", "Worst chip", "number", "%", "higher", 2),
    Field("chips", "Chips", "integer"),
)
AREA = (*LEVEL[:2], Field("area", "Area under the curve", "number", "%", "higher", 2))


def tables(request: HttpRequest, query: QueryDict) -> dict[str, Any]:
    """The numbers behind the charts, for export."""
    view = cache(lambda: read(scope(request), asked(request, query)))
    return {
        "levels": lambda: Table("levels", named(view()), LEVEL, levels(view()), {"mean": "half"}),
        "areas": lambda: Table("areas", named(view()), AREA, sizes(view())),
    }


def named(view: View) -> str:
    return f"{view.data}, {view.network}"


def sizes(view: View) -> list[tuple[Any, ...]]:
    """The area under each curve."""
    return [(each.method, each.nonideality, each.area) for each in view.found]


def levels(view: View) -> list[tuple[Any, ...]]:
    """A row for each method, non-ideality and level."""
    return [
        (
            each.method,
            each.nonideality,
            at.level,
            at.mean,
            at.interval.high - at.mean if at.interval else None,
            at.worst,
            len(at.chips),
        )
        for each in view.found
        for at in each.points
    ]


def behind(view: View) -> list[Any]:
    """The runs and the seeds of the chips at the level that is looked at."""
    rows = [row for row in view.rows if (row.nonideality, row.level) == (view.kind, view.level)]
    if not rows:
        return []
    head = ("Run", "Method", "Seed", "Chips", "Seed of the chips", "Images")
    body = [
        html.Tr(
            [
                html.Td(html.A(f"run {row.run}", href=f"/runs/{row.run}/")),
                html.Td(method(row)),
                html.Td(row.seed),
                html.Td(f"0 to {len(row.accuracies) - 1}"),
                html.Td(row.chip_seed),
                html.Td(f"{row.images:,}"),
            ]
        )
        for row in rows
    ]
    return [html.Table([html.Thead(html.Tr([html.Th(name) for name in head])), html.Tbody(body)])]


def layout() -> html.Div:
    """The charts before their data."""
    cards = (
        ("robust-heat", "Method by level", 420),
        ("robust-violin", "Chips at the level", 420),
        ("robust-gap", "Difference to the baseline", 480),
    )
    return html.Div(
        [
            dcc.Location(id="robust-go", refresh=True),
            html.Section(
                [html.H2("Accuracy over level"), graph("robust-lines", 720)], className="card whole"
            ),
            *(html.Section([html.H2(t), graph(id, h)], className="card") for id, t, h in cards),
            html.Section(
                [
                    html.H2("Runs and chips behind it"),
                    html.Div(id="robust-behind", className="wide"),
                ],
                className="card",
            ),
        ],
        className="charts",
    )


def board() -> Board:
    return Board(
        "robustness",
        "Robustness",
        "What each method keeps of its accuracy as chips get worse: mismatch, few bits, noise, "
        "silent neurons.",
        layout,
        context,
        "boards/robustness.html",
        plots=plots,
        tables=tables,
    )
