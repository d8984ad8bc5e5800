"""What is known of a run, as plain data and as a table."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.utils import timezone
from rich.table import Table

from snnlab.client import render
from snnlab.experiments import queries, queries_queue
from snnlab.teams.models import User


FIELDS = (
    *("digest", "seed", "state", "reason", "message", "progress", "results", "attempts", "caveat"),
    *("created_at", "started_at", "finished_at"),
)


def facts(run: Any) -> dict[str, Any]:
    """A run as `--json` prints it."""
    experiment = {"id": run.experiment.pk, "name": run.experiment.name}
    fields = {name: getattr(run, name) for name in FIELDS}
    team = run.experiment.team.slug
    return {"run": run.pk, "experiment": experiment, "team": team, **fields, "score": run.score}


def everything(user: User, run: Any) -> dict[str, Any]:
    """A run with its definition, its history and its newest numbers."""
    wait = queries_queue.waits(user, run.pk)
    curves = queries.curves(run.pk)
    newest = {name: points[-1][1] for name, points in curves.items() if points}
    return facts(run) | {
        "definition": run.definition,
        "metrics": newest,
        "weights_sha256": queries.weights(run.pk) or None,
        "queue_position": wait.place if wait else None,
        "waits": vars(wait) if wait else None,
        "events": list(
            queries.events(run.pk).values(
                "at", "actor", "from_state", "to_state", "reason", "message"
            )
        ),
        "tries": list(
            queries.attempts(run.pk).values(
                "lease_epoch",
                "worker",
                "started_at",
                "ended_at",
                "outcome",
                "resumed_from",
                "environment",
            )
        ),
    }


def listed(runs: Iterable[Any]) -> Table:
    columns = ("run>", "experiment", "digest", "seed>", "state", "done", "accuracy>", "age>")
    rows = (
        (
            run.pk,
            run.experiment.name,
            run.digest,
            run.seed,
            run.state,
            "" if run.state == "succeeded" else done(run.progress),
            "" if run.score is None else f"{run.score:.2f} %",
            age(run.created_at),
        )
        for run in runs
    )
    return render.table("", columns, rows)


def head(run: Any, known: dict[str, Any]) -> Table:
    """The first lines about a run."""
    wait = known["waits"] or {"place": None, "why": "", "starts_at": None}
    place = wait["place"]
    return render.fields(
        (
            ("run", run.pk),
            ("experiment", f"{run.experiment.name} (number {run.experiment.pk})"),
            ("team", run.experiment.team.slug),
            ("digest", run.digest),
            ("seed", run.seed),
            ("state", f"{run.state}, number {place} in line" if place else run.state),
            ("waits", wait["why"]),
            ("starts about", at(wait["starts_at"])),
            ("reason", run.reason),
            ("message", run.message),
            ("done", "" if run.state == "succeeded" else done(run.progress)),
            ("data", run.caveat),
            ("weights", known["weights_sha256"]),
        )
    )


def history(events: list[dict[str, Any]]) -> Table:
    rows = (
        (
            f"{event['at']:%Y-%m-%d %H:%M:%S}",
            event["to_state"],
            event["actor"],
            " ".join(filter(None, (event["reason"], event["message"]))),
        )
        for event in events
    )
    return render.table("", ("time (UTC)", "state", "by", "why"), rows)


def done(progress: dict[str, Any]) -> str:
    """How far a training has come, in words."""
    if not progress.get("epochs"):
        return ""
    return f"{progress.get('phase', '')} epoch {progress['epoch']}/{progress['epochs']}".strip()


def at(then: datetime | None) -> str:
    return f"{then:%Y-%m-%d %H:%M} UTC" if then else ""


def age(then: datetime) -> str:
    """How long ago something was, in its largest unit."""
    seconds = int((timezone.now() - then).total_seconds())
    for unit, length in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds // length} {unit}"
    return f"{max(seconds, 0)} s"
