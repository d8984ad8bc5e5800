"""What happened in the user's teams."""

from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from snnlab.experiments import queries_activity
from snnlab.experiments.queries_activity import Place
from snnlab.teams import queries as teams


PAGE = 50
LARGEST = 2**63 - 1


@require_safe
@never_cache
def activity(request: HttpRequest) -> HttpResponse:
    """A page of it, of all teams or of one."""
    team = request.GET.get("team", "").replace("\x00", "")[:50]
    lines, more = queries_activity.activity(request.user, PAGE, place(request.GET), team)
    context: dict[str, Any] = {"lines": lines, "team": team, "teams": teams.teams_of(request.user)}
    if more:
        given = QueryDict(mutable=True)
        given["before"] = f"{more.at.isoformat()}_{more.kind}_{more.id}"
        if team:
            given["team"] = team
        context["more"] = given.urlencode()
    return render(request, "web/activity.html", context)


def place(given: QueryDict) -> Place | None:
    """Where the page before ended; nothing for an address that says no place."""
    try:
        at, kind, number = given.get("before", "").split("_")
        found = Place(datetime.fromisoformat(at), int(kind), int(number))
    except ValueError:
        return None
    sound = found.at.tzinfo and found.at.year > 1 and found.at.year < 9999
    return found if sound and 0 <= found.kind < 9 and 0 <= found.id <= LARGEST else None
