"""Pictures of boards for other pages: plots, a badge, a preview, and a page for a frame."""

from dataclasses import replace
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.clickjacking import xframe_options_exempt
from django.views.decorators.http import require_safe

from snnlab.boards.board import boards
from snnlab.boards.scope import asked, scope
from snnlab.boards.shared import share_of
from snnlab.boards.state import query_of
from snnlab.drawing.badge import badge as drawn_badge
from snnlab.drawing.figure import draw
from snnlab.drawing.png import png
from snnlab.drawing.svg import svg
from snnlab.experiments import queries
from snnlab.experiments.asking import whole
from snnlab.experiments.queries import KINDS, BoardRow, Wanted


WIDTH, HEIGHT, TALL = 900, 480, 720
PREVIEW = (1200, 630)
EMBEDDED = 20  # rows
UNRANKED = ("published",)
OWN = tuple(kind for kind in KINDS if kind not in UNRANKED)
TITLES = {
    "trade": "accuracy against cost",
    "record": "record over time",
    "lines": "accuracy over level",
    "heat": "method by level",
    "violin": "chips at a level",
    "gap": "difference to the baseline",
    "time": "accuracy over time",
    "epochs": "convergence",
    "accuracy": "test accuracy over the surrogate [%]",
    "gradients": "log10 of the gradient over the surrogate",
    "parallel": "fields and result",
    "box": "over the runs of each group",
}


@require_safe
@never_cache
def plot(request: HttpRequest, slug: str, name: str, form: str) -> HttpResponse:
    """One chart of a board as a picture, as its address asks for it."""
    return picture(request, slug, name, form)


@login_not_required
@require_safe
def shared_plot(request: HttpRequest, name: str, form: str, **_: Any) -> HttpResponse:
    """The same behind a link."""
    share = share_of(request)
    return picture(request, share.slug, name, form, share.title)


def picture(request: HttpRequest, slug: str, name: str, form: str, title: str = "") -> HttpResponse:
    figure = figure_of(request, slug, name)
    if form not in ("svg", "png"):
        raise Http404
    height = TALL if len(figure.get("layout", {}).get("xaxis2", ())) else HEIGHT
    scene = draw(figure, WIDTH, height, title=entitled(title or boards()[slug].title, name))
    if form == "svg":
        return HttpResponse(svg(scene), content_type="image/svg+xml")
    return HttpResponse(png(scene), content_type="image/png")


def entitled(title: str, name: str) -> str:
    """What a picture's head says: where it is from, and what it shows."""
    return f"{title[:80]}: {TITLES.get(name, name)}"


def figure_of(request: HttpRequest, slug: str, name: str) -> dict[str, Any]:
    """A chart as plotly's own fields."""
    board = boards().get(slug)
    found = board.plots(request, query_of(request.META.get("QUERY_STRING", ""))) if board else {}
    if name not in found:
        raise Http404
    return dict(found[name]().to_plotly_json())


@login_not_required
@require_safe
def preview(request: HttpRequest, **_: Any) -> HttpResponse:
    """What other sites show beside the link: its first chart, as it was shared."""
    share = share_of(request)
    first = next(iter(boards()[share.slug].plots(request, QueryDict())))
    scene = draw(figure_of(request, share.slug, first), *PREVIEW, title=share.title[:90])
    return HttpResponse(png(scene), content_type="image/png")


@login_not_required
@require_safe
def badge(request: HttpRequest, **_: Any) -> HttpResponse:
    """The rank of a row, named by `row`, or of the best one that was measured."""
    share = share_of(request)
    board = boards()[share.slug]
    row, of = ranked(request, share.slug, request.GET.get("row", "")) if board.data else (None, 0)
    if row is None or row.rank is None:
        raise Http404
    words = f"rank {row.rank} of {of}"
    return HttpResponse(drawn_badge(share.title[:60], words), content_type="image/svg+xml")


def ranked(request: HttpRequest, slug: str, pk: str) -> tuple[BoardRow | None, int]:
    """A shown row with its rank, and how many rows of the same data have one.

    Published rows rank only where one of them is asked for: else it is the rank that a board shows.
    """
    only = whole(pk)
    if pk and not only:
        return None, 0
    wanted = Wanted(slug, only=only, size=1) if only else Wanted(slug, kinds=OWN, size=1)
    found = queries.standings(scope(request), wanted)
    if found.rows and found.rows[0].kind in UNRANKED:
        found = queries.standings(scope(request), replace(wanted, rank_published=True))
    return (found.rows[0], found.ranked.get(found.rows[0].caveat, 0)) if found.rows else (None, 0)


@login_not_required
@require_safe
@xframe_options_exempt
def embed(request: HttpRequest, **_: Any) -> HttpResponse:
    """The board for a frame of the sites that the link names: pictures and a table, no script."""
    share = share_of(request)
    if not share.origins:
        raise Http404
    board = boards()[share.slug]
    query = asked(request, request.GET)
    context = {
        "shared": share,
        "plots": [(n, TITLES.get(n, n)) for n in board.plots(request, request.GET)],
        "query": query.urlencode(),
    } | table(request, share.slug)
    answer = render(request, "shared/embed.html", context)
    answer._csp_replace = {"frame-ancestors": list(share.origins)}  # type: ignore[attr-defined]
    return answer


def table(request: HttpRequest, slug: str) -> dict[str, Any]:
    """The first rows of a leaderboard, if it is one."""
    board = boards()[slug]
    if not board.data:
        return {}
    shown = board.context(request)
    return {"heads": shown["heads"], "lines": shown["lines"][:EMBEDDED], "found": shown["found"]}
