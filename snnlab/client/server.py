"""The lab behind a command: who asks, and what is said when it cannot be reached."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

import click
from django.conf import settings
from django.core.exceptions import ObjectDoesNotExist
from django.db import InterfaceError, OperationalError, ProgrammingError, connection

from snnlab.client.trouble import Code, Trouble
from snnlab.experiments import queries
from snnlab.teams import queries as people
from snnlab.teams.models import Team, User


AS_USER = click.option("--user", default="admin", envvar="SNNLAB_USER", help="Who asks.")


def asks_the_lab(command: Any) -> Any:
    """A command that gets `user`, the one who asks, and that ends in words without a lab."""

    @AS_USER
    @wraps(command)
    def asking(*args: Any, user: str, **kwargs: Any) -> Any:
        with reachable():
            return command(*args, user=known(user), **kwargs)

    return asking


@contextmanager
def reachable() -> Iterator[None]:
    """Say in words that the database does not answer, or has no tables of ours."""
    try:
        yield
    except (OperationalError, InterfaceError) as error:
        raise Trouble(Code.NOT_UP, absent(str(error))) from error
    except ProgrammingError as error:
        if getattr(error.__cause__, "sqlstate", "") != "42P01":  # undefined table
            raise
        raise Trouble(
            Code.NOT_UP,
            "the database has no tables of snnlab yet: run `snnlab up`, or"
            " `python manage.py migrate` on a server",
        ) from error


def absent(reason: str) -> str:
    database = settings.DATABASES["default"]
    if database["HOST"].startswith("/"):
        return (
            f"snnlab is not up on {settings.SNNLAB_HOME}: run `snnlab up`"
            " (or set SNNLAB_HOME to the data folder where it is up)"
        )
    place = f"{database['HOST']}:{database['PORT'] or 5432}/{database['NAME']}"
    why = reason.strip().splitlines()[0]
    return f"the database {place} does not answer: {why}. Check DATABASE_URL"


def known(username: str) -> User:
    try:
        return people.user(username)
    except ObjectDoesNotExist:
        raise Trouble(
            Code.NOT_FOUND, f"there is no user {username}. Name one with --user or SNNLAB_USER"
        ) from None


def team_to_write_to(user: User, slug: str | None) -> Team:
    """The team of that name, or the user's only one."""
    teams = {team.slug: team for team in people.teams_of(user)}
    if slug is None and len(teams) == 1:
        slug = next(iter(teams))
    names = ", ".join(teams) or "none"
    if slug is None:
        raise Trouble(Code.WRONG, f"{user} has the teams {names}. Choose one with --team")
    if slug not in teams:
        raise Trouble(Code.NOT_FOUND, f"{user} has no team {slug}. Teams: {names}")
    allow(user, teams[slug])
    return teams[slug]


def run_of(user: User, pk: int, *, write: bool = False) -> Any:
    """The run of that number, if this user may see it, or even change it."""
    try:
        run = queries.run(user, pk)
    except ObjectDoesNotExist:
        raise Trouble(Code.NOT_FOUND, f"{user} has no run {pk}. See `snnlab ls`") from None
    if write:
        allow(user, run.experiment.team)
    return run


def allow(user: User, team: Team) -> None:
    if not people.may(user, team, "write"):
        raise Trouble(
            Code.WRONG, f"{user} may only look at the work of team {team.slug}. Ask an owner of it"
        )


def lose_connection() -> None:
    """Let the next query connect anew."""
    connection.close()
