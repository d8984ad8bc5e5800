"""Every read of sweeps: what they are, how far they are, and what their points gave."""

import math
from datetime import timedelta
from functools import lru_cache
from typing import Any, NamedTuple

from django.db.models import QuerySet

from snnlab.experiments.models import Sweep
from snnlab.experiments.sql import rows
from snnlab.experiments.statistics import FEWEST, LEVEL, quantile
from snnlab.learning.plan import Objective, Plan
from snnlab.teams.models import User


# Runs that will never change by themselves.
ENDED = "('succeeded', 'failed', 'cancelled')"
MOST_SHOWN = 3000  # points that a chart can show


class Progress(NamedTuple):
    """How far a sweep is. `planned` counts runs, also those that are not made yet."""

    points: int
    planned: int
    made: int
    succeeded: int
    failed: int
    cancelled: int
    pruned: int
    live: int
    seconds: float
    mean_seconds: float | None

    @property
    def ended(self) -> int:
        return self.succeeded + self.failed + self.cancelled + self.pruned

    @property
    def share(self) -> float:
        """How much of it is done, 0..1."""
        return min(1.0, self.ended / self.planned) if self.planned else 1.0

    @property
    def eta(self) -> timedelta | None:
        """How long the rest takes, if runs go on as they did; None while nobody can tell."""
        left = max(0, self.planned - self.ended)
        if not self.mean_seconds or not self.live or not left:
            return None
        return timedelta(seconds=round(left * self.mean_seconds / min(self.live, left)))


class Score(NamedTuple):
    """An objective of one point over its seeds."""

    mean: float | None
    std: float | None
    n: int

    @property
    def half(self) -> float | None:
        """Half of the 95 % interval of the mean; None for so few seeds that it says nothing."""
        if self.std is None or self.n < FEWEST:
            return None
        return quantile(LEVEL, self.n - 1) * self.std / math.sqrt(self.n)


class PointRow(NamedTuple):
    """One point and what its runs gave; `scores` stand in the order of the objectives."""

    pk: int
    number: int
    values: dict[str, Any]
    state: str
    problem: str
    seeds: int
    ended: int
    pruned: int
    failed: int
    last_step: int
    seconds: float
    runs: list[int]
    scores: list[Score]
    memory: dict[str, Any]

    def score(self, objective: int = 0) -> float | None:
        return self.scores[objective].mean if objective < len(self.scores) else None


def sweeps(user: User) -> QuerySet[Sweep]:
    """Newest first, each with its experiment and team, in one query."""
    found = Sweep.objects.filter(experiment__team__memberships__user=user.pk)
    return found.select_related("experiment__team").order_by("-id")


def sweep(user: User, pk: int) -> Sweep:
    """Raises Sweep.DoesNotExist, also for one of another team."""
    return sweeps(user).get(pk=pk)


def plan(sweep: Sweep) -> Plan:
    """What the sweep does, but for its base."""
    return Plan.of(sweep.definition)


def progress(found: list[Sweep]) -> dict[int, Progress]:
    """How far each of these sweeps is, in one query."""
    counts = rows(
        f"""
        select s.id,
          (select count(*) from experiments_point where sweep_id = s.id) as points,
          (select coalesce(sum(cardinality(seeds)), 0) from experiments_point
            where sweep_id = s.id and problem = '') as asked,
          count(r.id) as made,
          count(*) filter (where r.state = 'succeeded') as succeeded,
          count(*) filter (where r.state = 'failed') as failed,
          count(*) filter (where r.state = 'cancelled' and r.reason <> 'pruned') as cancelled,
          count(*) filter (where r.state = 'cancelled' and r.reason = 'pruned') as pruned,
          count(*) filter (where r.state in ('running', 'cancelling')) as live,
          coalesce(sum(trained.seconds), 0)::float8 as seconds,
          (avg(trained.seconds) filter (where r.state in {ENDED}))::float8 as mean_seconds
        from experiments_sweep s
        left join experiments_run r
          on r.experiment_id = s.experiment_id and r.point_id is not null
        {TRAINED} where s.id = any(%(sweeps)s) group by s.id""",
        sweeps=[sweep.pk for sweep in found],
    )
    by_pk = {row.pop("id"): row for row in counts}
    return {sweep.pk: _progress(plan(sweep), by_pk[sweep.pk], sweep) for sweep in found}


# The time of a run's attempts; what it waited or was held between them is no training.
TRAINED = """left join lateral (
  select extract(epoch from sum(coalesce(ended_at, clock_timestamp()) - started_at)) as seconds
  from experiments_attempt where run_id = r.id) trained on true"""


def _progress(plan: Plan, row: dict[str, Any], sweep: Sweep) -> Progress:
    planned = row.pop("asked")
    if sweep.state == Sweep.State.OPEN:
        to_come = (
            plan.size() - row["points"] if plan.learns or sweep.expanded < sweep.version else 0
        )
        planned += max(0, to_come) * len(plan.seeds)
        planned = min(planned, plan.most_runs or planned)
    else:
        planned = min(planned, row["made"])
    return Progress(planned=planned, **row)


