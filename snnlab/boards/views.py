"""The doors to the boards. Every view but static files and sign-in needs a signed-in user."""

import gzip
from functools import cache
from importlib import import_module

from dash import Dash
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_safe

from snnlab.boards import envelope, scripts
from snnlab.boards.board import boards, offered
from snnlab.boards.bridge import answering, call_dash
from snnlab.boards.scope import at
from snnlab.experiments.queries_marks import starred_boards


READS = ("_dash-layout", "_dash-dependencies")
CALLS = "_dash-update-component"
SUITES = "_dash-component-suites/"
SMALL = 1000  # bytes that are not worth packing


@cache
def dash_app() -> Dash:
    """The app of this process; importing it costs about a second."""
    return import_module("snnlab.boards.app").app


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """The list of boards."""
    context = {"boards": boards().values(), "starred": starred_boards(request.user)}
    return render(request, "boards/index.html", context)


@require_safe
@never_cache
@ensure_csrf_cookie
def page(request: HttpRequest, slug: str) -> HttpResponse:
    """One board. Its table is in the page; callbacks bring the charts.

    A script that turned the page already wants its changed part alone.
    """
    if slug not in boards():
        raise Http404
    if request.headers.get("X-Part") == "standings":
        return standings(request, slug)
    with answering(request):
        return HttpResponse(dash_app().index())


def standings(request: HttpRequest, slug: str) -> HttpResponse:
    """The part of a leaderboard that a turned page changes."""
    board = boards()[slug]
    shown = at(request, slug) | offered(request, board) | board.context(request)
    return render(request, "boards/standings.html", shown)


@login_not_required  # a script cannot follow a redirect to the sign-in page: it is told 403
def endpoint(request: HttpRequest, rest: str) -> HttpResponse:
    """What Dash's scripts ask for. Whatever is not listed does not exist."""
    if request.method == "GET" and rest.startswith(SUITES):
        return scripts.serve(dash_app(), request)  # libraries, the same for everybody
    if not request.user.is_authenticated:
        raise PermissionDenied
    if request.method == "GET" and rest in READS:
        return private(call_dash(dash_app(), request))
    if request.method == "POST" and rest == CALLS:
        return zipped(request, private(call(request)))
    raise Http404


def call(request: HttpRequest, path: str = "") -> HttpResponse:
    """Run a callback."""
    if request.content_type != "application/json":
        return HttpResponse("Content-Type must be application/json.", status=415)
    try:
        envelope.check(dash_app(), request.body)
    except envelope.BadCall as error:
        return HttpResponse(f"{error}.", status=400, content_type="text/plain")
    return call_dash(dash_app(), request, path)


def private(answer: HttpResponse) -> HttpResponse:
    """The answer, kept by no cache."""
    answer.headers["Cache-Control"] = "private, no-store"
    return answer


def zipped(request: HttpRequest, answer: HttpResponse) -> HttpResponse:
    """The answer, packed where the browser takes that: charts are long. It holds no secret."""
    if "gzip" in request.headers.get("Accept-Encoding", "") and len(answer.content) > SMALL:
        answer.content = gzip.compress(answer.content, 4, mtime=0)
        answer.headers["Content-Encoding"] = "gzip"
        answer.headers["Vary"] = "Accept-Encoding, Cookie"
    return answer
