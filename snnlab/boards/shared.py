"""Boards behind a link: the same pages and callbacks, narrowed to what the link shows.

`web.share_door` has looked the link up before any of these views is reached.
"""

from functools import cache
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_safe

from snnlab.boards import envelope
from snnlab.boards.board import boards
from snnlab.boards.bridge import answering, call_dash
from snnlab.boards.scope import link
from snnlab.boards.views import CALLS, READS, SUITES, call, dash_app, private, standings, zipped
from snnlab.experiments.queries_shares import Share


FRAME = {"board"}  # what every page has


def share_of(request: HttpRequest) -> Share:
    """The link; without one nothing below it exists."""
    share = link(request)
    if share is None or share.slug not in boards():
        raise Http404
    return share


@login_not_required
@require_safe
@ensure_csrf_cookie
def page(request: HttpRequest, **_: Any) -> HttpResponse:
    """The board, signed out."""
    share = share_of(request)
    if request.headers.get("X-Part") == "standings":
        return standings(request, share.slug)
    with answering(request):
        return HttpResponse(dash_app().index())


@login_not_required
def endpoint(request: HttpRequest, rest: str, **_: Any) -> HttpResponse:
    """What the page's scripts ask for: the layout, and the callbacks of this one board."""
    share, path = share_of(request), f"{dash_app().config.routes_pathname_prefix}{rest}"
    if request.method == "GET" and rest.startswith(SUITES):
        return redirect(path)  # libraries, which a browser may keep
    if request.method == "GET" and rest in READS:
        return private(call_dash(dash_app(), request, path))
    if request.method == "POST" and rest == CALLS and belongs(request.body, share.slug):
        return zipped(request, private(call(request, path)))
    raise Http404


def belongs(body: bytes, slug: str) -> bool:
    """Whether a callback fills this board. What is not even a call, `call` refuses in words."""
    try:
        output = envelope.text(envelope.parse(body), "output")
    except envelope.BadCall:
        return True
    named = {one.rpartition(".")[0] for one in output.strip(".").split("...")}
    return named <= FRAME | ids(slug)


@cache
def ids(slug: str) -> frozenset[str]:
    """The ids of all that is in a board's layout."""
    frame = boards()[slug].layout()
    return frozenset({*frame, getattr(frame, "id", "")})
