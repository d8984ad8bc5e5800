"""What people do to the lines of a board. The board shows it afterwards."""

from collections.abc import Callable

from django.contrib import messages
from django.core.exceptions import ObjectDoesNotExist
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from snnlab.experiments import queries, standing
from snnlab.experiments.actions import Refused
from snnlab.experiments.asking import whole
from snnlab.teams import queries as people
from snnlab.teams.models import Team
from snnlab.web.access import writer_or_403


DONE = {
    "flagged": "The row is flagged.",
    "cleared": "The flag is gone; its event stays.",
    "withdrawn": "The row is withdrawn and stays as a tombstone.",
    "baseline": "The row is a baseline.",
    "measured": "The row is measured, and nothing more.",
}


@require_POST
def judge(request: HttpRequest, board: str, pk: int) -> HttpResponse:
    """Mark a line as its form says, verify it, or say what it reproduces."""
    row = queries.entry(queries.teams_of(request.user), board, pk)
    if row is None:
        raise Http404
    if row.team_id is None:
        writer_or_403(request.user, None)
    writer_or_403(request.user, Team(pk=row.team_id))
    told(request, lambda: act(request, pk))
    return redirect("boards:entry", board, pk)


def act(request: HttpRequest, pk: int) -> str:
    """Do it; gives what to tell."""
    actor, what = request.user.get_username(), request.POST.get("what", "")
    note = request.POST.get("note", "")
    if what in standing.KINDS:
        experiment = standing.verify(pk, actor, what)
        return f"Runs that {what} it are queued: experiment {experiment.pk}."
    if what == "reproduces":
        standing.reproduce(pk, actor, whole(request.POST.get("paper", "")) or 0, note)
        return "The row shows its difference to the published figure."
    standing.mark(pk, actor, what, note)
    return DONE[what]


@require_POST
def snapshot(request: HttpRequest, board: str) -> HttpResponse:
    """Keep what the board says to a team now: the named one, or the user's only one."""
    teams = list(people.teams_of(request.user))
    slug = request.POST.get("team") or (teams[0].slug if len(teams) == 1 else "")
    team = next((team for team in teams if team.slug == slug), None)
    if team is None:
        raise Http404
    writer_or_403(request.user, team)
    actor = request.user.get_username()
    told(request, lambda: f"Kept as {standing.take_snapshot(team, actor, board)}.")
    return redirect("boards:snapshots", board)


def told(request: HttpRequest, action: Callable[[], str]) -> None:
    """Do something, and say what came of it."""
    try:
        messages.success(request, action())
    except Refused as error:
        messages.error(request, f"{error}.")
    except ObjectDoesNotExist as error:
        raise Http404 from error
