"""`snnlab demo data`: real results of the presets fill the boards of a new lab."""

from pathlib import Path
from typing import Any

import click

from snnlab.client.importing import taken
from snnlab.client.server import asks_the_lab, team_to_write_to
from snnlab.client.trouble import Code, Trouble
from snnlab.teams.models import User


OURS = Path(__file__).parents[2] / "docs" / "results"


@click.group()
def demo() -> None:
    """Fill the boards of a new lab."""


@demo.command()
@click.option("--team", help="Whose experiments they become; needed if you have several teams.")
@asks_the_lab
def data(*, user: User, **where: Any) -> None:
    """Take in the outcomes that docs/results.md tells of: real results, not made up.

    Their experiments are named (demo data) and tagged demo. What is known already is left as it is.
    """
    found = taken(outcomes(), user, team_to_write_to(user, where["team"]), demo=True)
    if not found:
        raise Trouble(Code.NOT_FOUND, f"there are no outcomes in {OURS}: use a checkout of snnlab")
    new = sum(new for _, _, new in found)
    click.echo(f"{new} results taken in, {len(found) - new} known already. See the boards")


def outcomes() -> list[Path]:
    """The outcomes of the presets, where a checkout has them."""
    return sorted(OURS.glob("*.seed*.json"))
