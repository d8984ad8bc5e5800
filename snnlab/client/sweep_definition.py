"""Builds the sweep that a person means: a file, or a definition with what varies."""

from typing import TYPE_CHECKING, Any

import click

from snnlab.client import definition
from snnlab.client.definition import Source
from snnlab.client.seeds import Seeds
from snnlab.client.trouble import Code, Trouble
from snnlab.learning.notation import read_axis


if TYPE_CHECKING:
    from snnlab.learning.sweep import Sweep

STRATEGIES = click.Choice(["grid", "random", "tpe", "nsga2"])
PRUNERS = click.Choice(["none", "median", "asha"])
CHOICES = (
    click.option(
        "--vary",
        multiple=True,
        metavar="FIELD=VALUES",
        help="Vary a field, as --vary neuron.tau=2,5 or --vary 'optimizer.lr=1e-4..1e-1 log'.",
    ),
    click.option("--strategy", type=STRATEGIES, help="How points are chosen; grid by default."),
    click.option("--points", type=int, help="Points to draw, of strategies other than grid."),
    click.option("--seeds", type=Seeds(), help="Seeds of each point, as 1,2,3 or 1-3; 1."),
    click.option(
        "--objective",
        "objectives",
        multiple=True,
        metavar="METRIC[:higher|:lower]",
        help="What good points are told by; accuracy by default.",
    ),
    click.option("--pruner", type=PRUNERS, help="What stops hopeless runs; none by default."),
    click.option("--most-runs", type=int, help="Budget: runs in all."),
    click.option("--most-hours", type=float, help="Budget: hours of all runs together."),
    click.option("--parallel", type=int, help="Most runs at once."),
    click.option("--priority", type=int, help="Runs of higher priority go first."),
    click.option("--pool", help="Whose workers: cpu, gpu, or yours."),
    click.option("--devices", type=int, help="GPUs, or CPU processes, of each run."),
    click.option("--memory", type=int, metavar="MB", help="What a run needs, and may use."),
    click.option("--wall", type=int, metavar="SECONDS", help="Longest time of one attempt."),
    click.option("--label", "labels", multiple=True, help="What its worker must have."),
    click.option(
        "--reuse", is_flag=True, default=None, help="Take known results of the same code."
    ),
)
PLAIN = ("seeds", "most_runs", "most_hours", "parallel", "priority", "pool")
PLAIN += ("devices", "memory", "wall", "reuse")


def choices(command: Any) -> Any:
    """Every option that says what a sweep does."""
    for option in reversed(CHOICES):
        command = option(command)
    return command


def read(place: str, changes: tuple[str, ...] = ()) -> tuple[str, dict[str, Any]]:
    """Name and data of a sweep in a file; any other definition is the base of a new one."""
    source = definition.find(place)
    data = raw(source)
    if "base" not in data:
        return source.name, {"base": source.spec(changes).model_dump(mode="json")}
    if isinstance(data["base"], str):
        data["base"] = raw(definition.find(data["base"]))
    if changes:
        raise Trouble(Code.WRONG, "--set changes a definition, and this file is a sweep: edit it")
    return source.name, data


def raw(source: Source) -> dict[str, Any]:
    from snnlab.learning.spec import Spec, toml_data

    if source.json:
        return Spec.from_json(source.text).model_dump(mode="json")
    return toml_data(source.text)


def changed(data: dict[str, Any], **said: Any) -> "Sweep":
    """The sweep of this data with what the options say. Raises SpecError."""
    from snnlab.learning.sweep import Sweep

    data = data | {name: said[name] for name in PLAIN if said[name] is not None}
    if said["vary"]:
        data["space"] = data.get("space", {}) | dict(map(varied, said["vary"]))
    if said["strategy"] or said["points"]:
        data["strategy"] = strategy(data.get("strategy", {}), said["strategy"], said["points"])
    if said["pruner"]:
        data["pruner"] = {"kind": said["pruner"]}
    if said["objectives"]:
        data["objectives"] = [objective(text) for text in said["objectives"]]
    if said["labels"]:
        data["labels"] = list(said["labels"])
    return Sweep.parse(data)


def varied(text: str) -> tuple[str, Any]:
    field, equals, values = text.partition("=")
    try:
        if not equals:
            raise ValueError("names no values. Write --vary neuron.tau=2,5")
        return field.strip(), read_axis(values)
    except ValueError as error:
        raise Trouble(Code.WRONG, f"--vary {text}: {error}") from error


def strategy(before: dict[str, Any], kind: str | None, points: int | None) -> dict[str, Any]:
    """A strategy of another kind begins with its own defaults."""
    kind = kind or before.get("kind", "random")
    kept = before if before.get("kind") == kind else {"kind": kind}
    return kept | ({"points": points} if points is not None else {})


def objective(text: str) -> dict[str, str]:
    metric, colon, better = text.partition(":")
    return {"metric": metric} | ({"better": better} if colon else {})
