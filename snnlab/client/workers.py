"""`snnlab workers`: who works, and at what."""

from typing import Any

import click

from snnlab.client import render
from snnlab.client.facts import age
from snnlab.client.remote import AS_JSON
from snnlab.client.server import asks_the_lab
from snnlab.client.trouble import Code, Trouble
from snnlab.experiments import actions_queue, queries_queue
from snnlab.teams.models import User


@click.group(invoke_without_command=True)
@AS_JSON
@click.pass_context
@asks_the_lab
def workers(ctx: click.Context, *, user: User, in_json: bool) -> None:
    """Show the workers of the last day: what they offer and train, how busy they are."""
    if ctx.invoked_subcommand:
        return
    found = queries_queue.workers(user)
    if in_json:
        click.echo(render.json_text(found))
    elif found:
        columns = ("worker", "state", "offers", "slots>", "trains", "cpu>", "memory>", "seen>")
        render.show(render.table("", columns, (row(worker) for worker in found)))
    else:
        click.echo("no worker has been seen in the last day: start `snnlab worker`", err=True)


def row(worker: dict[str, Any]) -> tuple[object, ...]:
    load = worker["load"]
    busy = [f"{load['cpu']:.0%}"] if "cpu" in load else []
    busy += [f"GPU {gpu['index']:g}: {gpu['use']:.0%}" for gpu in load.get("gpus", [])]
    used = [f"{load['memory']}/{load['total']} MB"] if "total" in load else []
    used += [f"{gpu['memory']:g}/{gpu['total']:g} MB" for gpu in load.get("gpus", [])]
    return (
        worker["name"],
        state(worker),
        ", ".join([*worker["pools"], *worker["labels"]]),
        worker["slots"],
        ", ".join(f"run {run['id']}" for run in worker["runs"]),
        "\n".join(busy),
        "\n".join(used),
        age(worker["seen_at"]),
    )


def state(worker: dict[str, Any]) -> str:
    if not worker["alive"]:
        return "silent"
    if worker["quarantined_at"]:
        return "in quarantine"
    if worker["draining"]:
        return "draining"
    return "working" if worker["runs"] else "idle"


@workers.command()
@click.argument("name")
@click.option("--off", is_flag=True, help="Let it take runs again.")
@asks_the_lab
def drain(*, user: User, name: str, off: bool) -> None:
    """Let the worker NAME finish what it has and take nothing new."""
    may_run_the_lab(user)
    actions_queue.drain(name, on=not off)
    click.echo(f"{name}: takes runs again" if off else f"{name}: takes nothing new")


@workers.command()
@click.argument("name")
@asks_the_lab
def trust(*, user: User, name: str) -> None:
    """Let the worker NAME out of quarantine."""
    may_run_the_lab(user)
    actions_queue.trust(name)
    click.echo(f"{name}: takes runs again")


def may_run_the_lab(user: User) -> None:
    if not user.is_staff:
        raise Trouble(Code.WRONG, f"{user} does not run this lab. Ask one who does")
