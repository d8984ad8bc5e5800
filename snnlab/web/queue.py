"""The line of waiting runs, the workers, and what may be done to both."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from snnlab.experiments import actions, actions_queue, joining, queries, queries_queue
from snnlab.experiments.asking import whole
from snnlab.teams import queries as teams
from snnlab.web.access import or_404, writer_or_403
from snnlab.web.run import share


PAGE = 50
DEEPEST = 10_000


@require_safe
@never_cache
def queue(request: HttpRequest) -> HttpResponse:
    """What runs, what waits and why, what stands aside."""
    return render(request, "web/queue.html", of_queue(request))


@require_safe
@never_cache
def queue_live(request: HttpRequest) -> JsonResponse:
    """The parts of the queue's page, as they are now."""
    return pieces(request, "queue", of_queue(request), ("line", "running", "aside"))


@require_safe
@never_cache
def workers(request: HttpRequest) -> HttpResponse:
    """Who works, and at what."""
    return render(request, "web/workers.html", of_workers(request))


@require_safe
@never_cache
def workers_live(request: HttpRequest) -> JsonResponse:
    """The parts of the workers' page, as they are now."""
    return pieces(request, "workers", of_workers(request), ("list",))


def of_queue(request: HttpRequest) -> dict[str, Any]:
    """Everything on the page, in so many queries however many runs there are."""
    user, skip = request.user, start(request)
    now = queries_queue.look()
    line = queries_queue.line(user, skip, PAGE + 1, now)
    running = queries_queue.running(user)
    for run in running:
        run["share"] = share(run["progress"])
    return {
        "line": line[:PAGE],
        "skip": skip,
        "before": max(0, skip - PAGE),
        "after": skip + PAGE if len(line) > PAGE and skip + PAGE <= DEEPEST else None,
        "running": running,
        "aside": queries_queue.aside(user, now=now),
        "writes": {team.pk for team in teams.teams_of(user, "write")},
    }


def of_workers(request: HttpRequest) -> dict[str, Any]:
    staff = request.user.is_staff
    keys = joining.working_keys() if staff else []
    return {"workers": queries_queue.workers(request.user), "staff": staff, "keys": keys}


def start(request: HttpRequest) -> int:
    """How many runs of the line come before this page."""
    return min(whole(request.GET.get("skip", "")) or 0, DEEPEST)


def pieces(request: HttpRequest, page: str, now: dict[str, Any], names: Any) -> JsonResponse:
    """The parts of a page as HTML, by their ids."""
    shown = {name: render_to_string(f"web/{page}/{name}.html", now, request) for name in names}
    return JsonResponse({"pieces": shown})


@require_POST
def hold(request: HttpRequest, pk: int) -> HttpResponse:
    """Hold a run that waits, pause one that is trained."""
    return change(request, pk, lambda: actions_queue.pause(pk, request.user.get_username()))


@require_POST
def release(request: HttpRequest, pk: int) -> HttpResponse:
    """Let a held or paused run go on."""
    return change(request, pk, lambda: actions.unhold(pk, request.user.get_username()))


@require_POST
def move(request: HttpRequest, pk: int) -> HttpResponse:
    """Put a waiting run first or last of its priority."""
    return change(request, pk, lambda: actions_queue.move(pk, last="last" in request.POST))


@require_POST
def prioritise(request: HttpRequest, pk: int) -> HttpResponse:
    """Change the priority of a waiting run."""
    return change(request, pk, lambda: actions_queue.prioritise(pk, priority(request)))


def priority(request: HttpRequest) -> int:
    try:
        return int(request.POST.get("priority", ""))
    except ValueError:
        raise actions.Refused("priority must be a whole number") from None


def change(request: HttpRequest, pk: int, act: Callable[[], object]) -> HttpResponse:
    """Do something to a run of a team in which the user may write, and go back."""
    found = or_404(queries.run, request.user, pk)
    writer_or_403(request.user, found.experiment.team)
    said(request, act)
    if request.POST.get("back") == "queue":
        return redirect("web:queue")
    return redirect("web:run", pk)


@require_POST
def drain(request: HttpRequest, name: str) -> HttpResponse:
    """Let a worker finish what it has and take nothing new, or let it take runs again."""
    return of_staff(request, lambda: actions_queue.drain(name, on="off" not in request.POST))


@require_POST
def trust(request: HttpRequest, name: str) -> HttpResponse:
    """Let a worker out of quarantine."""
    return of_staff(request, lambda: actions_queue.trust(name))


def of_staff(request: HttpRequest, act: Callable[[], object]) -> HttpResponse:
    """Change a worker and go back to the list."""
    only_staff(request)
    said(request, act)
    return redirect("web:workers")


def only_staff(request: HttpRequest) -> None:
    """Workers are everybody's, so only those who run the lab may change them."""
    if not request.user.is_staff:
        raise PermissionDenied


def said(request: HttpRequest, act: Callable[[], object]) -> None:
    """Do it, or tell in words why not."""
    try:
        act()
    except actions.Refused as error:
        messages.error(request, f"{error}.")
