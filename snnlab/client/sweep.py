"""`snnlab sweep`: many runs as one question."""

import time
from typing import Any

import click
from django.conf import settings
from django.core.exceptions import ObjectDoesNotExist

from snnlab.client import render, sweep_definition
from snnlab.client.definition import CHANGES
from snnlab.client.lab import url_of_running
from snnlab.client.progress import bar, errors
from snnlab.client.remote import AS_JSON
from snnlab.client.server import allow, asks_the_lab, team_to_write_to
from snnlab.client.sweep_facts import facts, head, listed, point_facts, table, told
from snnlab.client.trouble import Code, Trouble
from snnlab.experiments import actions_sweeps, queries_sweeps
from snnlab.experiments.sweep_steps import step
from snnlab.teams.models import User


SWEEP = click.argument("number", metavar="SWEEP", type=click.IntRange(1, 2**63 - 1))
BEST = click.option("--best", type=click.IntRange(1, 10_000), default=10, show_default=True)
GLANCE = 1.0  # seconds between two looks


@click.group()
def sweep() -> None:
    """Ask many runs as one question: what varies, how it is searched, and what it may cost."""


@sweep.command()
@click.argument("place", metavar="SPEC")
@CHANGES
@sweep_definition.choices
@click.option("--name", help="Name of the sweep; the definition's own by default.")
@click.option("--team", help="Whose sweep it is; needed if you have several teams.")
@click.option("--notes", default="", help="What you want to find out.")
@click.option("--dry-run", is_flag=True, help="Only say how many runs it would be.")
@click.option("--watch", "wait", is_flag=True, help="Watch until it has ended.")
@AS_JSON
@asks_the_lab
def submit(
    *,
    user: User,
    place: str,
    changes: tuple[str, ...],
    name: str | None,
    team: str | None,
    notes: str,
    dry_run: bool,
    wait: bool,
    in_json: bool,
    **said: Any,
) -> int:
    """Begin a sweep around SPEC, or the sweep that the file SPEC describes.

    Such a file has the table `base`, or the name of a preset there, and the fields of a sweep.
    """
    own, data = sweep_definition.read(place, changes)
    made = sweep_definition.changed(data, **said)
    size = {"points": made.size(), "runs": made.runs()}
    if dry_run:
        words = f"{counted(size)}; nothing was queued"
        click.echo(render.json_text(size) if in_json else words)
        return Code.OK
    row = actions_sweeps.create(
        team=team_to_write_to(user, team),
        actor=user.username,
        name=own if name is None else name,
        sweep=made,
        notes=notes,
    )
    step(row.pk)
    words = f"sweep {row.pk}: {counted(size)}{link(row.pk)}"
    click.echo(words, err=in_json)
    return watched(user, row.pk, in_json=in_json) if wait else shown(user, row.pk, in_json=in_json)


def counted(size: dict[str, int]) -> str:
    points, runs = (f"{n} {what[:-1] if n == 1 else what}" for what, n in size.items())
    return f"{points}, at most {runs}"


def link(number: int) -> str:
    url = url_of_running(settings.SNNLAB_HOME)
    return f", {url}sweeps/{number}/" if url else ""


def shown(user: User, number: int, *, in_json: bool, best: int = 0) -> int:
    """Print a sweep; as JSON, or as a table where points are asked for."""
    row = sweep_of(user, number)
    used = queries_sweeps.usage(row)
    points = queries_sweeps.points(row, limit=best) if best else []
    if in_json:
        content = facts(row, used) | ({"points_best": point_facts(row, points)} if best else {})
        click.echo(render.json_text(content))
    elif best:
        render.show(head(row, used), table(row, points))
    return Code.OK


def sweep_of(user: User, number: int, *, write: bool = False) -> Any:
    """The sweep of that number, if this user may see it, or even change it."""
    try:
        found = queries_sweeps.sweep(user, number)
    except ObjectDoesNotExist:
        raise Trouble(
            Code.NOT_FOUND, f"{user} has no sweep {number}. See `snnlab sweep ls`"
        ) from None
    if write:
        allow(user, found.experiment.team)
    return found


@sweep.command()
@click.option("--limit", type=click.IntRange(1, 10_000), default=20, show_default=True)
@AS_JSON
@asks_the_lab
def ls(*, user: User, limit: int, in_json: bool) -> None:
    """List sweeps, newest first."""
    found = list(queries_sweeps.sweeps(user)[:limit])
    used = queries_sweeps.progress(found)
    if in_json:
        click.echo(render.json_text([facts(row, used[row.pk]) for row in found]))
    elif found:
        render.show(listed(found, used))
    else:
        click.echo("no sweeps yet: see `snnlab sweep submit --help`", err=True)


