"""Sweeps: the list, the page of one, and what may be done to it."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from snnlab.experiments import actions, actions_sweeps, asking, queries_sweeps
from snnlab.experiments.queries_sweeps import MOST_SHOWN, PointRow
from snnlab.experiments.seeds import parse_seeds
from snnlab.learning.notation import read_space, write_space
from snnlab.learning.plan import Plan
from snnlab.learning.problems import SpecError
from snnlab.learning.strategy import Drawn
from snnlab.teams import queries as teams
from snnlab.web.access import or_404, writer_or_403
from snnlab.web.charts import plain, titled
from snnlab.web.definition import toml_of
from snnlab.web.numbers import number
from snnlab.web.sweep_figures import figures


PAGE, ROWS, LAST = 25, 50, 99_999
PIECES = ("status", "buttons", "points")
BUDGET = {"points": int, "most_runs": int, "most_hours": float, "parallel": int}


@require_safe
@never_cache
def sweeps(request: HttpRequest) -> HttpResponse:
    """Every sweep of the user's teams."""
    page = Paginator(queries_sweeps.sweeps(request.user), PAGE).get_page(request.GET.get("page"))
    used = queries_sweeps.progress(list(page.object_list))
    rows = [(sweep, used[sweep.pk]) for sweep in page.object_list]
    return render(request, "web/sweeps.html", {"page": page, "rows": rows})


@require_safe
@never_cache
def sweep(request: HttpRequest, pk: int) -> HttpResponse:
    """One sweep, alive."""
    found = or_404(queries_sweeps.sweep, request.user, pk)
    now = context(request, found)
    space = write_space(now["plan"].space)
    more = {"toml": toml_of(found.definition["base"]), "space": space, "charts": drawn(now)}
    return render(request, "web/sweep.html", now | more)


@require_safe
@never_cache
def live(request: HttpRequest, pk: int) -> JsonResponse:
    """What has changed on a sweep's page; its charts only if they may have."""
    now = context(request, or_404(queries_sweeps.sweep, request.user, pk))
    shown = {p: render_to_string(f"web/sweep/{p}.html", now, request) for p in PIECES}
    answer = {"pieces": shown, "stamp": now["stamp"]}
    if request.GET.get("seen") != now["stamp"]:
        answer["charts"] = drawn(now)
    return JsonResponse(answer)


