"""Every read of one person's work: each starts from the teams of the user who asks.

Leaderboards are in leaderboard.py, and offered here.
"""

from collections.abc import Sequence
from typing import Any

from django.db.models import Count, Max, Q, QuerySet

from snnlab.experiments.chips import ChipRow, chip_rows
from snnlab.experiments.leaderboard import (
    KINDS,
    BoardRow,
    Point,
    Standings,
    Wanted,
    boards,
    entry,
    leaderboard,
    points,
    standings,
    teams_of,
)
from snnlab.experiments.models import Attempt, Event, Experiment, LogChunk, Run
from snnlab.experiments.sql import rows
from snnlab.teams.models import User


__all__ = [
    "KINDS",
    "BoardRow",
    "ChipRow",
    "Point",
    "Standings",
    "State",
    "Wanted",
    "attempts",
    "boards",
    "chip_rows",
    "curves",
    "curves_of_layers",
    "entry",
    "events",
    "experiment",
    "experiments",
    "leaderboard",
    "log_tail",
    "points",
    "run",
    "runs",
    "standings",
    "teams_of",
    "weights",
]

State = Run.State
Points = list[tuple[int, float | None]]


def experiments(user: User, search: str = "") -> QuerySet[Experiment]:
    """Newest first, each with `run_count`, `ended`, `failures` and `best` (%), in one query."""
    found = Experiment.objects.filter(team__memberships__user=user.pk)
    if search:
        found = found.filter(Q(name__icontains=search) | Q(tags__contains=[search]))
    return (
        found.select_related("team")
        .annotate(
            run_count=Count("runs"),
            ended=Count("runs", filter=Q(runs__state__in=Run.TERMINAL)),
            failures=Count("runs", filter=Q(runs__state=State.FAILED)),
            best=Max("runs__score"),
        )
        .order_by("-id")
    )


def experiment(user: User, pk: int) -> Experiment:
    """Raises Experiment.DoesNotExist, also for one of another team."""
    return experiments(user).get(pk=pk)


def runs(user: User, experiment: Experiment | None = None, state: str = "") -> QuerySet[Run]:
    """Newest first, each with its experiment and team, in one query."""
    found = Run.objects.filter(experiment__team__memberships__user=user.pk)
    if experiment is not None:
        found = found.filter(experiment=experiment)
    if state:
        found = found.filter(state=state)
    return found.select_related("experiment__team").order_by("-id")


def run(user: User, pk: int) -> Run:
    """Raises Run.DoesNotExist, also for one of another team."""
    return runs(user).get(pk=pk)


def curves(run_id: int, names: list[str] | None = None, points: int = 2000) -> dict[str, Points]:
    """The (step, value) pairs of each metric, all metrics if no names are given.

    A curve longer than `points` is thinned to the smallest and largest value of each of points / 2
    stretches, so a spike of one step survives. A value that is no number is None.
    """
    found = rows(
        """
        with numbered as (
          select metric, step, value,
            row_number() over steps - 1 as place, count(*) over (partition by metric) as n
          from experiments_measurement
          where run_id = %(run)s and (%(all)s or metric = any(%(names)s))
          window steps as (partition by metric order by step)
        ), placed as (
          select metric, step, value,
            case when n <= %(points)s then place else place * (%(points)s / 2) / n end as stretch
          from numbered
        ), ranked as (
          select metric, step, value,
            row_number() over (partition by metric, stretch order by value, step) as up,
            row_number() over (partition by metric, stretch order by value desc nulls last, step)
              as down
          from placed
        )
        select metric, step, value from ranked where up = 1 or down = 1 order by metric, step""",
        run=run_id,
        all=names is None,
        names=names or [],
        points=max(points, 2),
    )
    curves: dict[str, Points] = {}
    for row in found:
        curves.setdefault(row["metric"], []).append((row["step"], row["value"]))
    return curves


def curves_of_layers(run_id: int, metrics: Sequence[str], points: int) -> dict[str, Any]:
    """The curve of each layer, for each of these metrics."""
    named = rows(
        """
        with recursive named as (
          select asked || '/' as start, (select min(metric) from experiments_measurement
            where run_id = %(run)s and metric > asked || '/') as metric
          from unnest(%(metrics)s::text[]) as asked
          union all
          select start, (select min(metric) from experiments_measurement
            where run_id = %(run)s and metric > named.metric) from named
          where starts_with(metric, start)
        ) select metric from named where starts_with(metric, start)""",
        run=run_id,
        metrics=list(metrics),
    )
    found = curves(run_id, [row["metric"] for row in named], points)
    by: dict[str, Any] = {metric: {} for metric in metrics}
    for name, curve in found.items():
        metric, _, layer = name.partition("/")
        by[metric][layer] = curve
    return by


def log_tail(run_id: int, lines: int = 200) -> list[str]:
    """The last lines that the run's trainers printed."""
    text, enough = "", LogChunk.objects.filter(run=run_id).order_by("-lease_epoch", "-seq")
    for chunk in enough.iterator(chunk_size=20):
        text = chunk.text + text
        if text.count("\n") > lines:
            break
    return text.splitlines()[-lines:]


def events(run_id: int) -> QuerySet[Event]:
    """What happened to a run, oldest first."""
    return Event.objects.filter(run=run_id).order_by("seq")


def attempts(run_id: int) -> QuerySet[Attempt]:
    """Every try at a run, oldest first."""
    return Attempt.objects.filter(run=run_id).order_by("lease_epoch")


def weights(run_id: int) -> str:
    """The sha256 of a finished run's weights, or nothing."""
    final = Run.objects.get(pk=run_id).checkpoints.filter(final=True).first()
    return final.weights if final else ""
