"""What is known of a sweep, as plain data and as tables."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from rich.table import Table

from snnlab.client import render
from snnlab.client.facts import age
from snnlab.experiments import queries_sweeps
from snnlab.experiments.queries_sweeps import PointRow, Progress
from snnlab.experiments.timing import words
from snnlab.learning.notation import write_value


def facts(sweep: Any, progress: Progress) -> dict[str, Any]:
    """A sweep as `--json` prints it."""
    return {
        "sweep": sweep.pk,
        "name": sweep.experiment.name,
        "experiment": sweep.experiment_id,
        "team": sweep.experiment.team.slug,
        "state": sweep.state,
        "message": sweep.message,
        **progress._asdict(),
        "ended": progress.ended,
        "share": progress.share,
        "eta_seconds": progress.eta.total_seconds() if progress.eta else None,
        "created_at": sweep.created_at,
        "ended_at": sweep.ended_at,
    }


def point_facts(sweep: Any, points: Iterable[PointRow]) -> list[dict[str, Any]]:
    names = [objective.metric for objective in queries_sweeps.plan(sweep).objectives]
    return [
        {
            "point": point.number,
            "values": point.values,
            "state": point.state,
            "problem": point.problem,
            "seeds": point.seeds,
            "ended": point.ended,
            "runs": point.runs,
            "scores": dict(zip(names, (s._asdict() for s in point.scores), strict=True)),
        }
        for point in points
    ]


def listed(sweeps: Iterable[Any], progress: Mapping[int, Progress]) -> Table:
    columns = ("sweep>", "name", "state", "points>", "runs>", "failed>", "pruned>", "age>")
    rows = (
        (
            sweep.pk,
            sweep.experiment.name,
            sweep.state,
            progress[sweep.pk].points,
            f"{progress[sweep.pk].ended}/{progress[sweep.pk].planned}",
            progress[sweep.pk].failed,
            progress[sweep.pk].pruned,
            age(sweep.created_at),
        )
        for sweep in sweeps
    )
    return render.table("", columns, rows)


def head(sweep: Any, progress: Progress) -> Table:
    """The first lines about a sweep."""
    return render.fields(
        (
            ("sweep", f"{sweep.pk}, {sweep.experiment.name}"),
            ("team", sweep.experiment.team.slug),
            ("state", sweep.state),
            ("why", sweep.message),
            ("runs", told(progress)),
            ("left", f"about {words(progress.eta)}" if progress.eta else ""),
            ("trained", words(timedelta(seconds=round(progress.seconds)))),
        )
    )


def told(progress: Progress) -> str:
    """How many runs there are, by what became of them."""
    kinds = ("succeeded", "failed", "pruned", "cancelled", "live")
    counts = (f"{getattr(progress, k)} {k}" for k in kinds if getattr(progress, k))
    return ", ".join((f"{progress.ended} of {progress.planned} ended", *counts))


def table(sweep: Any, points: Iterable[PointRow]) -> Table:
    plan = queries_sweeps.plan(sweep)
    columns = ("point>", *plan.space, "state", "runs>", *(f"{o.metric}>" for o in plan.objectives))
    rows = (
        (
            point.number,
            *(value(point.values.get(field)) for field in plan.space),
            point.state,
            f"{point.ended}/{point.seeds}",
            *(number(score) for score in point.scores),
        )
        for point in points
    )
    return render.table("", columns, rows)


def number(score: queries_sweeps.Score) -> str:
    """Mean, half of its 95 % interval and number of seeds, as on the sweep's page."""
    if score.mean is None:
        return ""
    half = f" ± {score.half:.2g}" if score.half is not None else ""
    return f"{score.mean:.4g}{half}" + (f" (n = {score.n})" if score.n > 1 else "")


def value(found: Any) -> str:
    if isinstance(found, str):
        return found
    return f"{found:.4g}" if isinstance(found, float) else write_value(found)
