"""The pages of chips: what is known of each, and whether the network of a definition fits."""

from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.views.decorators.http import require_POST, require_safe

from hardware.profile import KEYS, Profile, load, names
from hardware.words import COLUMNS, cell, said, source, unknown
from snnlab.learning.errors import TrainingError
from snnlab.web.cores import picture
from snnlab.web.definition import Definition, by_place, sent


if TYPE_CHECKING:
    from snnlab.learning.spec import Spec


SECTIONS = {
    "limits": "Limits",
    "neuron": "Neurons",
    "formats": "Numbers",
    "learning": "Learning",
    "spread": "Spread between devices",
    "energy": "Energy",
    "time": "Time",
}


class Known(NamedTuple):
    """One fact as a page shows it; without evidence it is unknown."""

    key: str
    meaning: str
    value: str = "unknown"
    evidence: str = ""
    how: str = "not published"
    source: str = ""


@require_safe
def chips(request: HttpRequest) -> HttpResponse:
    """All chips, side by side."""
    rows = [
        (profile, [cell(profile, key) for key in COLUMNS.values()])
        for profile in map(load, names())
    ]
    return render(request, "web/chips.html", {"columns": list(COLUMNS), "rows": rows})


@require_safe
def chip(request: HttpRequest, name: str) -> HttpResponse:
    """All that is known of one chip, and all that is not."""
    if name not in names():
        raise Http404
    profile = load(name)
    missing = len(unknown(profile))
    context = {"chip": profile, "sections": sections(profile), "missing": missing}
    context["unverified"] = sum(not fact.verified for fact in profile.facts.values())
    return render(request, "web/chip.html", context)


def sections(profile: Profile) -> list[tuple[str, list[Known]]]:
    """Every fact that there could be, by its theme."""
    return [
        (title, [known(profile, key) for key in KEYS if key.startswith(f"{section}.")])
        for section, title in SECTIONS.items()
    ]


def known(profile: Profile, key: str) -> Known:
    fact, name, meaning = profile.facts.get(key), key.partition(".")[2], KEYS[key][2]
    if fact is None:
        return Known(name, meaning)
    return Known(name, meaning, said(fact), fact.evidence, *source(profile, fact))


@require_POST
def check(request: HttpRequest) -> JsonResponse:
    """Whether the network of the definition in the form fits onto a chip; nothing is stored."""
    answer = tried(sent(request.POST), request.POST.get("check_on", ""))
    html = render_to_string("web/chips/answer.html", answer, request)
    return JsonResponse({"html": html, "problems": answer.get("problems", {})})


def tried(defined: Definition, wanted: str) -> dict[str, Any]:
    """What the panel shows: a chip's answer, or in words why there is none."""
    spec = defined.spec
    if spec is None:
        return {"words": "The definition is not complete yet."}
    name = wanted or getattr(spec.chip, "profile", "")
    if name not in names():
        return {"words": "The definition names no chip: choose one."}
    return asked(spec, name)


@lru_cache(32)
def asked(spec: "Spec", name: str) -> dict[str, Any]:
    """A chip's answer; a form is looked at many times while it is filled in."""
    from snnlab.learning.landing import land, too_large  # here, because it takes PyTorch along

    if too_large(spec):
        return {"words": "The network is too large to be tried here: snnlab chip check does it."}
    try:
        (landing,) = land(spec, [name])
    except TrainingError as error:
        return {"words": str(error), "problems": {"network.kind": str(error)}, "bad": True}
    drawn = picture(landing.cores) if landing.fits else None
    return {"landing": landing, "map": drawn, "problems": by_place(landing.refusals)}