def points(
    sweep: Sweep, *, order: str = "", limit: int | None = None, offset: int = 0
) -> list[PointRow]:
    """The points of a sweep: the best first, or by number with order "number".

    Several objectives rank by the first one. Points without a score come last.
    """
    objectives = plan(sweep).objectives
    found = rows(
        f"""
        select p.id as pk, p.number, p.values::text::json as values, p.problem,
          cardinality(p.seeds) as seeds, p.memory::text::json as memory,
          count(r.id) as made, count(*) filter (where r.state in {ENDED}) as ended,
          count(*) filter (where r.state = 'succeeded') as good,
          count(*) filter (where r.state in ('running', 'cancelling')) as live,
          count(*) filter (where r.state = 'failed') as failed,
          count(*) filter (where r.state = 'cancelled' and r.reason = 'pruned') as pruned,
          coalesce(max(r.judged), 0) as last_step,
          coalesce(sum(trained.seconds), 0)::float8 as seconds,
          coalesce(array_agg(r.id order by r.seed) filter (where r.id is not null), '{{}}') as runs
          {"".join(_columns(number, objective) for number, objective in enumerate(objectives))}
        from experiments_point p left join experiments_run r on r.point_id = p.id {TRAINED}
        where p.sweep_id = %(sweep)s
        group by p.id
        order by {_order(objectives[0], order)} limit %(limit)s offset %(offset)s""",
        sweep=sweep.pk,
        limit=limit,
        offset=offset,
        **{f"metric{number}": objective.metric for number, objective in enumerate(objectives)},
    )
    return [_point(row, len(objectives)) for row in found]


def _columns(number: int, objective: Objective) -> str:
    """Mean, spread and count of an objective over the seeds that succeeded, or were pruned."""
    value = f"(r.results->>%(metric{number})s)::float8"
    good = "filter (where r.state = 'succeeded')"
    return f""",
      avg({value}) {good} as mean{number}, stddev_samp({value}) {good} as std{number},
      count({value}) {good} as n{number},
      avg({value}) filter (where r.reason = 'pruned') as cut{number}"""


def _order(objective: Objective, order: str) -> str:
    if order == "number":
        return "p.number"
    direction = "desc" if objective.direction == "higher" else "asc"
    return f"mean0 {direction} nulls last, cut0 {direction} nulls last, p.number"


def _point(row: dict[str, Any], objectives: int) -> PointRow:
    state = _state(row)
    scores = []
    for number in range(objectives):
        mean, std, n = (row.pop(f"{name}{number}") for name in ("mean", "std", "n"))
        cut = row.pop(f"cut{number}")
        scores.append(Score(cut if state == "pruned" else mean, std, n))
    for name in ("made", "good", "live"):
        del row[name]
    return PointRow(state=state, scores=scores, **row)


def _state(row: dict[str, Any]) -> str:
    """One word for a point."""
    if row["problem"]:
        return "impossible"
    if row["live"]:
        return "running"
    if row["ended"] < row["seeds"]:
        return "queued" if row["made"] else "waiting"
    if row["good"]:
        return "done"
    kinds = ((row["pruned"], "pruned"), (row["failed"], "failed"))
    return next((name for count, name in kinds if count), "cancelled")


def best_points(sweep: Sweep, top: int) -> dict[int, int]:
    """The numbers of the best points by their keys, the best first."""
    found = points(sweep, limit=top)
    return {p.pk: p.number for p in found if p.state != "pruned" and p.score() is not None}


def importance(sweep: Sweep, ended: int) -> dict[str, float]:
    """How much each field decides, as `search.importance` says after so many ended runs."""
    return dict(_importance(sweep.pk, sweep.version, ended))


@lru_cache(200)
def _importance(pk: int, version: int, ended: int) -> tuple[tuple[str, float], ...]:
    """Kept, since pages ask every few seconds."""
    from snnlab.learning import search

    row = Sweep.objects.get(pk=pk)
    tried = [
        search.Tried(p.values, "complete", tuple(score.mean or 0.0 for score in p.scores))
        for p in points(row, limit=MOST_SHOWN)
        if p.state == "done" and all(score.mean is not None for score in p.scores)
    ]
    return tuple(search.importance(plan(row), tried).items())


def usage(sweep: Sweep) -> Progress:
    """How far one sweep is."""
    return progress([sweep])[sweep.pk]


def used_up(plan: Plan, used: Progress) -> str:
    """Says that the budget is used up, if it is."""
    if plan.most_runs and used.made >= plan.most_runs:
        return f"the budget of {plan.most_runs} runs is used up"
    if plan.most_hours and used.seconds >= 3600 * plan.most_hours:
        return f"the budget of {plan.most_hours:g} h is used up"
    return ""


def due(seconds: float) -> list[int]:
    """The open sweeps that were not looked at for so long, the longest forgotten first."""
    found = rows(
        """
        select id from experiments_sweep where state = 'open' and (looked_at is null
          or looked_at < clock_timestamp() - make_interval(secs => %(seconds)s))
        order by looked_at nulls first, id""",
        seconds=seconds,
    )
    return [row["id"] for row in found]
