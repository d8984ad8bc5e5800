"""What a comparison shows is said by its address, and by nothing else.

Whatever an address says wrongly is left out, so an old link still opens the page.
"""

from collections.abc import Collection
from typing import Any, NamedTuple

from django.http import QueryDict

from snnlab.boards.compared import Group, differing, fields_of, grouped
from snnlab.boards.state import clean
from snnlab.experiments import comparing
from snnlab.experiments.asking import whole
from snnlab.experiments.comparing import AXES, MOST, Asked, Compared
from snnlab.learning.metrics import METRICS


CURVES = ("accuracy", "validation_loss", "loss", "test_accuracy")
RESULTS = ("test_accuracy", "accuracy", "validation_loss", "loss")
WHOLE_GROUPS = ("definition", "experiment", "seed", "run")


class View(NamedTuple):
    """What an address asks for, completed by what there is."""

    runs: list[Compared]
    total: int
    missing: int
    metrics: list[str]
    results: list[str]
    fields: list[str]
    differ: list[str]
    groups: list[Group]
    metric: str
    axis: str
    log: bool
    each: bool
    group: str
    score: str
    across: str
    up: str
    base: str


def asked(query: QueryDict) -> Asked:
    """The runs that an address names: `runs=1,2` as well as `runs=1&runs=2`."""
    given = ",".join(query.getlist("runs")).split(",")
    numbers = [run for run in map(whole, given[: 10 * MOST]) if run is not None]
    return Asked(
        tuple(dict.fromkeys(numbers)),
        whole(query.get("experiment", "")),
        whole(query.get("sweep", "")),
    )


def read(teams: Collection[int], query: QueryDict) -> View:
    """The view; what is missing, or not there, is the first that is."""
    wanted = asked(query)
    runs, total = comparing.compared(teams, wanted)
    several = wanted.experiment is not None or wanted.sweep is not None
    metrics = comparing.metrics(runs)
    results = sorted({n for r in runs for n, v in r.results.items() if v is not None})
    fields = fields_of(runs)
    differ = differing(runs)
    group = first(clean(query.get("group", "")), [*WHOLE_GROUPS, *fields])
    groups = grouped(runs, group, differ)
    score = first(clean(query.get("score", "")), results, RESULTS)
    axes = [*results, *fields]
    return View(
        runs=runs,
        total=total,
        missing=0 if several else max(0, len(wanted.runs) - total),
        metrics=metrics,
        results=results,
        fields=fields,
        differ=differ,
        groups=groups,
        metric=first(clean(query.get("metric", "")), metrics, CURVES),
        axis=first(query.get("x", ""), list(AXES)),
        log=query.get("y") == "log",
        each=query.get("each") == "1",
        group=group,
        score=score,
        across=first(clean(query.get("across", "")), axes, [*differ, "energy", "seconds"]),
        up=first(clean(query.get("up", "")), axes, [score]),
        base=first(clean(query.get("base", "")), [group.name for group in groups]),
    )


def first(asked: str, known: list[str], preferred: Collection[str] = ()) -> str:
    """What is asked for if it is known, else the first preferred one, else the first of all."""
    if asked in known:
        return asked
    return next((name for name in preferred if name in known), next(iter(known), ""))


def titled(name: str) -> str:
    """A metric with its unit; a field as it is."""
    known = METRICS.get(name.partition("/")[0])
    return f"{name} [{known.unit}]" if known and known.unit else name


def choices(names: list[str], chosen: str) -> list[tuple[str, str, bool]]:
    """What a select offers: (value, words, whether it is chosen)."""
    return [(name, titled(name), name == chosen) for name in names]


def form(view: View, query: QueryDict) -> dict[str, Any]:
    """What the page's form offers; the runs themselves go along as they were asked for."""
    others = [name for name in view.fields if name not in view.differ]
    return {
        "kept": [(n, v) for n in ("runs", "experiment", "sweep") for v in query.getlist(n)],
        "metric": choices(view.metrics, view.metric),
        "score": choices(view.results, view.score),
        "axis": [(name, AXIS[name], name == view.axis) for name in AXES],
        "whole": [(name, name, name == view.group) for name in WHOLE_GROUPS],
        "differ": [(name, name, name == view.group) for name in view.differ],
        "others": [(name, name, name == view.group) for name in others],
        "across": choices([*view.results, *view.fields], view.across),
        "up": choices([*view.results, *view.fields], view.up),
        "base": [(group.name, group.name, group.name == view.base) for group in view.groups],
    }


AXIS = {"epoch": "epochs", "updates": "steps (updates of the weights)", "time": "training time [s]"}
