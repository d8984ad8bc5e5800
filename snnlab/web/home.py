"""The first page: what runs, what is new since the last visit, what waits, who works."""

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from snnlab.experiments import queries_home, queries_queue
from snnlab.experiments.queries_activity import activity
from snnlab.learning.presets import presets
from snnlab.teams import visits
from snnlab.web.queue import pieces
from snnlab.web.run import share


SHOWN = 8
PIECES = ("running", "since", "queue", "records", "starred", "activity")


@require_safe
@never_cache
def home(request: HttpRequest) -> HttpResponse:
    """What runs, what is new, what waits. Only a page that is opened is a visit."""
    opened = request.method == "GET" and "prefetch" not in request.headers.get("Sec-Purpose", "")
    since = visits.visit(request.user) if opened else seen(request)
    return render(request, "web/home.html", context(request.user, since))


@require_safe
@never_cache
def live(request: HttpRequest) -> JsonResponse:
    """The parts of the page, as they are now."""
    return pieces(request, "home", context(request.user, seen(request)), PIECES)


def seen(request: HttpRequest) -> Any:
    return visits.since(request.user) or timezone.now()


def context(user: Any, since: Any) -> dict[str, Any]:
    """Everything on the page, in so many queries however much there is."""
    running = queries_queue.running(user, SHOWN)
    for run in running:
        run["share"] = share(run["progress"])
    workers = queries_queue.workers(user)
    depths = queries_home.depths(user)
    lines, _ = activity(user, 40)
    found = {
        "since": since,
        "running": running,
        "ended": queries_home.ended_since(user, since, SHOWN),
        "depths": depths,
        "oldest": min((pool["oldest"] for pool in depths), default=None),
        "workers": [one for one in workers if one["alive"]],
        "records": queries_home.records(user, SHOWN),
        "starred": queries_home.starred(user, SHOWN),
        "lines": lines[:SHOWN],
        "ran": any(line.what in ("run", "experiment") for line in lines),
        "most": queries_home.MOST_COUNTED,
        "presets": presets().values(),
    }
    work = ("running", "depths", "records", "starred")
    found["empty"] = not (found["ended"]["counts"] or any(found[name] for name in work))
    return found
