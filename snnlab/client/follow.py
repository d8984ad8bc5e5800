"""Shows runs until all of them have ended: for `snnlab submit --follow`, and for the demo."""

import time
from typing import Any

from django.db import InterfaceError, OperationalError

from snnlab.client.facts import done
from snnlab.client.progress import bar, errors
from snnlab.client.server import lose_connection
from snnlab.experiments import queries
from snnlab.teams.models import User


GLANCE = 0.5  # seconds between two looks
PATIENCE = 60.0  # seconds for a database that restarts


def follow(user: User, experiment: Any) -> list[Any]:
    """Watch an experiment; give its runs when all have ended, in the order of their numbers."""
    console = errors()
    progress = bar(console)
    tasks: dict[int, Any] = {}
    said: dict[int, str] = {}
    with progress:
        while True:
            runs = look(user, experiment)
            for run in runs:
                if run.pk not in tasks:
                    tasks[run.pk] = progress.add_task(f"run {run.pk}", total=1, numbers="")
                progress.update(tasks[run.pk], **position(run))
                line = news(run, watched=console.is_terminal)
                if line and said.get(run.pk) != line:
                    said[run.pk] = line
                    console.print(line)
            if all(run.terminal for run in runs):
                return runs
            time.sleep(GLANCE)


def look(user: User, experiment: Any) -> list[Any]:
    """The runs as they are now; waits a while for a database that does not answer."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return list(queries.runs(user, experiment).order_by("id"))
        except (OperationalError, InterfaceError):
            if time.monotonic() > deadline:
                raise
            lose_connection()
            time.sleep(GLANCE)


def position(run: Any) -> dict[str, Any]:
    """Where the bar of a run stands."""
    p = run.progress
    if run.terminal or not p.get("epochs") or not p.get("batches"):
        return {"completed": float(run.terminal), "numbers": run.state}
    loss = f"  loss {p['loss']:.4f}" if "loss" in p else ""
    return {
        "total": p["epochs"] * p["batches"],
        "completed": (p["epoch"] - 1) * p["batches"] + p["batch"],
        "numbers": f"{run.state}  {done(p)}{loss}",
    }


def news(run: Any, *, watched: bool) -> str:
    """The line to print about a run: how it ended; in a log, which has no bar, each epoch too."""
    if run.terminal:
        return ended(run)
    where = "" if watched else done(run.progress)
    return f"run {run.pk} (seed {run.seed}): {where}" if where else ""


def ended(run: Any) -> str:
    """One line about a run that has ended."""
    if run.score is not None:
        return f"run {run.pk} (seed {run.seed}) {run.state}: test accuracy {run.score:.2f} %"
    why = ": ".join(filter(None, (run.reason, run.message)))
    return f"run {run.pk} (seed {run.seed}) {run.state}" + (f": {why}" if why else "")
