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
from snnlab.experiments.importing import adopt
from snnlab.teams.models import User


if TYPE_CHECKING:
    from snnlab.learning.outcome import Outcome


@click.command("import")
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
