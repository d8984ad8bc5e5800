"""The list of runs that a search finds; all of its state is in its address."""

from collections.abc import Callable
from typing import Any, NamedTuple

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.utils.html import format_html, format_html_join
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from snnlab.experiments import queries_runs
from snnlab.experiments.actions_bulk import MOST
from snnlab.experiments.asking import whole
from snnlab.experiments.queries_runs import MOST_COUNTED, SORTS, Asked
from snnlab.experiments.search.fields import FIELDS, PARTS
from snnlab.experiments.search.words import SearchError
from snnlab.learning.metrics import METRICS
from snnlab.teams.queries import teams_of
from snnlab.web.numbers import LABELS, number


USUAL = ("seed", "rule", "network", "accuracy", "tags", "author", "created")
OFFERED = (
    *("seed", "team", "digest", "dataset", "rule", "network", "neuron", "time_steps", "epochs"),
    *("optimizer.lr", "chip", "accuracy", "energy", "synops", "firing_rate", "parameters"),
    *("tags", "author", "created", "finished", "reason"),
)
MOST_COLUMNS = 20
EXAMPLES = (
    "state = running",
    "accuracy > 0.99 and rule = ltl-offline",
    "state = failed and finished > 7d",
    "tag = paper",
    "starred",
)


class Column(NamedTuple):
    """A column of the list: how it is called, sorted, and what stands in it."""

    name: str
    title: str
    sort: str
    cell: Callable[[Any], str]
    numeric: bool


@require_safe
@never_cache
def runs(request: HttpRequest) -> HttpResponse:
    """The runs that a search finds."""
    asked, shown = asked_by(request.GET), columns(request.GET)
    context = {"asked": asked, "columns": heads(shown, asked, request.GET), **beside(request)}
    try:
        page = queries_runs.page(request.user, asked, counted=asked.after is None)
    except SearchError as error:
        return render(request, "web/runs.html", context | {"error": error}, status=422)
    context |= {
        "rows": [(run, [(c.cell(run), c.numeric) for c in shown]) for run in page.runs],
        "after": page.after and address(request.GET, after=str(page.after)),
        "first": address(request.GET, after="") if asked.after else "",
        "total": told(page.total),
        "all": page.total is None or len(page.runs) < page.total <= MOST,
    }
    return render(request, "web/runs.html", context)


def told(total: int | None) -> str:
    """How many there are, in words; nothing where it was not counted."""
    if total is None:
        return ""
    return f"more than {MOST_COUNTED:,}" if total > MOST_COUNTED else f"{total:,}"


def beside(request: HttpRequest) -> dict[str, Any]:
    """What stands around the list, whatever it shows."""
    chosen = [column.name for column in columns(request.GET)]
    return {
        "address": address(request.GET, after=""),
        "offered": [(name, name in chosen) for name in OFFERED],
        "others": ", ".join(name for name in chosen if name not in OFFERED),
        "saved": queries_runs.saved(request.user),
        "teams": teams_of(request.user, "write"),
        "examples": EXAMPLES,
        "fields": [*FIELDS.values()],
    }


def asked_by(given: QueryDict) -> Asked:
    """The search, order and place that an address names; what it gets wrong is the usual."""
    sort = given.get("sort", "-run")
    return Asked(
        text=given.get("q", "").strip(),
        sort=sort if sort.removeprefix("-") in SORTS else "-run",
        after=whole(given.get("after", "")),
    )


def address(given: QueryDict, **changed: str) -> str:
    """The same view with some of it changed; what is empty is left out."""
    kept = QueryDict(mutable=True)
    for name in ("q", "sort", "after", "col"):
        values = [changed[name]] if name in changed else given.getlist(name)
        kept.setlist(name, [value for value in values if value])
    return kept.urlencode()


def columns(given: QueryDict) -> list[Column]:
    """The chosen columns, in their order; names may stand in one value with commas between."""
    said = [name.strip() for value in given.getlist("col") for name in value[:1000].split(",")]
    known = [name for name in dict.fromkeys(said) if known_column(name)]
    return [column(name) for name in (known or USUAL)[:MOST_COLUMNS]]


def known_column(name: str) -> bool:
    first = name.removeprefix("metric.").partition("/")[0]
    return name in OFFERED or first in METRICS or name.partition(".")[0] in PARTS


def column(name: str) -> Column:
    if name in OWN:
        title, cell = OWN[name]
        sort = name if name in SORTS else "run" if name == "created" else ""
        return Column(name, title, sort, cell, name in ("seed", "accuracy"))
    base = name.removeprefix("metric.")
    if base.partition("/")[0] in METRICS:
        known = METRICS[base.partition("/")[0]]
        title = LABELS.get(base, base.replace("_", " ").capitalize())
        unit = format_html('{} <span class="unit">{}</span>', title, known.unit)
        return Column(name, unit, base if base in SORTS else "", lambda run: measured(run, base),
                      numeric=True)  # fmt: skip
    return Column(name, name, "", lambda run: defined(run, name), numeric=False)


def heads(shown: list[Column], asked: Asked, given: QueryDict) -> list[dict[str, Any]]:
    """The columns' heads, each with the address that sorts by it, or turns its order."""
    found = []
    for one in shown:
        way = {one.sort: "ascending", f"-{one.sort}": "descending"}.get(asked.sort, "none")
        turned = one.sort if way == "descending" else f"-{one.sort}"
        link = address(given, sort=turned, after="") if one.sort else ""
        found.append({"column": one, "link": link, "way": way})
    return found


def measured(run: Any, metric: str) -> str:
    value = run.results.get(metric)
    return number(value) if isinstance(value, int | float) else "–"


def defined(run: Any, path: str) -> str:
    """What stands in the definition at a path; of a part, its kind."""
    value = run.definition
    for key in path.split("."):
        value = value.get(key) if isinstance(value, dict) else None
    if isinstance(value, dict):
        value = value.get("kind", "{…}")
    return "–" if value is None else str(value)[:100]


def moment(value: Any) -> str:
    return f"{value:%Y-%m-%d %H:%M}" if value else "–"


def tags(run: Any) -> str:
    badge = '<span class="badge tag">{}</span>'
    return format_html_join(" ", badge, ((tag,) for tag in run.tags))


OWN: dict[str, tuple[str, Callable[[Any], str]]] = {
    "seed": ("Seed", lambda run: str(run.seed)),
    "team": ("Team", lambda run: str(run.experiment.team)),
    "digest": ("Definition", lambda run: run.digest),
    "accuracy": (
        format_html('Test accuracy <span class="unit">{}</span>', "%"),
        lambda run: number(run.score),
    ),
    "tags": ("Tags", tags),
    "author": ("By", lambda run: run.experiment.actor),
    "created": ("Queued", lambda run: moment(run.created_at)),
    "finished": ("Ended", lambda run: moment(run.finished_at)),
    "reason": ("Reason", lambda run: run.reason or "–"),
}