def context(request: HttpRequest, found: Any) -> dict[str, Any]:
    """Everything on the page but the charts, in so many queries however many points there are."""
    plan, used = queries_sweeps.plan(found), queries_sweeps.usage(found)
    order = "number" if request.GET.get("order") == "number" else ""
    last = max(1, -(-used.points // ROWS))
    at = min(page_of(request), last)
    rows = queries_sweeps.points(found, order=order, limit=ROWS, offset=ROWS * (at - 1))
    best = queries_sweeps.points(found, limit=1) if order or at > 1 else rows[:1]
    return {
        "sweep": found,
        "plan": plan,
        "used": used,
        "best": next((line(plan, p) for p in best if p.score() is not None), None),
        "objectives": [titled(objective) for objective in plan.objectives],
        "rows": [line(plan, point) for point in rows],
        "order": order,
        "at": at,
        "last": last,
        "pair": pair(request, plan, found, used.ended),
        "drawn": isinstance(plan.strategy, Drawn),
        "may_write": teams.may(request.user, found.experiment.team, "write"),
        "stamp": f"{found.version}-{used.points}-{used.ended}",
    }


def drawn(now: dict[str, Any]) -> dict[str, Any]:
    """The charts, of the best points if there are very many."""
    found = now["sweep"]
    points = queries_sweeps.points(found, limit=MOST_SHOWN)
    shares = queries_sweeps.importance(found, now["used"].ended)
    return figures(now["plan"], points, shares, now["pair"])


def page_of(request: HttpRequest) -> int:
    return min(asking.whole(request.GET.get("page", "")) or 1, LAST)


def pair(request: HttpRequest, plan: Plan, found: Any, ended: int) -> tuple[str, str]:
    """The two fields of the contour: those chosen, else the most important, else the first."""
    fields = list(plan.space)
    ranked = [*queries_sweeps.importance(found, ended), *fields]
    chosen = [request.GET.get(name, "") for name in ("across", "up")]
    some = list(dict.fromkeys([f for f in chosen if f in fields] + ranked))[:2]
    return (some[0], some[1]) if len(some) == 2 else ("", "")


def line(plan: Plan, point: PointRow) -> dict[str, Any]:
    """A point as a row of the table."""
    return {
        "point": point,
        "values": [plain(point.values.get(field)) for field in plan.space],
        "scores": [told(score) for score in point.scores],
        "runs": point.runs[:5],
        "more": max(0, len(point.runs) - 5),
    }


def told(score: queries_sweeps.Score) -> str:
    """Mean and 95 % interval; with fewer than three seeds only the mean and their number."""
    if score.half is not None:
        return f"{number(score.mean)} ± {number(score.half, 2)} (n = {score.n})"
    return number(score.mean) + (f" (n = {score.n})" if score.n > 1 else "")


@require_POST
def cancel(request: HttpRequest, pk: int) -> HttpResponse:
    """Stop a sweep and its runs."""
    return change(request, pk, lambda: actions_sweeps.cancel(pk, request.user.get_username()))


@require_POST
def resume(request: HttpRequest, pk: int) -> HttpResponse:
    """Go on with a cancelled sweep."""
    return change(request, pk, lambda: actions_sweeps.resume(pk, request.user.get_username()))


@require_POST
def rerun(request: HttpRequest, pk: int) -> HttpResponse:
    """Run again what failed, was lost or deleted."""
    return change(request, pk, lambda: actions_sweeps.rerun_failed(pk, request.user.get_username()))


@require_POST
def add_seeds(request: HttpRequest, pk: int) -> HttpResponse:
    """Give the best points more seeds."""

    def act() -> object:
        top, count = (whole(request, name) for name in ("top", "count"))
        return actions_sweeps.add_seeds(pk, top=top, count=count)

    return change(request, pk, act)


@require_POST
def extend(request: HttpRequest, pk: int) -> HttpResponse:
    """Search a larger space, draw more points, add seeds, or allow more."""

    def act() -> object:
        from snnlab.learning.sweep import Sweep

        found = or_404(queries_sweeps.sweep, request.user, pk)
        return actions_sweeps.extend(pk, Sweep.parse(extended(request, found.definition)))

    return change(request, pk, act)


def extended(request: HttpRequest, definition: dict[str, Any]) -> dict[str, Any]:
    """The definition with what the form says. Raises Refused, ValueError."""
    space, wrong = read_space(request.POST.get("space", ""))
    if wrong:
        raise actions.Refused(wrong[0].rstrip("."))
    numbers = {name: read(request, name, kind) for name, kind in BUDGET.items()}
    points = numbers.pop("points")
    strategy = definition["strategy"] | ({"points": points} if points else {})
    seeds = parse_seeds(request.POST.get("seeds", ""))
    return definition | numbers | {"space": space, "strategy": strategy, "seeds": seeds}


def read(request: HttpRequest, name: str, kind: Callable[[str], Any]) -> Any:
    text = request.POST.get(name, "").strip()
    try:
        return kind(text) if text else None
    except ValueError:
        raise actions.Refused(f"{name} must be a number, got {text!r}") from None


def whole(request: HttpRequest, name: str) -> int:
    given = read(request, name, int)
    if given is None or not 1 <= given <= 10_000:
        raise actions.Refused(f"{name} must be a whole number in 1..10000, got {given}")
    return int(given)


def change(request: HttpRequest, pk: int, act: Callable[[], object]) -> HttpResponse:
    """Do something to a sweep of a team in which the user may write, and show the sweep."""
    found = or_404(queries_sweeps.sweep, request.user, pk)
    writer_or_403(request.user, found.experiment.team)
    try:
        act()
    except SpecError as error:
        messages.error(request, " ".join(map(str, error.problems)))
    except ValueError as error:  # of which Refused is one
        messages.error(request, f"{str(error).rstrip('.')}.")
    return redirect("web:sweep", pk)
