"""The page on which who administers a team puts rows of others on a board."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from snnlab.experiments import external
from snnlab.experiments.actions_external import BOARDS, take
from snnlab.experiments.external import COLUMNS, LARGEST, Line, Wrong
from snnlab.teams import queries as people
from snnlab.teams.models import Team


FORMATS = {"csv": "CSV", "sota": "JSON of sota-extractor or Papers with Code"}
JSON = ("[", "{")  # what no CSV of ours begins with, whatever was chosen


@never_cache
@require_http_methods(["GET", "POST"])
def form(request: HttpRequest, board: str) -> HttpResponse:
    """The form; a POST takes all rows, or says what is wrong with which."""
    if board not in BOARDS:
        raise Http404
    teams = list(people.teams_of(request.user, "admin"))
    if not teams:
        raise PermissionDenied
    context = {"board": board, "teams": teams, "formats": FORMATS, "columns": COLUMNS.items()}
    if request.method == "GET":
        return render(request, "web/import_rows.html", context)
    team, data = chosen(request, teams), request.POST.get("data", "")
    try:
        new, known = take(team, request.user.get_username(), board, read(request, board))
    except Wrong as error:
        context |= {"problems": error.problems, "data": data[:LARGEST]}
        context["chosen"] = request.POST.get("format", "")
        return render(request, "web/import_rows.html", context, status=422)
    messages.success(request, f"{new} rows are new, {known} were known already.")
    return redirect("boards:board", board)


def chosen(request: HttpRequest, teams: list[Team]) -> Team:
    """The team that the form names, or the only one."""
    slug = request.POST.get("team") or (teams[0].slug if len(teams) == 1 else "")
    team = next((team for team in teams if team.slug == slug), None)
    if team is None:
        raise Http404
    return team


def read(request: HttpRequest, board: str) -> list[Line]:
    """The rows of a file, or of the text that was typed. Raises Wrong."""
    data: Any = request.POST.get("data", "")
    if file := request.FILES.get("file"):
        if (file.size or 0) > LARGEST:
            raise Wrong([f"the file must have at most {LARGEST:,} bytes, got {file.size:,}"])
        try:
            data = file.read().decode()
        except UnicodeDecodeError as error:
            raise Wrong([f"the file is no UTF-8 text: {error}"]) from error
    if request.POST.get("format") == "sota" or data.lstrip("\ufeff \t\r\n").startswith(JSON):
        return external.from_sota(data, board)
    return external.from_csv(data)
