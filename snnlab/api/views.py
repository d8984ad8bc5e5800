"""What can be asked for. Each view starts from what the token's user may see."""

import re
from collections.abc import Callable
from dataclasses import asdict
from typing import Any
from urllib.parse import urlencode

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest
from ninja import Query, Status

from snnlab.api import shapes
from snnlab.api.asked import BODY, read
from snnlab.api.door import api
from snnlab.experiments import actions, queries, queries_api, queries_runs
from snnlab.experiments.queries_chips import per_chip
from snnlab.experiments.queries_runs import Asked
from snnlab.experiments.search.words import SearchError
from snnlab.learning.problems import MISSING, Problem, SpecError
from snnlab.teams import queries as teams


LARGEST = 2**63 - 1
PLACE = re.compile(r"([^\x00:]+):([0-9]{1,19})")
BEFORE = Query(None, ge=1, le=LARGEST, description="only what has a smaller number")
LIMIT = Query(50, ge=1, le=500, description="how many at most")
ERRORS = dict.fromkeys((400, 401, 403, 404, 409, 413, 422), shapes.Problem)


@api.post(
    "/v1/experiments", response={201: shapes.Experiment, **ERRORS}, openapi_extra=BODY,
    tags=["experiments"],
)  # fmt: skip
def submit(request: HttpRequest) -> Any:
    """Queue an experiment: one run for each spec and seed. The same key queues it once."""
    asked = read(request)
    specs, team = asked.definitions(), team_of(request, asked.team)
    made = actions.submit(
        team=team,
        actor=request.user.get_username(),
        name=asked.name,
        specs=specs,
        seeds=asked.seeds,
        notes=asked.notes,
        tags=asked.tags,
        key=asked.key,
        ask=actions.Ask(pool=asked.pool, labels=asked.labels, priority=asked.priority),
    )
    return Status(201, experiment_of(queries.experiment(request.user, made.pk)))


@api.get(
    "/v1/experiments", response={200: shapes.Page[shapes.Experiment], **ERRORS},
    tags=["experiments"],
)  # fmt: skip
def experiments(
    request: HttpRequest,
    before: int | None = BEFORE,
    limit: int = LIMIT,
    search: str = Query("", max_length=200, description="in the name, or a tag"),
) -> Any:
    """Experiments of your teams, newest first."""
    wanted = search.replace("\x00", "")
    found = queries_api.older(queries.experiments(request.user, wanted), before, limit)
    items = [experiment_of(one) for one in found]
    return page(request, items, limit, search=wanted)


@api.get("/v1/experiments/{pk}", response={200: shapes.Experiment, **ERRORS}, tags=["experiments"])
def experiment(request: HttpRequest, pk: int) -> Any:
    """One experiment."""
    return experiment_of(queries.experiment(request.user, pk))


@api.get("/v1/runs", response={200: shapes.Page[shapes.Run], **ERRORS}, tags=["runs"])
def runs(
    request: HttpRequest,
    experiment: int | None = Query(None, ge=1, le=LARGEST, description="of this experiment"),
    state: str = Query("", pattern="^[a-z]{0,10}$", description="in this state"),
    search: str = Query("", max_length=2000, description="as docs/search.md says"),
    before: int | None = BEFORE,
    limit: int = LIMIT,
) -> Any:
    """Runs of your teams, newest first; with a search, those that it finds."""
    if search and experiment is None and not state:
        return searched(request, search.replace("\x00", " "), before, limit)
    if search:
        way_out = "Say it in the search: experiment = 1 and state = queued"
        raise SpecError([Problem("search", "stands alone", search, way_out)])
    parent = None if experiment is None else queries.experiment(request.user, experiment)
    found = queries_api.older(queries.runs(request.user, parent, state), before, limit)
    return page(request, [run_of(one) for one in found], limit, experiment=experiment, state=state)


def searched(request: HttpRequest, text: str, before: int | None, limit: int) -> dict[str, Any]:
    """Raises SpecError for a search that cannot be read."""
    try:
        found = queries_runs.page(request.user, Asked(text, after=before, size=limit))
    except SearchError as error:
        problem = Problem("search", f"must be a search: {error}", text, "See docs/search.md")
        raise SpecError([problem]) from error
    items = [run_of(one) for one in found.runs]
    return {"items": items, "next": address(request, before=found.after, limit=limit, search=text)}


@api.get("/v1/runs/{pk}", response={200: shapes.WholeRun, **ERRORS}, tags=["runs"])
def run(request: HttpRequest, pk: int) -> Any:
    """One run: its state, its definition, its latest numbers."""
    found = queries.run(request.user, pk)
    return run_of(found) | {
        "definition": found.definition,
        "results": found.results,
        "weights_sha256": queries.weights(found.pk) or None,
        "chips": per_chip(found.pk),
    }


