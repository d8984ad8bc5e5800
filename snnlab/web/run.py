"""What a run's page shows, at first and again every two seconds."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from django.template.loader import render_to_string

from snnlab.experiments import queries, queries_queue
from snnlab.experiments.queries_chips import per_chip
from snnlab.learning.problems import SpecError
from snnlab.learning.spec import Spec
from snnlab.teams import queries as teams
from snnlab.web.definition import toml_of
from snnlab.web.deployed import deployed
from snnlab.web.gradients import heat_maps
from snnlab.web.numbers import number, position, row, told
from snnlab.web.robustness import flaws


Action = Callable[[int, str], str]
PIECES = ("status", "buttons", "metrics", "epochs", "events", "gradients", "robustness", "chips")
PER_EPOCH = ("loss", "validation_loss", "accuracy", "seconds")
PER_LAYER = ("firing_rate", "gradient_norm")
CHARTS = ("loss", "validation_loss", "test_loss", "accuracy", "test_accuracy", "seconds")


def context(run: Any, user: Any) -> dict[str, Any]:
    """Everything on the page."""
    curves = queries.curves(run.pk)
    last = {name: points[-1][1] for name, points in curves.items() if points}
    return {
        "run": run,
        "terminal": run.terminal,
        "may_write": teams.may(user, run.experiment.team, "write"),
        "progress": progress(run, curves),
        "wait": queries_queue.waits(user, run.pk) if run.state in ("held", "queued") else None,
        "rows": [row(n, told(n, last[n])) for n in sorted(last, key=position) if "/" not in n],
        "layers": by_layer(last),
        "epochs": epochs(curves),
        "task": kind_of_task(run.definition),
        "heat_maps": heat_maps(run.definition, curves),
        "flaws": flaws(run.definition, curves),
        "deployed": deployed(run.definition, curves, chips_of(run)),
        "curves": {name: curves[name] for name in CHARTS if name in curves},
        "log": "\n".join(queries.log_tail(run.pk)),
        "events": queries.events(run.pk),
        "attempts": queries.attempts(run.pk),
        "toml": toml_of(run.definition),
    }


def by_layer(last: dict[str, float | None]) -> list[tuple[str, list[str]]]:
    """The last firing rate and gradient of each layer, for a table."""
    split = (name.partition("/") for name in last)
    names = [layer for metric, slash, layer in split if slash and metric in PER_LAYER]
    found = dict.fromkeys(names)
    return [(n, [number(last.get(f"{m}/{n}")) for m in PER_LAYER]) for n in found]


def chips_of(run: Any) -> dict[str, list[list[float]]]:
    """The accuracy of each chip, for a run that has some."""
    return per_chip(run.pk) if run.definition.get("chip", {}).get("kind") == "emulated" else {}


def pieces(run: Any, request: HttpRequest) -> dict[str, Any]:
    """What may have changed since the page was loaded."""
    now = context(run, request.user)
    return {
        "state": run.state,
        "terminal": now["terminal"],
        "curves": now["curves"],
        "batches": run.progress.get("batches"),
        "log": now["log"],
        "pieces": {p: render_to_string(f"web/run/{p}.html", now, request) for p in PIECES},
    }


def progress(run: Any, curves: dict[str, queries.Points]) -> dict[str, Any]:
    """Where the training is: as its worker said last, or as its newest measurement tells."""
    said, epochs = run.progress, checkpoints(run.definition)
    done = max((points[-1][0] for points in curves.values() if points), default=0)
    if epochs and done >= said.get("epoch", 0):
        return {"epoch": min(done + 1, epochs), "epochs": epochs, "share": done / epochs}
    return said | {"share": share(said)}


def share(said: dict[str, Any]) -> float | None:
    """How much of the training is done, 0..1, as far as the worker has said."""
    epochs, batches = said.get("epochs"), said.get("batches")
    if not epochs or not batches:
        return None
    done = (said.get("epoch", 1) - 1 + said.get("batch", 0) / batches) / epochs
    return min(1.0, max(0.0, done))


def epochs(curves: dict[str, queries.Points]) -> list[tuple[int, list[str]]]:
    """The numbers behind the charts, an epoch a line."""
    columns = [dict(curves.get(name, [])) for name in PER_EPOCH]
    steps = sorted({step for column in columns for step in column})
    return [(step, [number(column.get(step)) for column in columns]) for step in steps]


def kind_of_task(definition: dict[str, Any]) -> str:
    return str(definition.get("task", {}).get("kind", "train"))


def checkpoints(definition: dict[str, Any]) -> int:
    """How many checkpoints there are until the run's end; 0 where this version cannot tell."""
    try:
        spec = Spec.parse(definition)
    except SpecError:
        return 0
    return spec.task.checkpoints(spec)
