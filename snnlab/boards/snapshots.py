"""What a board once said: its snapshots, and what changed from one to another."""

from django.core.exceptions import ObjectDoesNotExist
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from snnlab.boards.board import board_of
from snnlab.boards.scope import scope
from snnlab.experiments import evidence
from snnlab.experiments.asking import whole
from snnlab.teams.queries import teams_of


@require_safe
def index(request: HttpRequest, slug: str) -> HttpResponse:
    """A board's snapshots, newest first."""
    board = board_of(slug)
    found = evidence.snapshots(scope(request), board.data)
    writes = teams_of(request.user, "write")
    context = {"board": board, "snapshots": found, "teams": writes}
    return render(request, "boards/snapshots.html", context)


@require_safe
def snapshot(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """One snapshot, or what changed since another one that `since` names."""
    board, teams = board_of(slug), scope(request)
    now = found(teams, board.data, pk)
    since = whole(request.GET.get("since", ""))
    before = None if since is None else found(teams, board.data, since)
    context = {
        "board": board,
        "snapshot": now,
        "before": before,
        "changes": evidence.changes(before.rows, now.rows) if before else [],
        "others": [s for s in evidence.snapshots(teams, board.data) if s.pk != pk],
    }
    return render(request, "boards/snapshot.html", context)


def found(teams: list[int], board: str, pk: int) -> evidence.Snapshot:
    try:
        return evidence.snapshot(teams, board, pk)
    except ObjectDoesNotExist as error:
        raise Http404 from error
