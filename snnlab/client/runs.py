"""`snnlab runs`: the runs that a search finds."""

import click

from snnlab.client import render
from snnlab.client.facts import facts, listed
from snnlab.client.remote import AS_JSON
from snnlab.client.server import asks_the_lab
from snnlab.client.trouble import Code, Trouble
from snnlab.experiments import queries_runs
from snnlab.experiments.queries_runs import SORTS, Asked
from snnlab.experiments.search.words import SearchError
from snnlab.teams.models import User


ORDERS = click.Choice([f"{sign}{name}" for name in SORTS for sign in ("", "-")])


@click.command()
@click.argument("search", default="")
@click.option("--sort", type=ORDERS, default="-run", metavar="NAME", help="As -accuracy, energy.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=20, show_default=True)
@AS_JSON
@asks_the_lab
def runs(*, user: User, search: str, sort: str, limit: int, in_json: bool) -> None:
    """List the runs that SEARCH finds, such as 'rule = bptt and accuracy > 0.99'.

    With a minus before its name, --sort puts the largest first. docs/search.md has all fields.
    """
    try:
        found = queries_runs.page(user, Asked(search, sort, size=limit)).runs
    except SearchError as error:
        raise Trouble(Code.WRONG, f"{error}\n{search}\n{'^':>{error.column}}") from error
    if in_json:
        click.echo(render.json_text([facts(run) | {"tags": run.tags} for run in found]))
    elif found:
        render.show(listed(found))
    else:
        click.echo("no run is so", err=True)
