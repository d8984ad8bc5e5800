"""The parts of a run's page that are fetched when they are looked at, and what it offers to keep.

Every view asks first whether the run may be seen: of another team nothing is there.
"""

from collections.abc import Iterator
from typing import Any, TypeVar

import numpy as np
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, JsonResponse
from django.http import StreamingHttpResponse as Stream
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from snnlab.experiments import artifacts, queries, queries_run
from snnlab.web.access import or_404
from snnlab.web.definition import toml_of
from snnlab.web.inside import inside
from snnlab.web.mistakes import mistakes
from snnlab.web.origin import origin
from snnlab.web.strokes import strokes


BY_LAYER = ("firing_rate", "gradient_norm")
POINTS = 400  # of a layer's curve

A = TypeVar("A", bound=HttpResponseBase)


@require_safe
@never_cache
def layers(request: HttpRequest, pk: int) -> JsonResponse:
    """The curves of each layer, by their metric and layer."""
    run = or_404(queries.run, request.user, pk)
    found = queries.curves_of_layers(run.pk, BY_LAYER, POINTS)
    return JsonResponse({"run": run.pk, "curves": found})


@require_safe
@never_cache
def panel(request: HttpRequest, pk: int, name: str) -> HttpResponse:
    """One part of the page as HTML."""
    if name not in PANELS:
        raise Http404
    run = or_404(queries.run, request.user, pk)
    return render(request, f"web/run/{name}.html", {"run": run} | PANELS[name](request, run))


def tests(request: HttpRequest, run: Any) -> dict[str, Any]:
    portrait = queries_run.portrait(run.pk)
    return mistakes(portrait) if portrait and "wrong/images" in portrait else {}


def network(request: HttpRequest, run: Any) -> dict[str, Any]:
    portrait = queries_run.portrait(run.pk)
    return inside(portrait) if portrait else {}


def machine(request: HttpRequest, run: Any) -> dict[str, Any]:
    """What the trainer used of its machine."""
    used = queries_run.usage(run.pk)
    kinds = (
        ("CPU [% of one core]", "cpu"),
        ("Memory [MB]", "memory"),
        ("GPU [%]", "gpu"),
        ("Memory of the GPU [MB]", "gpu_memory"),
    )
    found = []
    for title, field in kinds:
        points = [(each.seconds, getattr(each, field)) for each in used]
        values = [value for _, value in points if value is not None]
        if values:
            mean = sum(values) / len(values)
            found.append((title, strokes([(title, points)]), mean, max(values), values[-1]))
    return {"charts": found, "looks": len(used)}


PANELS = {"tests": tests, "network": network, "machine": machine, "origin": origin}


# --- to keep ----------------------------------------------------------------------------------


@require_safe
def definition(request: HttpRequest, pk: int) -> HttpResponse:
    """The definition as a file, which any snnlab runs."""
    run = or_404(queries.run, request.user, pk)
    return attached(HttpResponse(toml_of(run.definition)), f"run-{pk}.toml", "text/plain")


@require_safe
@never_cache
def log(request: HttpRequest, pk: int) -> Stream:
    """All that the run printed."""
    run = or_404(queries.run, request.user, pk)
    pieces: Iterator[bytes] = (text.encode() for text in queries_run.log(run.pk))
    return attached(Stream(pieces), f"run-{pk}.log", "text/plain")


@require_safe
def checkpoint(request: HttpRequest, pk: int, step: int) -> FileResponse:
    """A checkpoint's file: safetensors, of which nothing is ever executed."""
    run = or_404(queries.run, request.user, pk)
    stored = queries_run.checkpoints(run.pk).filter(step=step).first()
    path = artifacts.path_of(stored.artifact_id) if stored else None
    if path is None or not path.is_file():
        raise Http404
    name = f"run-{pk}-epoch-{step}.safetensors"
    return attached(FileResponse(path.open("rb")), name, "application/octet-stream")


@require_safe
@never_cache
def portrait(request: HttpRequest, pk: int) -> HttpResponse:
    """What the panels of the network and its mistakes show, as JSON."""
    run = or_404(queries.run, request.user, pk)
    found = queries_run.portrait(run.pk)
    if found is None:
        raise Http404
    answer = JsonResponse({name: plain(value) for name, value in sorted(found.items())})
    return attached(answer, f"run-{pk}-portrait.json", "application/json")


def plain(value: Any) -> Any:
    """A tensor as JSON can hold it: null for what is no finite number."""
    if value.dtype.kind != "f":
        return value.tolist()
    return np.where(np.isfinite(value), value.astype(object), None).tolist()


def attached(answer: A, name: str, kind: str) -> A:
    """The answer as a file to keep: a browser does not show, let alone run, what is in it."""
    answer.headers["Content-Type"] = f"{kind}; charset=utf-8" if kind[:4] == "text" else kind
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    answer.headers["X-Content-Type-Options"] = "nosniff"
    return answer
