"""Defining an experiment: by fields, by a preset or by TOML."""

import uuid
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.views.decorators.http import require_http_methods, require_POST

from hardware.profile import names
from snnlab.experiments import actions, queries
from snnlab.experiments.asking import whole
from snnlab.learning.presets import Preset, presets
from snnlab.teams import queries as teams
from snnlab.web import definition
from snnlab.web.access import or_404
from snnlab.web.definition import Definition
from snnlab.web.forms import NewExperiment, bound_form
from snnlab.web.known import offer


FIRST = "mnist-sample"  # needs no download
ABOUT = ("team", "seeds")


@require_http_methods(["GET", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """The form, and what becomes of it. Sent twice with the same key, it queues once."""
    if request.method == "POST":
        return submit(request)
    preset = None if "experiment" in request.GET else chosen(request.GET.get("preset", FIRST))
    mine = my_teams(request)
    form = NewExperiment(teams=mine, initial=start(preset, mine))
    defined = definition.from_toml(preset.text if preset else of_experiment(request))
    return page(request, form, defined, preset=preset)


@require_POST
def preview(request: HttpRequest) -> JsonResponse:
    """What the definition in the form is: its TOML, its fields and what is wrong with it."""
    defined = sent(request)
    bound = bound_form(definition.form(), defined.flat, defined.problems)
    return JsonResponse(
        {
            "toml": defined.toml,
            "fields": render_to_string("web/spec/fields.html", bound) if defined.flat else "",
            "problems": defined.problems,
            "elsewhere": defined.elsewhere,
            "verdict": verdict(defined),
            "known": offer(request.user, request.POST, defined.spec),
        }
    )


def submit(request: HttpRequest) -> HttpResponse:
    """Queue what was sent, or say beside each field why not."""
    defined = definition.demanded(sent(request))
    form = NewExperiment(request.POST, teams=my_teams(request))
    if not form.is_valid() or defined.spec is None:
        return page(request, form, defined, status=422)
    said = form.cleaned_data
    try:
        experiment = actions.submit(
            team=teams.team(said["team"]),
            actor=request.user.get_username(),
            name=said["name"],
            specs=[defined.spec],
            seeds=said["seeds"],
            notes=said["notes"],
            ask=form.ask,
            after=said["after"],
            reuse=said["reuse"],
            key=str(said["key"]),
        )
    except actions.Refused as error:
        form.add_error(None, str(error))
        return page(request, form, defined, status=422)
    return redirect("web:experiment", experiment.pk)


def page(
    request: HttpRequest,
    form: NewExperiment,
    defined: Definition,
    *,
    preset: Preset | None = None,
    status: int = 200,
) -> HttpResponse:
    """The page with a form in whatever state."""
    context: dict[str, Any] = {
        "form": form,
        "definition": defined,
        "verdict": verdict(defined),
        "presets": presets().values(),
        "chosen": preset.name if preset else "",
        "chips": names(),
        "check_on": request.POST.get("check_on", ""),
        "source": request.POST.get("source", "fields"),
        "known": offer(request.user, {name: form[name].value() for name in ABOUT}, defined.spec),
    }
    context |= bound_form(definition.form(), defined.flat, defined.problems)
    return render(request, "web/new.html", context, status=status)


def sent(request: HttpRequest) -> Definition:
    """The definition in a sent form."""
    return definition.sent(request.POST)


def verdict(defined: Definition) -> str:
    """One line on what is defined so far."""
    if defined.spec is None:
        return f"Not complete: {len(defined.problems)} to change."
    return f"Complete. Digest {defined.spec.digest()}: equal definitions have equal digests."


def start(preset: Preset | None, mine: list[tuple[str, str]]) -> dict[str, Any]:
    """What a fresh form holds."""
    name, team = preset.title if preset else "", mine[0][0] if mine else ""
    return {"key": uuid.uuid4(), "name": name, "team": team}


def chosen(name: str) -> Preset | None:
    """The preset of that name, else any."""
    every = presets()
    return every.get(name) or next(iter(every.values()), None)


def of_experiment(request: HttpRequest) -> str:
    """The first definition of the experiment that was named as a start."""
    named = whole(request.GET.get("experiment", ""))
    if named is None:
        raise Http404
    runs = queries.runs(request.user, or_404(queries.experiment, request.user, named))
    return definition.toml_of(runs.earliest("id").definition)


def my_teams(request: HttpRequest) -> list[tuple[str, str]]:
    """The teams in whose name this user may queue experiments."""
    return [(team.slug, team.name) for team in teams.teams_of(request.user, "write")]
