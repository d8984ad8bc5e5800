"""The form that shares a board as it is looked at."""

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from snnlab.boards.board import boards
from snnlab.boards.columns import ALWAYS, COLUMNS
from snnlab.boards.state import read
from snnlab.teams.queries import teams_of


DAYS = 30
LONGEST = 4000


@require_safe
def form(request: HttpRequest, slug: str) -> HttpResponse:
    """What of the board to show, and for how long; its link is made by `web`."""
    board = boards().get(slug)
    if board is None or len(request.META.get("QUERY_STRING", "")) > LONGEST:
        raise Http404
    teams = teams_of(request.user, "write")
    if not teams:
        raise PermissionDenied
    state = read(slug, request.GET)
    wish = {
        "kind": "compare" if slug == "compare" else "board",
        "slug": slug,
        "query": request.GET.urlencode(),
        "title": board.title,
        "days": DAYS,
    }
    columns = [
        (name, column.title, name in state.columns)
        for name, column in COLUMNS.items()
        if name not in ALWAYS
    ]
    context = {
        "wish": wish,
        "columns": columns if board.data else [],
        "teams": teams,
    }
    return render(request, "shared/new.html", context)
