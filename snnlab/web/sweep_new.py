"""Making a new sweep, now or by a schedule: says how many runs it is before it is sent."""

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from hardware.profile import names
from snnlab.experiments import actions_schedules, actions_sweeps, queries_schedules, queries_sweeps
from snnlab.experiments.actions import Refused
from snnlab.experiments.asking import whole
from snnlab.experiments.sweep_steps import step
from snnlab.experiments.timing import Timing
from snnlab.learning.presets import presets
from snnlab.teams import queries as teams
from snnlab.web.access import or_404
from snnlab.web.forms import bound_form
from snnlab.web.known import offer_sweep
from snnlab.web.new import chosen, my_teams
from snnlab.web.sweep_form import Defined, NewSweep, from_post, from_sweep, plan_form, read
from snnlab.web.values import flatten


if TYPE_CHECKING:
    from snnlab.learning.sweep import Sweep

AT_ONCE = 200  # runs of a sweep that are made before the page answers; workers make the others
FIRST = "mnist-sample"
EXAMPLE = "neuron.v_threshold = 0.5, 1.0, 2.0"


@require_http_methods(["GET", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """The form, and what becomes of it. Sent twice with the same key, it is one sweep."""
    if request.method == "POST":
        return submit(request)
    mine, when = my_teams(request), request.GET.get("when", "now")
    preset = chosen(request.GET.get("preset", FIRST))
    name = preset.title if preset else ""
    if (like := whole(request.GET.get("sweep", ""))) is not None:
        row = or_404(queries_sweeps.sweep, request.user, like)
        defined, name = from_sweep(row.definition), row.experiment.name
    else:
        flat = flatten(plan_form(), {})
        text = preset.text if preset else ""
        defined = read(Defined(text, EXAMPLE, "1, 2, 3", "accuracy", flat))
    start = {"key": uuid.uuid4(), "name": name, "team": mine[0][0] if mine else "", "when": when}
    return page(request, NewSweep(teams=mine, initial=start), defined)


@require_POST
def preview(request: HttpRequest) -> JsonResponse:
    """How many runs it would be, or what is wrong; and when a schedule would fall due."""
    defined = from_post(request.POST)
    told = verdict(defined)
    try:
        told += falls_due(request.POST)
        wrong = []
    except Refused as error:
        wrong = [f"{error}."]
    problems = defined.problems
    known = offer_sweep(request.user, request.POST, defined.sweep)
    return JsonResponse({"problems": problems, "elsewhere": wrong, "verdict": told, "known": known})


def verdict(defined: Defined) -> str:
    """The number of runs, before anything is made."""
    if defined.sweep is None:
        return f"Not complete: {len(defined.problems)} to change."
    points, runs = defined.sweep.size(), defined.sweep.runs()
    return f"{points:,} point{'s' * (points != 1)}, at most {runs:,} run{'s' * (runs != 1)}."


def falls_due(data: Mapping[str, Any]) -> str:
    """The next five times of the schedule in a form; nothing if it is none. Raises Refused."""
    if data.get("when", "now") == "now":
        return ""
    rule = timing(data)
    clock = rule.checked().clock if rule.kind == "cron" else UTC
    times = queries_schedules.upcoming(rule)
    if not times:
        raise Refused(actions_schedules.NEVER)
    shown = ", ".join(f"{at.astimezone(clock):%a %Y-%m-%d %H:%M %Z}" for at in times)
    return f" Falls due {shown}."


def timing(data: Mapping[str, Any]) -> Timing:
    """The rule in a form. Raises Refused."""
    kind: Any = data.get("when", "")
    return Timing(
        kind,
        moment(str(data.get("start", "")).strip()),
        cron=str(data.get("cron", "")).strip(),
        zone=str(data.get("zone", "")).strip() or "UTC",
        every=minutes(str(data.get("every", "")).strip()) if kind == "every" else 0,
    )


def moment(text: str) -> datetime:
    """A moment in UTC; now, to the minute, where nothing is said."""
    try:
        at = (
            datetime.fromisoformat(text)
            if text
            else datetime.now(UTC).replace(second=0, microsecond=0)
        )
    except ValueError:
        raise Refused(f"start must be a moment such as 2027-01-31 08:00, got {text!r}") from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def minutes(text: str) -> int:
    """An interval in seconds."""
    try:
        return round(60 * float(text))
    except (ValueError, OverflowError):
        raise Refused(f"every must be a number of minutes, got {text!r}") from None


def submit(request: HttpRequest) -> HttpResponse:
    """Make the sweep or the schedule, or say beside each field why not."""
    defined, form = from_post(request.POST), NewSweep(request.POST, teams=my_teams(request))
    if not form.is_valid() or defined.sweep is None:
        return page(request, form, defined, status=422)
    try:
        return made(request, form.cleaned_data, defined.sweep)
    except Refused as error:
        form.add_error(None, str(error))
        return page(request, form, defined, status=422)


def made(request: HttpRequest, said: dict[str, Any], sweep: "Sweep") -> HttpResponse:
    """What was asked for, and where it is seen. Raises Refused."""
    who = {"team": teams.team(said["team"]), "actor": request.user.get_username()}
    who |= {"name": said["name"], "notes": said["notes"], "key": str(said["key"])}
    if said["when"] != "now":
        missed = said["missed"] or "once"
        rule = timing(request.POST)
        actions_schedules.create(**who, timing=rule, sweep=sweep, missed=missed)
        return redirect("web:schedules")
    row = actions_sweeps.create(**who, sweep=sweep)
    if sweep.runs() <= AT_ONCE:
        step(row.pk)
    return redirect("web:sweep", row.pk)


def page(
    request: HttpRequest, form: NewSweep, defined: Defined, *, status: int = 200
) -> HttpResponse:
    """The page with a form in whatever state."""
    context = {
        "form": form,
        "defined": defined,
        "verdict": verdict(defined),
        "known": offer_sweep(request.user, {"team": form["team"].value()}, defined.sweep),
        "presets": presets().values(),
        "chips": names(),
        "check_on": request.POST.get("check_on", ""),
    }
    context |= bound_form(plan_form(), defined.flat, defined.problems)
    return render(request, "web/sweep_new.html", context, status=status)
