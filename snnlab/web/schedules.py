"""The page of schedules, and what may be done to one."""

from collections.abc import Callable
from datetime import UTC
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from snnlab.experiments import actions_schedules, queries_schedules
from snnlab.experiments.actions import Refused
from snnlab.teams import queries as teams
from snnlab.web.access import or_404, writer_or_403
from snnlab.web.queue import pieces


@require_safe
@never_cache
def schedules(request: HttpRequest) -> HttpResponse:
    """Every schedule of the user's teams: when it falls due, and what came of it."""
    return render(request, "web/schedules.html", of_schedules(request))


@require_safe
@never_cache
def schedules_live(request: HttpRequest) -> JsonResponse:
    """The list, as it is now."""
    return pieces(request, "schedules", of_schedules(request), ("list",))


def of_schedules(request: HttpRequest) -> dict[str, Any]:
    """Everything on the page, in so many queries however many schedules there are."""
    found = queries_schedules.with_last_slots(request.user)
    now = queries_schedules.now()
    return {
        "rows": [
            (schedule, queries_schedules.rule(schedule), times(schedule, now)) for schedule in found
        ],
        "writes": {team.pk for team in teams.teams_of(request.user, "write")},
    }


def times(schedule: Any, now: Any) -> list[str]:
    """The next five times, as people there read them."""
    if schedule.paused:
        return []
    clock = schedule.timing.clock if schedule.kind == "cron" else UTC
    return [f"{at.astimezone(clock):%Y-%m-%d %H:%M %Z}" for at in schedule.timing.upcoming(now)]


@require_POST
def pause(request: HttpRequest, pk: int) -> HttpResponse:
    """Let a schedule rest."""
    return change(request, pk, actions_schedules.pause)


@require_POST
def resume(request: HttpRequest, pk: int) -> HttpResponse:
    """Let a schedule go on from now."""
    return change(request, pk, actions_schedules.resume)


@require_POST
def delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Forget a schedule."""
    return change(request, pk, actions_schedules.delete)


def change(request: HttpRequest, pk: int, act: Callable[[int], object]) -> HttpResponse:
    """Do something to a schedule of a team in which the user may write, and show all."""
    found = or_404(queries_schedules.schedule, request.user, pk)
    writer_or_403(request.user, found.team)
    try:
        act(pk)
    except Refused as error:
        messages.error(request, f"{error}.")
    return redirect("web:schedules")