@api.get(
    "/v1/runs/{pk}/measurements", response={200: shapes.Page[shapes.Measurement], **ERRORS},
    tags=["runs"],
)  # fmt: skip
def measurements(
    request: HttpRequest,
    pk: int,
    metric: str = Query("", max_length=60, description="this metric alone"),
    after: str = Query("", max_length=90, description="as `next` has it: metric:step"),
    limit: int = Query(1000, ge=1, le=5000),
) -> Any:
    """Every number of a run, by metric and step."""
    found = queries.run(request.user, pk)
    seen = queries_api.measurements(found.pk, metric.replace("\x00", ""), place(after), limit)
    items = [{"metric": m.metric, "step": m.step, "value": m.value} for m in seen]
    more = f"{seen[-1].metric}:{seen[-1].step}" if len(seen) == limit else None
    return {"items": items, "next": address(request, after=more, metric=metric, limit=limit)}


@api.get("/v1/runs/{pk}/events", response={200: shapes.Page[shapes.Event], **ERRORS}, tags=["runs"])
def events(
    request: HttpRequest,
    pk: int,
    after: int = Query(0, ge=0, le=2**31 - 1, description="number of an event"),
    limit: int = LIMIT,
) -> Any:
    """What happened to a run, oldest first."""
    found = queries.run(request.user, pk)
    seen = queries_api.events(found.pk, after, limit)
    fields = list(shapes.Event.model_fields)
    items = [{name: getattr(event, name) for name in fields} for event in seen]
    more = seen[-1].seq if len(seen) == limit else None
    return {"items": items, "next": address(request, after=more, limit=limit)}


@api.post("/v1/runs/{pk}/cancel", response={200: shapes.State, **ERRORS}, tags=["runs"])
def cancel(request: HttpRequest, pk: int) -> Any:
    """Stop a run: at once if it waits, at its next step if it runs."""
    return changed(request, pk, actions.cancel)


@api.post("/v1/runs/{pk}/retry", response={200: shapes.State, **ERRORS}, tags=["runs"])
def retry(request: HttpRequest, pk: int) -> Any:
    """Queue a failed or cancelled run again."""
    return changed(request, pk, actions.retry)


@api.get("/v1/boards/{name}", response={200: shapes.Standings, **ERRORS}, tags=["boards"])
def board(
    request: HttpRequest,
    name: str,
    number: int = Query(1, ge=1, le=10_000, alias="page"),
    limit: int = LIMIT,
) -> Any:
    """A leaderboard as your teams see it, measured beside published."""
    if name not in queries.boards(request.user):
        raise Http404
    wanted = queries.Wanted(name, page=number, size=limit)
    found = queries.standings(queries.teams_of(request.user), wanted)
    more = number + 1 if number * limit < found.total else None
    return {
        "rows": [asdict(row) for row in found.rows],
        "total": found.total,
        "next": address(request, page=more, limit=limit),
    }


def team_of(request: HttpRequest, slug: str | None) -> Any:
    """The team of that name in which the user may queue, or the only one. Raises SpecError."""
    mine = {team.slug: team for team in teams.teams_of(request.user, "write")}
    if slug is None and len(mine) == 1:
        return next(iter(mine.values()))
    if slug not in mine:
        value = MISSING if slug is None else slug
        way_out = f"Choose of {', '.join(mine)}" if mine else "Ask an owner of a team"
        rule = "must be a team in which you may queue"
        raise SpecError([Problem("team", rule, value, way_out)])
    return mine[slug]


def changed(request: HttpRequest, pk: int, action: Callable[[int, str], str]) -> dict[str, str]:
    found = queries.run(request.user, pk)
    if not teams.may(request.user, found.experiment.team, "write"):
        raise PermissionDenied
    return {"state": action(found.pk, request.user.get_username())}


def experiment_of(found: Any) -> dict[str, Any]:
    names = ("id", "name", "actor", "notes", "tags", "created_at", "ended", "best")
    fields = {name: getattr(found, name) for name in names}
    return fields | {
        "team": found.team.slug, "runs": found.run_count, "failed": found.failures
    }  # fmt: skip


def run_of(found: Any) -> dict[str, Any]:
    names = [name for name in shapes.Run.model_fields if name != "experiment"]
    fields = {name: getattr(found, name) for name in names}
    return fields | {"experiment": found.experiment_id}


def page(
    request: HttpRequest, items: list[dict[str, Any]], limit: int, **kept: Any
) -> dict[str, Any]:
    """What was found, and where more is."""
    more = items[-1]["id"] if len(items) == limit else None
    return {"items": items, "next": address(request, before=more, limit=limit, **kept)}


def address(request: HttpRequest, **query: Any) -> str | None:
    """The address of the next page; nothing if its first field says that there is none."""
    if next(iter(query.values())) is None:
        return None
    said = {name: value for name, value in query.items() if value not in (None, "")}
    return f"{request.path}?{urlencode(said)}"


def place(after: str) -> tuple[str, int] | None:
    """Where a list of measurements goes on. Raises SpecError."""
    if not after:
        return None
    found = PLACE.fullmatch(after)
    if not found or int(found[2]) > LARGEST:
        raise SpecError([Problem("after", "must be metric:step", after, "Take it from `next`")])
    return found[1], int(found[2])
