"""`snnlab import`: results that were made elsewhere stand on the lab's boards."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from django.db import transaction

from snnlab.client.definition import text_of
from snnlab.client.server import asks_the_lab, team_to_write_to
from snnlab.client.trouble import Code, Trouble
from snnlab.experiments import external
from snnlab.experiments.actions_external import BOARDS, take
from snnlab.experiments.importing import adopt
from snnlab.teams import queries as people
from snnlab.teams.models import User


if TYPE_CHECKING:
    from snnlab.learning.outcome import Outcome


class OrFiles(click.Group):
    """A group whose first word may be left out: `snnlab import FILES` takes results."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        known = (*self.commands, *ctx.help_option_names)
        return super().parse_args(ctx, args if not args or args[0] in known else ["results", *args])


@click.group("import", cls=OrFiles)
def import_group() -> None:
    """Take in what was made elsewhere: results of `snnlab run --json`, or rows of others.

    `snnlab import FILES` is short for `snnlab import results FILES`.
    """


@import_group.command("rows")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--board", required=True, type=click.Choice(BOARDS), help="Which leaderboard.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["csv", "sota"]),
    help="CSV, or the JSON of sota-extractor; by the file's ending if left out.",
)
@click.option("--team", help="Whose board; needed if you have several teams.")
@asks_the_lab
def rows(*, user: User, file: Path, board: str, form: str | None, team: str | None) -> None:
    """Put the rows of FILE on a board, as external. All of them or none; known ones stay."""
    data = text_of(file, "a CSV or a JSON")
    of = team_to_write_to(user, team)
    if not people.may(user, of, "admin"):
        raise Trouble(Code.WRONG, f"{user} does not administer the team {of.slug}. Ask its owner")
    try:
        as_json = form == "sota" or (form is None and file.suffix == ".json")
        lines = external.from_sota(data, board) if as_json else external.from_csv(data)
    except external.Wrong as error:
        told = "\n  ".join(error.problems)
        raise Trouble(Code.WRONG, f"nothing of {file} was taken:\n  {told}") from error
    new, known = take(of, user.username, board, lines)
    click.echo(f"{board}: {new} rows are new, {known} were known already")


@import_group.command("results")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--name", help="Name of new experiments; each file's folder or name by default.")
@click.option("--team", help="Whose experiments they are; needed if you have several teams.")
@asks_the_lab
def import_results(*, user: User, files: tuple[Path, ...], name: str | None, **where: Any) -> None:
    """Take FILES, outcomes that `snnlab run --json` printed, into the lab as ended runs.

    All of them or none; what is known already is left as it is. Seeds of one definition become one
    experiment. The boards call them imported: the lab has their numbers, not their weights.
    """
    for path, run, new in taken(files, user, team_to_write_to(user, where["team"]), name):
        click.echo(f"{path}: run {run.pk}{'' if new else ', known already'}")


def taken(
    files: Iterable[Path], user: User, team: Any, name: str | None = None, *, demo: bool = False
) -> list[tuple[Path, Any, bool]]:
    """The run of each file, and whether it is new; demo data says so in its name and tag."""
    mark, tags = (" (demo data)", ["demo"]) if demo else ("", [])
    outcomes = {path: read(path) for path in files}
    with transaction.atomic():
        return [
            (path, *adopt(team=team, actor=user.username, name=of, outcome=found, tags=tags))
            for path, found, of in (
                (path, found, f"{name or title(path)}{mark}") for path, found in outcomes.items()
            )
        ]


def title(path: Path) -> str:
    """`mnist-bptt` of mnist-bptt.seed1.json."""
    return path.stem.partition(".")[0]


def read(path: Path) -> "Outcome":
    from snnlab.learning.outcome import Outcome  # here, because it takes PyTorch along

    try:
        return Outcome.parse(json.loads(text_of(path, "an outcome")))
    except (ValueError, RecursionError) as error:  # a SpecError is a ValueError
        raise Trouble(Code.WRONG, f"{path} is no outcome of snnlab run --json: {error}") from error
