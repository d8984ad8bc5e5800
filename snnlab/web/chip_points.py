"""Whether the networks of a sweep fit onto a chip: asked of its first points."""

from collections.abc import Iterable
from itertools import islice
from typing import TYPE_CHECKING, Any

from django.http import HttpRequest, JsonResponse
from django.template.loader import render_to_string
from django.views.decorators.http import require_POST

from snnlab.web.chips import tried
from snnlab.web.definition import Definition
from snnlab.web.sweep_form import from_post


if TYPE_CHECKING:
    from snnlab.learning.sweep import Point, Sweep

FIRST = 12  # points that are tried while somebody waits


@require_POST
def check(request: HttpRequest) -> JsonResponse:
    """What a chip says to the points of the sweep in the form; nothing is stored."""
    sweep = from_post(request.POST).sweep
    answers = [] if sweep is None else asked(sweep, request.POST.get("check_on", ""))
    left = 0 if sweep is None or sweep.learns else max(0, sweep.size() - FIRST)
    context = {"complete": sweep is not None, "answers": answers, "left": left}
    html = render_to_string("web/chips/points.html", context, request)
    return JsonResponse({"html": html, "problems": {}})


def asked(sweep: "Sweep", chip: str) -> list[dict[str, Any]]:
    """The answer to each of the first points; of a search that learns, to its base."""
    return [answer(point, chip) for point in islice(first(sweep), FIRST)]


def first(sweep: "Sweep") -> "Iterable[Point]":
    """The points that are known before the first result."""
    return [sweep.point({})] if sweep.learns else sweep.points()


def answer(point: "Point", chip: str) -> dict[str, Any]:
    """One point's values and what the chip says to its network."""
    named = ", ".join(f"{field} = {value}" for field, value in point.values.items()) or "the base"
    if point.spec is None:
        return {"point": named, "words": point.problem, "bad": True}
    return {"point": named} | tried(Definition("", {}, point.spec), chip)
