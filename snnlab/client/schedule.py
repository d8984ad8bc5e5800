"""`snnlab schedule`: sweeps that are made again and again."""

import math
from datetime import UTC, datetime
from typing import Any

import click
from django.core.exceptions import ObjectDoesNotExist

from snnlab.client import render, sweep_definition
from snnlab.client.definition import CHANGES
from snnlab.client.remote import AS_JSON
from snnlab.client.server import allow, asks_the_lab, team_to_write_to
from snnlab.client.trouble import Code, Trouble
from snnlab.experiments import actions_schedules, queries_schedules
from snnlab.experiments.timing import Timing
from snnlab.teams.models import User


SCHEDULE = click.argument("number", metavar="SCHEDULE", type=click.IntRange(1, 2**63 - 1))
MOMENT = click.DateTime(["%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M", "%Y-%m-%d"])
RULES = ("cron", "every", "at")


@click.group()
def schedule() -> None:
    """Make a sweep again and again, or once later. A definition alone is a sweep of one point."""


@schedule.command()
@click.argument("place", metavar="SPEC")
@CHANGES
@sweep_definition.choices
@click.option("--cron", metavar="'M H D M W'", help="By cron, as '30 2 * * 1-5'.")
@click.option("--zone", help="Time zone of cron; UTC by default.")
@click.option("--every", type=float, metavar="MINUTES", help="In an interval.")
@click.option("--at", type=MOMENT, help="Once, or from when on; in UTC.")
@click.option(
    "--missed",
    type=click.Choice(["skip", "once", "all"]),
    default="once",
    show_default=True,
    help="What to make up for if the lab was down.",
)
@click.option("--name", help="Name of the schedule; the definition's own by default.")
@click.option("--team", help="Whose it is; needed if you have several teams.")
@click.option("--notes", default="", help="What its sweeps are to find out.")
@click.option("--dry-run", is_flag=True, help="Only say when it would fall due.")
@AS_JSON
@asks_the_lab
def add(
    *,
    user: User,
    place: str,
    changes: tuple[str, ...],
    cron: str | None,
    zone: str | None,
    every: float | None,
    at: datetime | None,
    missed: str,
    name: str | None,
    team: str | None,
    notes: str,
    dry_run: bool,
    in_json: bool,
    **said: Any,
) -> None:
    """Schedule SPEC, or the sweep that the file SPEC describes.

    Say one of --cron, --every and --at; --cron and --every may have a beginning, --at.
    """
    own, data = sweep_definition.read(place, changes)
    made, rule = sweep_definition.changed(data, **said), timing(cron, zone, every, at)
    times = [time.isoformat() for time in queries_schedules.upcoming(rule)]
    if not times:
        raise Trouble(Code.WRONG, actions_schedules.NEVER)
    number = None
    if not dry_run:
        number = actions_schedules.create(
            team=team_to_write_to(user, team),
            actor=user.username,
            name=own if name is None else name,
            timing=rule,
            sweep=made,
            missed=missed,
            notes=notes,
        ).pk
    answer = {"schedule": number, "runs": made.runs(), "next": times}
    words = f"schedule {number}" if number else "nothing was saved"
    told = f"{words}: at most {made.runs()} runs each time\n" + "\n".join(times)
    click.echo(render.json_text(answer) if in_json else told)


def timing(cron: str | None, zone: str | None, every: float | None, at: datetime | None) -> Timing:
    """The rule that the options say."""
    if (cron is not None) + (every is not None) > 1 or not (cron or every or at):
        raise Trouble(Code.WRONG, f"say one of {', '.join('--' + rule for rule in RULES)}")
    if zone is not None and not cron:
        raise Trouble(Code.WRONG, "--zone is the time zone of --cron; --at is in UTC")
    start = at.replace(tzinfo=UTC) if at else datetime.now(UTC).replace(second=0, microsecond=0)
    if cron:
        return Timing("cron", start, cron=cron, zone=zone or "UTC")
    return Timing("every", start, every=seconds(every)) if every else Timing("once", start)


def seconds(minutes: float) -> int:
    if not math.isfinite(minutes):
        raise Trouble(Code.WRONG, f"--every must be a number of minutes, got {minutes}")
    return round(60 * minutes)


@schedule.command()
@AS_JSON
@asks_the_lab
def ls(*, user: User, in_json: bool) -> None:
    """List schedules, newest first."""
    found = [facts(row) for row in queries_schedules.with_last_slots(user)]
    if in_json:
        click.echo(render.json_text(found))
    elif found:
        columns = ("schedule>", "name", "team", "rule", "missed", "next", "last sweep>")
        rows = (
            (
                row["schedule"],
                row["name"],
                row["team"],
                row["rule"],
                row["missed"],
                "paused" if row["paused"] else (row["next"] or ["never"])[0],
                next((slot["sweep"] for slot in row["last"] if slot["sweep"]), ""),
            )
            for row in found
        )
        render.show(render.table("", columns, rows))
    else:
        click.echo("no schedules yet: see `snnlab schedule add --help`", err=True)


def facts(row: Any) -> dict[str, Any]:
    """A schedule as `--json` prints it."""
    times = [] if row.paused else queries_schedules.upcoming(row.timing)
    last = [{"at": s.at, "sweep": s.sweep_id, "message": s.message} for s in row.last_slots]
    return {
        "schedule": row.pk,
        "name": row.name,
        "team": row.team.slug,
        "rule": queries_schedules.rule(row),
        "missed": row.missed,
        "paused": row.paused,
        "next": [time.isoformat() for time in times],
        "last": last,
    }


@schedule.command()
@SCHEDULE
@AS_JSON
@asks_the_lab
def pause(*, user: User, number: int, in_json: bool) -> None:
    """Let SCHEDULE rest; what comes meanwhile does not count as missed."""
    change(user, number, actions_schedules.pause, "paused", in_json=in_json)


@schedule.command()
@SCHEDULE
@AS_JSON
@asks_the_lab
def resume(*, user: User, number: int, in_json: bool) -> None:
    """Let SCHEDULE go on from now."""
    change(user, number, actions_schedules.resume, "resumed", in_json=in_json)


@schedule.command()
@SCHEDULE
@AS_JSON
@asks_the_lab
def delete(*, user: User, number: int, in_json: bool) -> None:
    """Forget SCHEDULE; the sweeps that it made stay."""
    change(user, number, actions_schedules.delete, "deleted", in_json=in_json)


def change(user: User, number: int, act: Any, done: str, *, in_json: bool) -> None:
    """Do something to a schedule of a team in which the user may write."""
    try:
        found = queries_schedules.schedule(user, number)
    except ObjectDoesNotExist:
        raise Trouble(
            Code.NOT_FOUND, f"{user} has no schedule {number}. See `snnlab schedule ls`"
        ) from None
    allow(user, found.team)
    act(number)
    answer = {"schedule": number, "done": done}
    click.echo(render.json_text(answer) if in_json else f"schedule {number}: {done}")
