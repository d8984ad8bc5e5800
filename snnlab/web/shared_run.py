"""A run behind a link: its state, curves, results and definition, read only, without a script."""

from collections.abc import Mapping
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.safestring import mark_safe
from django.views.decorators.http import require_safe

from snnlab.drawing.figure import draw
from snnlab.drawing.png import png
from snnlab.drawing.scene import INHERITED, LIGHT, Scene, Theme
from snnlab.drawing.svg import svg
from snnlab.experiments import queries
from snnlab.experiments.queries_shares import Share, allowed_run
from snnlab.web.definition import toml_of
from snnlab.web.deployed import deployed
from snnlab.web.gradients import heat_maps
from snnlab.web.numbers import position, row, told
from snnlab.web.robustness import flaws
from snnlab.web.run import by_layer, chips_of, epochs, kind_of_task


LINES = {  # as on the run's own page
    "loss": ("loss", "training", "#2f87d0", "solid", "circle"),
    "validation_loss": ("loss", "validation", "#d98200", "dash", "square"),
    "test_loss": ("loss", "test", "#0f9d75", "dot", "star"),
    "accuracy": ("accuracy", "validation", "#d98200", "dash", "square"),
    "test_accuracy": ("accuracy", "test", "#0f9d75", "dot", "star"),
}
PLOTS = {"loss": "Loss [nats]", "accuracy": "Accuracy [%]"}


def shared(request: HttpRequest) -> tuple[Share, Any]:
    """The link and its run."""
    share = getattr(request, "share", None)
    if share is None or share.kind != Share.Kind.RUN:
        raise Http404
    return share, allowed_run(share)


@login_not_required
@require_safe
def page(request: HttpRequest, **_: Any) -> HttpResponse:
    """The run, signed out."""
    share, run = shared(request)
    curves = queries.curves(run.pk)
    last = {name: points[-1][1] for name, points in curves.items() if points}
    context = {
        "run": run,
        "task": kind_of_task(run.definition),
        "rows": [row(n, told(n, last[n])) for n in sorted(last, key=position) if "/" not in n],
        "layers": by_layer(last),
        "epochs": epochs(curves),
        "heat_maps": heat_maps(run.definition, curves),
        "flaws": flaws(run.definition, curves),
        "deployed": deployed(run.definition, curves, chips_of(run)),
        "plots": [(PLOTS[name], inline(curves, name)) for name in PLOTS if drawn(curves, name)],
        "toml": toml_of(run.definition),
        "notes": run.experiment.notes if share.notes else "",
        "log": "\n".join(queries.log_tail(run.pk)) if share.log else "",
        "shared": share,
    }
    return render(request, "shared/run.html", context)


@login_not_required
@require_safe
def plot(request: HttpRequest, name: str, form: str, **_: Any) -> HttpResponse:
    """One of the curves as a picture."""
    share, run = shared(request)
    curves = queries.curves(run.pk, list(LINES))
    if name not in PLOTS or form not in ("svg", "png"):
        raise Http404
    return picture(scene(curves, name, title=f"{share.title}: {PLOTS[name]}"), form)


@login_not_required
@require_safe
def preview(request: HttpRequest, **_: Any) -> HttpResponse:
    """What other sites show beside the link."""
    share, run = shared(request)
    curves = queries.curves(run.pk, list(LINES))
    name = "accuracy" if drawn(curves, "accuracy") else "loss"
    return picture(scene(curves, name, 1200, 630, title=share.title[:90]), "png")


def picture(scene: Scene, form: str) -> HttpResponse:
    """A scene as an answer."""
    if form == "svg":
        return HttpResponse(svg(scene), content_type="image/svg+xml")
    return HttpResponse(png(scene), content_type="image/png")


def drawn(curves: Mapping[str, Any], plot: str) -> bool:
    return any(LINES[name][0] == plot for name in curves if name in LINES)


def inline(curves: Mapping[str, Any], plot: str) -> str:
    """A picture that takes the page's colours; all its text is escaped where it is made."""
    drawing = scene(curves, plot, 620, 320, theme=INHERITED)
    return mark_safe(svg(drawing._replace(title=f"{PLOTS[plot]} over epochs")))


def scene(
    curves: Mapping[str, Any],
    plot: str,
    width: int = 900,
    height: int = 480,
    *,
    title: str = "",
    theme: Theme = LIGHT,
) -> Scene:
    """The curves of one picture."""
    traces = [
        {
            "x": [step for step, _ in curves[metric]],
            "y": [value for _, value in curves[metric]],
            "name": name,
            "mode": "lines+markers" if len(curves[metric]) < 60 else "lines",
            "line": {"color": colour, "dash": dash, "width": 2},
            "marker": {"symbol": symbol, "size": 7},
        }
        for metric, (of, name, colour, dash, symbol) in LINES.items()
        if of == plot and metric in curves
    ]
    axes = {"xaxis": {"title": "Epoch", "rangemode": "tozero"}, "yaxis": {"title": PLOTS[plot]}}
    return draw({"data": traces, "layout": axes}, width, height, title=title, theme=theme)
