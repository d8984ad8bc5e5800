"""`snnlab token`: keys with which programs use the API."""

import click

from snnlab.client import render
from snnlab.client.server import asks_the_lab
from snnlab.client.trouble import Code, Trouble
from snnlab.teams import queries
from snnlab.teams.actions import TokenRefused, make_token, revoke_token
from snnlab.teams.models import User


@click.group()
def token() -> None:
    """Make, list and revoke tokens for the API."""


@token.command()
@click.argument("name")
@asks_the_lab
def make(*, user: User, name: str) -> None:
    """Make a token; NAME says what will use it. It is printed once and never again."""
    try:
        click.echo(make_token(user, name))
    except TokenRefused as error:
        raise Trouble(Code.WRONG, str(error)) from error


@token.command("list")
@click.option("--json", "in_json", is_flag=True, help="Print the list as JSON.")
@asks_the_lab
def list_all(*, user: User, in_json: bool) -> None:
    """List the tokens that work. What they are is not kept."""
    fields = ("id", "name", "created", "used_at")
    found = list(queries.tokens(user).values(*fields))
    if in_json:
        click.echo(render.json_text(found))
        return
    rows = ([token[name] or "never" for name in fields] for token in found)
    render.show(render.table("", ("token>", "name", "made", "last used"), rows))


@token.command()
@click.argument("number", metavar="TOKEN", type=click.IntRange(1, 2**63 - 1))
@asks_the_lab
def revoke(*, user: User, number: int) -> None:
    """Make a token useless: its number is that of `snnlab token list`."""
    if not revoke_token(user, number):
        raise Trouble(Code.NOT_FOUND, f"{user} has no token {number}. See `snnlab token list`")
    click.echo(f"token {number} no longer works")
