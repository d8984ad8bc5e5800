"""The pages. Each view asks for what the user may see, and shows it."""

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.core.paginator import Paginator
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from snnlab.experiments import actions, queries
from snnlab.learning.presets import presets
from snnlab.teams import queries as teams
from snnlab.web import marks
from snnlab.web import run as run_page
from snnlab.web.access import or_404, writer_or_403
from snnlab.web.experiment import groups


PAGE = 25


@login_not_required
@never_cache
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """Whether this process answers and reaches its database."""
    with connection.cursor() as cursor:
        cursor.execute("select 1")
    return HttpResponse("ok", content_type="text/plain")


@require_safe
def experiments(request: HttpRequest) -> HttpResponse:
    """Every experiment of the user's teams."""
    search = request.GET.get("search", "").strip().replace("\x00", "")[:200]
    pages = Paginator(queries.experiments(request.user, search), PAGE)
    page = pages.get_page(request.GET.get("page"))
    context = {"page": page, "search": search, "presets": presets().values()}
    return render(request, "web/experiments.html", context)


@require_safe
def experiment(request: HttpRequest, pk: int) -> HttpResponse:
    """One experiment: its runs, and what they say together."""
    found = or_404(queries.experiment, request.user, pk)
    runs = Paginator(queries.runs(request.user, found).order_by("id"), 100)
    page = runs.get_page(request.GET.get("page"))
    context = {"experiment": found, "page": page, "groups": groups(page.object_list)}
    context["may_write"] = teams.may(request.user, found.team, "write")
    context |= marks.context(request.user, "experiment", found)
    return render(request, "web/experiment.html", context)


@require_safe
@never_cache
def run(request: HttpRequest, pk: int) -> HttpResponse:
    """One run, alive."""
    found = or_404(queries.run, request.user, pk)
    context = run_page.context(found, request.user) | marks.context(request.user, "run", found)
    return render(request, "web/run.html", context)


@require_safe
@never_cache
def live(request: HttpRequest, pk: int) -> JsonResponse:
    """What has changed on a run's page: its pieces as HTML, its curves as numbers."""
    found = or_404(queries.run, request.user, pk)
    return JsonResponse(run_page.pieces(found, request))


@require_POST
def cancel(request: HttpRequest, pk: int) -> HttpResponse:
    """Stop a run."""
    return change(request, pk, actions.cancel)


@require_POST
def retry(request: HttpRequest, pk: int) -> HttpResponse:
    """Queue a run again."""
    return change(request, pk, actions.retry)


def change(request: HttpRequest, pk: int, action: run_page.Action) -> HttpResponse:
    """Do something to a run of a team in which the user may write, and show the run."""
    found = or_404(queries.run, request.user, pk)
    writer_or_403(request.user, found.experiment.team)
    try:
        action(found.pk, request.user.get_username())
    except actions.Refused as error:
        messages.error(request, f"{error}.")
    return redirect("web:run", pk)
