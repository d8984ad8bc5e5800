"""What a board is: one file in `pages/` that defines `board`."""

from collections.abc import Callable
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Any, NamedTuple

from dash.development.base_component import Component
from django.http import Http404, HttpRequest, QueryDict

from snnlab.boards.exports.table import Table


Plots = Callable[[HttpRequest, QueryDict], dict[str, Callable[[], Any]]]

Tables = Callable[[HttpRequest, QueryDict], dict[str, Callable[[], Table]]]


class Board(NamedTuple):
    """A page at /boards/<slug>/.

    `context` gives what the server writes into `template`; `layout` the skeleton of the charts,
    whose data callbacks bring. A leaderboard has the name of its `data`. `plots` are the figures
    of a view by their names, `tables` what can be exported of it; each is made when asked for.
    """

    slug: str
    title: str
    description: str
    layout: Callable[[], Component]
    context: Callable[[HttpRequest], dict[str, Any]]
    template: str
    data: str = ""
    plots: Plots = lambda request, query: {}
    tables: Tables = lambda request, query: {}


@cache
def boards() -> dict[str, Board]:
    """Every board by its slug. Importing a page also registers its callbacks with Dash."""
    package = "snnlab.boards.pages"
    modules = iter_modules(import_module(package).__path__, f"{package}.")
    found = [import_module(module.name).board for module in modules]
    return {board.slug: board for board in sorted(found, key=lambda board: board.title)}


def offered(request: HttpRequest, board: Board) -> dict[str, Any]:
    """What of a board can be exported, by name, for its template."""
    plots, tables = (make(request, request.GET) for make in (board.plots, board.tables))
    return {"board": board, "plots": list(plots), "tables": list(tables)}


def board_of(slug: str) -> Board:
    """The leaderboard at this address, or an answer that there is none."""
    board = boards().get(slug)
    if board is None or not board.data:
        raise Http404
    return board
