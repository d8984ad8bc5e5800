"""What is done to the runs that are ticked on their list, and to saved views."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from snnlab.experiments import actions_bulk, actions_marks, queries_runs
from snnlab.experiments.actions_bulk import CHANGES, MOST
from snnlab.experiments.asking import Refused, whole
from snnlab.experiments.search.words import SearchError
from snnlab.teams.queries import teams_of
from snnlab.web.runs import address


MOST_COMPARED = 200


@require_POST
def act(request: HttpRequest) -> HttpResponse:
    """Do one thing to the ticked runs, or to all that the search finds."""
    back = QueryDict(request.POST.get("back", "")[:8000])
    try:
        runs = chosen(request, back.get("q", "").strip())
        name = request.POST.get("act", "")
        if name == "compare":
            return compared(runs)
        told(request, name, runs)
    except (Refused, SearchError) as error:
        messages.error(request, f"{error}.")
    return redirect(f"{reverse('web:runs')}?{address(back)}")


def chosen(request: HttpRequest, text: str) -> dict[int, bool]:
    """The runs that are meant, each with whether the user may change it.

    Raises Refused. What another team has does not exist.
    """
    if "all" in request.POST:
        ids = queries_runs.matching(request.user, text, MOST + 1)
    else:
        said = request.POST.getlist("run")[: MOST + 1]
        ids = [one for one in map(whole, said) if one is not None]
        if len(ids) < len(said):
            raise Http404
    if not ids:
        raise Refused("no run is ticked: tick some first")
    if len(ids) > MOST:
        raise Refused(f"at most {MOST} runs at once: search for fewer")
    found = queries_runs.writable(request.user, ids)
    if set(ids) - set(found):
        raise Http404
    return found


def compared(runs: dict[int, bool]) -> HttpResponse:
    """Off to the page that compares."""
    if len(runs) > MOST_COMPARED:
        raise Refused(f"at most {MOST_COMPARED} runs can be compared, got {len(runs)}")
    return redirect(f"/boards/compare/?runs={','.join(map(str, runs))}")


def told(request: HttpRequest, name: str, runs: dict[int, bool]) -> None:
    """Do it and say how many; Raises Refused."""
    if name in ("star", "unstar"):
        number = actions_marks.star_runs(request.user, list(runs), on=name == "star")
        messages.success(request, f"{runs_(number)} {name}red.")
        return
    if name not in (*CHANGES, "tag", "untag"):
        raise Refused(f"act must be one of {', '.join(CHANGES)}, tag, untag, star, unstar, compare")
    if not all(runs.values()):
        raise PermissionDenied
    if name in CHANGES:
        outcome = actions_bulk.change(name, list(runs), request.user.get_username())
        messages.success(request, f"{name}: {runs_(outcome.done)} changed.")
        if outcome.refused:
            more = f" and {len(outcome.refused) - 3} more" if len(outcome.refused) > 3 else ""
            messages.error(request, f"Not changed: {'; '.join(outcome.refused[:3])}{more}.")
        return
    tag = request.POST.get("tag", "")
    put = {"tag": actions_marks.tag_runs, "untag": actions_marks.untag_runs}[name]
    number = put(list(runs), tag)
    messages.success(request, f"{name} “{tag.strip()}”: {runs_(number)} changed.")


def runs_(number: int) -> str:
    return f"{number} run{'' if number == 1 else 's'}"


@require_POST
def save(request: HttpRequest) -> HttpResponse:
    """Name the view that is shown."""
    view = QueryDict(request.POST.get("back", "")[:8000])
    kept = address(view, after="")
    try:
        actions_marks.save_search(
            request.user,
            request.POST.get("name", ""),
            kept,
            view.get("q", "").strip(),
            team_of(request),
        )
        messages.success(request, "The view is saved.")
    except (Refused, SearchError) as error:
        messages.error(request, f"{error}.")
    return redirect(f"{reverse('web:runs')}?{kept}")


def team_of(request: HttpRequest) -> Any:
    """The team that shall see the view, or nobody else."""
    slug = request.POST.get("team", "")
    if not slug:
        return None
    team = teams_of(request.user).filter(slug=slug).first()
    if team is None:
        raise Http404
    if not teams_of(request.user, "write").filter(pk=team.pk).exists():
        raise PermissionDenied
    return team


@require_POST
def delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Forget one of the user's own views."""
    if not actions_marks.delete_search(request.user, pk):
        raise Http404
    messages.success(request, "The view is deleted.")
    return redirect("web:runs")
