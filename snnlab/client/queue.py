"""`snnlab queue`: the line of waiting runs, and what may be done to it."""

from collections.abc import Callable, Iterable
from typing import Any

import click
from rich.table import Table

from snnlab.client import render
from snnlab.client.facts import age, at, done
from snnlab.client.remote import AS_JSON, RUN, tell
from snnlab.client.server import AS_USER, asks_the_lab, run_of, team_to_write_to
from snnlab.client.trouble import Code, Trouble
from snnlab.experiments import actions, actions_queue, queries_queue
from snnlab.teams.models import User


@click.group(invoke_without_command=True)
@click.option("--limit", type=click.IntRange(1, 10_000), default=20, show_default=True)
@AS_JSON
@AS_USER
@click.pass_context
def queue(ctx: click.Context, **chosen: Any) -> None:
    """Show what runs, what waits and why, and about when it starts."""
    if not ctx.invoked_subcommand:
        show(**chosen)


@asks_the_lab
def show(*, user: User, limit: int, in_json: bool) -> None:
    running = queries_queue.running(user)
    line, aside = queries_queue.line(user, limit=limit), queries_queue.aside(user, limit)
    if in_json:
        waiting = [run | {"wait": vars(run["wait"])} for run in [*line, *aside]]
        click.echo(render.json_text({"running": running, "waiting": waiting}))
    elif not (running or line or aside):
        click.echo("nothing runs or waits", err=True)
    else:
        render.show(*tables(running, [*line, *aside]))


def tables(running: list[dict[str, Any]], waiting: list[dict[str, Any]]) -> Iterable[Table]:
    """What runs and what waits, if anything does."""
    if running:
        columns = ("run>", "experiment", "team", "done", "worker", "since>")
        rows = (
            (r["id"], r["experiment"], r["team_name"], done(r["progress"]), r["worker"],
             age(r["started_at"]))
            for r in running
        )  # fmt: skip
        yield render.table("Running", columns, rows)
    if waiting:
        columns = (
            "place>",
            "run>",
            "experiment",
            "team",
            "pool",
            "priority>",
            "why",
            "starts about",
        )
        rows = (
            (r["wait"].place, r["id"], r["experiment"], r["team_name"], r["pool"], r["priority"],
             r["wait"].why, at(r["wait"].starts_at))
            for r in waiting
        )  # fmt: skip
        yield render.table("Waiting", columns, rows)


def changes(name: str, words: str, act: Callable[[int, str], str]) -> None:
    """Make a command that changes one run's state."""

    @queue.command(name, help=words)
    @RUN
    @AS_JSON
    @asks_the_lab
    def command(*, user: User, number: int, in_json: bool) -> None:
        run = run_of(user, number, write=True)
        tell(run.pk, act(run.pk, user.username), in_json=in_json)


changes("hold", "Keep RUN from starting; one that is trained is paused.", actions_queue.pause)
changes("pause", "Stop RUN after its next checkpoint and keep it.", actions_queue.pause)
changes("release", "Let RUN, held or paused, go on.", actions.unhold)


@queue.command()
@RUN
@click.option("--before", type=int, metavar="RUN", help="Right before this one.")
@click.option("--last", is_flag=True, help="Last of its priority, instead of first.")
@asks_the_lab
def move(*, user: User, number: int, before: int | None, last: bool) -> None:
    """Put RUN, which waits, first in its team's line; or elsewhere."""
    if before is not None and last:
        raise click.UsageError("--before and --last exclude each other")
    run = run_of(user, number, write=True)
    actions_queue.move(run.pk, before, last=last)
    said(user, run.pk)


@queue.command()
@RUN
@click.argument("level", metavar="PRIORITY", type=int)
@asks_the_lab
def priority(*, user: User, number: int, level: int) -> None:
    """Give RUN, which waits, a priority: higher ones of a team go first."""
    run = run_of(user, number, write=True)
    actions_queue.prioritise(run.pk, level)
    said(user, run.pk)


@queue.command()
@click.option("--team", help="Whose share; needed if you have several teams.")
@click.option("--weight", type=int, default=1, show_default=True, help="Among all teams.")
@click.option("--quota", type=int, help="Most devices at once; without it, all.")
@asks_the_lab
def share(*, user: User, team: str | None, weight: int, quota: int | None) -> None:
    """Set how much of the workers a team gets."""
    chosen = team_to_write_to(user, team)
    if not user.is_staff:
        raise Trouble(Code.WRONG, f"{user} does not run this lab. Ask one who does")
    actions_queue.set_share(chosen, weight=weight, quota=quota)
    most = "all devices" if quota is None else f"at most {quota} devices"
    click.echo(f"team {chosen.slug}: weight {weight}, {most}")


def said(user: User, run: int) -> None:
    """Tell where a run stands now."""
    wait = queries_queue.waits(user, run)
    if wait:
        place = f"number {wait.place} in line, " if wait.place else ""
        click.echo(f"run {run}: {place}{wait.why}")
