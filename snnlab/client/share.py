"""`snnlab share`: links that show a board, a comparison or a run to people without an account."""

from typing import Any

import click
from django.conf import settings

from snnlab.client import render
from snnlab.client.lab import url_of_running
from snnlab.client.server import allow, asks_the_lab, team_to_write_to
from snnlab.client.trouble import Code, Trouble
from snnlab.experiments import actions_shares, queries_shares
from snnlab.experiments.actions import Refused
from snnlab.experiments.actions_shares import BOARDS, DAYS, Wish
from snnlab.experiments.asking import whole
from snnlab.teams.models import User


LISTED = ("id", "title", "kind", "slug", "run_id", "created_at", "expires_at", "hits", "last_hit")
HEAD = ("link>", "title", "shows", "until", "visits>", "last visit", "works")


@click.group()
def share() -> None:
    """Make, list and revoke links that show results to people without an account."""


@share.command()
@click.argument("what")
@click.option("--query", default="", help="The address's part after the ?, as kind=measured&q=ltl.")
@click.option("--columns", default="", help="Columns of a leaderboard, as energy,method.")
@click.option("--title", default="", help="What visitors read.")
@click.option("--days", type=int, default=DAYS, show_default=True, help="How long it works.")
@click.option("--pinned", is_flag=True, help="Show nothing that comes later.")
@click.option("--seeds", is_flag=True, help="Show each seed's result.")
@click.option("--notes", is_flag=True, help="Show a run's notes.")
@click.option("--log", is_flag=True, help="Show the end of a run's log.")
@click.option("--password", is_flag=True, help="Ask for a password, which is typed.")
@click.option("--origin", "origins", multiple=True, help="A site that may embed it.")
@click.option("--team", help="Whose results; needed if you have several teams.")
@asks_the_lab
def create(*, user: User, what: str, team: str | None, password: bool, **said: Any) -> None:
    """Make a link to WHAT: a board, such as mnist; `compare`, with --query runs=1,2; or a run's
    number. It is printed once and never again."""
    said["columns"] = [name for name in said["columns"].split(",") if name] or None
    typed = click.prompt("Password", hide_input=True, confirmation_prompt=True) if password else ""
    wish = Wish(**kind_of(what), password=typed, **said)
    try:
        _, token = actions_shares.create(team_to_write_to(user, team), user, wish)
    except Refused as error:
        raise Trouble(Code.WRONG, str(error)) from error
    click.echo(f"{url_of_running(settings.SNNLAB_HOME) or '/'}s/{token}/")


def kind_of(what: str) -> dict[str, Any]:
    """What a word or a number names."""
    if (run := whole(what)) is not None:
        return {"kind": "run", "run": run}
    if what != "compare" and what not in BOARDS:
        known = ", ".join(BOARDS)
        raise Trouble(Code.WRONG, f"there is no board {what}. Known: {known}, compare, or a run")
    return {"kind": "compare" if what == "compare" else "board", "slug": what}


@share.command("list")
@click.option("--json", "in_json", is_flag=True, help="Print the list as JSON.")
@asks_the_lab
def list_all(*, user: User, in_json: bool) -> None:
    """List the links of your teams. What their addresses are is not kept."""
    found = list(queries_shares.of_team(user).values(*LISTED, "works"))
    if in_json:
        click.echo(render.json_text(found))
        return
    rows = (
        (
            link["id"],
            link["title"],
            link["slug"] or f"run {link['run_id']}",
            f"{link['expires_at']:%Y-%m-%d %H:%M}",
            link["hits"],
            f"{link['last_hit']:%Y-%m-%d %H:%M}" if link["last_hit"] else "never",
            "yes" if link["works"] else "no",
        )
        for link in found
    )
    render.show(render.table("", HEAD, rows))


@share.command()
@click.argument("number", metavar="LINK", type=click.IntRange(1, 2**63 - 1))
@asks_the_lab
def revoke(*, user: User, number: int) -> None:
    """Take a link back, everywhere at once: its number is that of `snnlab share list`."""
    link = queries_shares.of_team(user).filter(pk=number).first()
    if link is None:
        raise Trouble(Code.NOT_FOUND, f"{user} has no link {number}. See `snnlab share list`")
    allow(user, link.team)
    actions_shares.revoke(link.pk, user.username)
    click.echo(f"link {number} leads nowhere any more")
