"""One line of a board: what it is, who proved it, what it was made with, and how it compares."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from snnlab.boards.board import Board, board_of
from snnlab.boards.cells import VERIFIED, signed
from snnlab.boards.columns import COLUMNS
from snnlab.boards.compared import NONE
from snnlab.boards.rows import significant
from snnlab.boards.scope import scope
from snnlab.experiments import evidence, queries
from snnlab.experiments.queries import BoardRow
from snnlab.experiments.statistics import Difference, bootstrap, finite
from snnlab.teams.models import Team
from snnlab.teams.queries import may


LADDER = {0: "", 1: "provenance", 2: "re-evaluated", 3: "retrained"}


@require_safe
@never_cache
def entry(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """A line's page; another team's does not exist."""
    board = board_of(slug)
    teams = scope(request)
    row = queries.entry(teams, board.data, pk)
    if row is None:
        raise Http404
    return render(request, "boards/entry.html", context(request, board, teams, row))


def context(request: HttpRequest, board: Board, teams: list[int], row: BoardRow) -> dict[str, Any]:
    own = row.team_id is not None
    compared = comparisons(evidence.compared(teams, board.data, row)) if own else []
    return {
        "board": board,
        "row": row,
        "facts": [(c.title, c.unit, c.cell(row), c.definition) for c in COLUMNS.values()][2:],
        "bootstrap": bootstrap(finite(row.scores)),
        "judgements": evidence.judgements(row),
        "made": evidence.environments(row) if own else [],
        "compared": compared,
        "tested": sum(one["test"] != NONE for one in compared),
        "ladder": ladder(row),
        "papers": papers(board, row) if own else [],
        "writes": own and may(request.user, Team(pk=row.team_id), "write"),
    }


def ladder(row: BoardRow) -> list[tuple[str, str, bool]]:
    """Each rung, what it means, and whether it is reached: provenance is no step to the others."""
    reached = {0, row.verified} | ({1} if row.checked else set())
    return [(name, meaning, level in reached) for level, (name, meaning) in VERIFIED.items()]


def comparisons(found: list[tuple[BoardRow, Difference]]) -> list[dict[str, Any]]:
    """The differences as text."""
    return [
        {
            "row": other,
            "mean": signed(gap.mean),
            "interval": "no CI"
            if gap.interval is None
            else f"{signed(gap.interval.low)} to {signed(gap.interval.high)}",
            "p": p_value(gap.p),
            "effect": "" if gap.effect is None else signed(gap.effect),
            "n": gap.n,
            "test": NONE if gap.p is None else "paired t" if gap.paired else "Welch's t",
        }
        for other, gap in found
    ]


def p_value(p: float | None) -> str:
    """A p-value is never shown as nought, and never without its n beside it."""
    if p is None:
        return NONE
    return "< 0.0001" if p < 1e-4 else significant(p)


def papers(board: Board, row: BoardRow) -> list[BoardRow]:
    """What could be reproduced: the published rows of the board."""
    if row.kind == "external":
        return []
    wanted = queries.Wanted(board.data, kinds=("published",), size=500)
    return queries.standings([], wanted).rows