@sweep.command()
@SWEEP
@BEST
@AS_JSON
@asks_the_lab
def status(*, user: User, number: int, best: int, in_json: bool) -> None:
    """Show how far SWEEP is, and its best points."""
    shown(user, number, in_json=in_json, best=best)


@sweep.command()
@SWEEP
@AS_JSON
@asks_the_lab
def watch(*, user: User, number: int, in_json: bool) -> int:
    """Watch SWEEP until it has ended. Ctrl-C stops watching, not the sweep."""
    return watched(user, number, in_json=in_json)


def watched(user: User, number: int, *, in_json: bool) -> int:
    """0 if the sweep ended and no run of it failed."""
    progress = bar(errors())
    try:
        with progress:
            task = progress.add_task(f"sweep {number}", total=1, numbers="")
            while True:
                row = sweep_of(user, number)
                used = queries_sweeps.usage(row)
                progress.update(
                    task, total=used.planned or 1, completed=used.ended, numbers=told(used)
                )
                if row.state != "open" and not used.live:
                    break
                time.sleep(GLANCE)
    except KeyboardInterrupt:
        stopped = f"not watching any more; the sweep goes on. See `snnlab sweep status {number}`"
        raise Trouble(Code.INTERRUPTED, stopped) from None
    shown(user, number, in_json=in_json, best=10)
    return Code.FAILED if used.failed or row.state != "done" else Code.OK


@sweep.command()
@SWEEP
@AS_JSON
@asks_the_lab
def cancel(*, user: User, number: int, in_json: bool) -> None:
    """Stop SWEEP and its runs."""
    row = sweep_of(user, number, write=True)
    tell(number, actions_sweeps.cancel(row.pk, user.username), "runs stopped", in_json=in_json)


@sweep.command()
@SWEEP
@AS_JSON
@asks_the_lab
def resume(*, user: User, number: int, in_json: bool) -> None:
    """Go on with a cancelled SWEEP."""
    row = sweep_of(user, number, write=True)
    tell(number, actions_sweeps.resume(row.pk, user.username), "runs queued", in_json=in_json)


@sweep.command("rerun-failed")
@SWEEP
@AS_JSON
@asks_the_lab
def rerun_failed(*, user: User, number: int, in_json: bool) -> None:
    """Queue the failed and lost runs of SWEEP again, and make again what was deleted."""
    row = sweep_of(user, number, write=True)
    again = actions_sweeps.rerun_failed(row.pk, user.username)
    tell(number, again, "runs queued again", in_json=in_json)


@sweep.command("add-seeds")
@SWEEP
@click.option("--top", type=click.IntRange(1, 10_000), default=5, show_default=True)
@click.option("--count", type=click.IntRange(1, 1000), default=2, show_default=True)
@AS_JSON
@asks_the_lab
def add_seeds(*, user: User, number: int, top: int, count: int, in_json: bool) -> None:
    """Run the best points of SWEEP with more seeds."""
    row = sweep_of(user, number, write=True)
    points = actions_sweeps.add_seeds(row.pk, top=top, count=count)
    step(row.pk)
    tell(number, len(points), f"points got {count} more seeds", in_json=in_json)


@sweep.command()
@SWEEP
@sweep_definition.choices
@AS_JSON
@asks_the_lab
def extend(*, user: User, number: int, in_json: bool, **said: Any) -> None:
    """Let SWEEP search more: other values, more points or seeds, a larger budget.

    Its points stay. Its base, objectives and pruner are part of the question and stay, too.
    """
    row = sweep_of(user, number, write=True)
    made = sweep_definition.changed(row.definition, **said)
    actions_sweeps.extend(row.pk, made)
    step(row.pk)
    planned = queries_sweeps.usage(sweep_of(user, number)).planned
    tell(number, planned, "runs in all now", in_json=in_json)


@sweep.command()
@SWEEP
@click.option("--name", help="Name of the copy.")
@AS_JSON
@asks_the_lab
def clone(*, user: User, number: int, name: str | None, in_json: bool) -> None:
    """Begin a new sweep like SWEEP."""
    row = sweep_of(user, number, write=True)
    from snnlab.learning.sweep import Sweep  # here, because it takes PyTorch along

    made = Sweep.parse(row.definition)
    copy = actions_sweeps.create(
        team=row.experiment.team,
        actor=user.username,
        name=name or row.experiment.name,
        sweep=made,
        notes=row.experiment.notes,
    )
    step(copy.pk)
    tell(copy.pk, made.runs(), "runs at most", in_json=in_json)


def tell(number: int, count: int, words: str, *, in_json: bool) -> None:
    answer = {"sweep": number, "count": count}
    click.echo(render.json_text(answer) if in_json else f"sweep {number}: {count} {words}")
