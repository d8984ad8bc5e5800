"""`snnlab team`: who is in the user's teams, and as what."""

from collections.abc import Callable
from typing import TypeVar

import click
from django.conf import settings
from django.core.exceptions import ObjectDoesNotExist

from snnlab.client import render
from snnlab.client.lab import url_of_running
from snnlab.client.remote import AS_JSON
from snnlab.client.server import asks_the_lab, known
from snnlab.client.trouble import Code, Trouble
from snnlab.teams import actions_invitations, actions_members, queries
from snnlab.teams.actions_members import Role, TeamRefused
from snnlab.teams.models import Team, User


T = TypeVar("T")
TEAM = click.argument("slug", metavar="TEAM")
MEMBER = click.argument("member", metavar="USER")
AS_ROLE = click.argument("role", type=click.Choice(Role.values))


@click.group()
def team() -> None:
    """Show and change who is in a team."""


@team.command("list")
@AS_JSON
@asks_the_lab
def list_all(*, user: User, in_json: bool) -> None:
    """List your teams."""
    found = [
        {"team": one.team.slug, "name": one.team.name, "role": one.role, "members": one.members}
        for one in queries.memberships(user)
    ]
    tell(found, in_json=in_json)


@team.command()
@TEAM
@AS_JSON
@asks_the_lab
def members(*, user: User, slug: str, in_json: bool) -> None:
    """List who is in TEAM."""
    found = queries.members(team_of(user, slug))
    tell([{"user": one.user.username, "role": one.role} for one in found], in_json=in_json)


@team.command()
@click.argument("name")
@asks_the_lab
def make(*, user: User, name: str) -> None:
    """Make a team, whose owner you are."""
    made = or_trouble(lambda: actions_members.make_team(user, name))
    click.echo(f"team {made.slug} is made; you are its owner")


@team.command()
@TEAM
@AS_ROLE
@asks_the_lab
def invite(*, user: User, slug: str, role: str) -> None:
    """Print a link by which one person joins TEAM, once, within 7 days."""
    found = team_of(user, slug)
    token = or_trouble(lambda: actions_invitations.invite(user, found, role))
    start = url_of_running(settings.SNNLAB_HOME) or "/"
    click.echo(f"{start}invitations/{token}/")


@team.command("role")
@TEAM
@MEMBER
@AS_ROLE
@asks_the_lab
def change(*, user: User, slug: str, member: str, role: str) -> None:
    """Make USER an owner, admin, member or viewer of TEAM."""
    found, who = team_of(user, slug), known(member)
    or_trouble(lambda: actions_members.change_role(user, found, who.pk, role))
    click.echo(f"{member} is {role} of {slug}")


@team.command()
@TEAM
@MEMBER
@asks_the_lab
def remove(*, user: User, slug: str, member: str) -> None:
    """Take USER, or yourself, out of TEAM."""
    found, who = team_of(user, slug), known(member)
    or_trouble(lambda: actions_members.remove_member(user, found, who.pk))
    click.echo(f"{member} is no member of {slug} any more")


def team_of(user: User, slug: str) -> Team:
    try:
        return queries.membership(user, slug).team
    except ObjectDoesNotExist:
        raise Trouble(
            Code.NOT_FOUND, f"{user} has no team {slug}. See `snnlab team list`"
        ) from None


def or_trouble(act: Callable[[], T]) -> T:
    try:
        return act()
    except TeamRefused as error:
        raise Trouble(Code.WRONG, str(error)) from error


def tell(found: list[dict[str, object]], *, in_json: bool) -> None:
    if in_json:
        click.echo(render.json_text(found))
    elif found:
        render.show(render.table("", tuple(found[0]), (tuple(one.values()) for one in found)))
    else:
        click.echo("no teams: make one with `snnlab team make NAME`", err=True)
