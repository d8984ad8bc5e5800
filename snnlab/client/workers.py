"""`snnlab workers`: who works, and at what."""

from typing import Any

import click
from django.conf import settings

from snnlab.client import render
from snnlab.client.facts import age
from snnlab.client.lab import url_of_running
from snnlab.client.remote import AS_JSON
from snnlab.client.server import AS_USER, asks_the_lab
from snnlab.client.trouble import Code, Trouble
from snnlab.experiments import actions_queue, joining, queries_queue
from snnlab.teams.models import User


@click.group(invoke_without_command=True)
@AS_JSON
@AS_USER
@click.pass_context
def workers(ctx: click.Context, **chosen: Any) -> None:
    """Show the workers of the last day: what they offer and train, how busy they are."""
    if not ctx.invoked_subcommand:
        show(**chosen)


@asks_the_lab
def show(*, user: User, in_json: bool) -> None:
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


@workers.command()
@asks_the_lab
def invite(*, user: User) -> None:
    """Print the command with which other machines join within a day."""
    may_run_the_lab(user)
    origin = next(iter(settings.CSRF_TRUSTED_ORIGINS), "") or url_of_running(settings.SNNLAB_HOME)
    if not origin:
        raise Trouble(Code.NOT_UP, "no web server tells its address: run `snnlab up`")
    click.echo(f"snnlab worker {origin.rstrip('/')}/join/{joining.invite(user.username)}/")


@workers.command()
@AS_JSON
@asks_the_lab
def keys(*, user: User, in_json: bool) -> None:
    """Show the keys with which machines open the lab's store."""
    may_run_the_lab(user)
    found = [known(key) for key in joining.working_keys()]
    if in_json:
        click.echo(render.json_text(found))
    elif found:
        render.show(render.table("", tuple(found[0]), (tuple(key.values()) for key in found)))
    else:
        click.echo("no machine has a key: all share the lab's folder", err=True)


def known(key: Any) -> dict[str, Any]:
    return {
        "key": key.pk,
        "machine": key.machine,
        "invited by": key.actor,
        "joined": f"{key.created_at:%Y-%m-%d %H:%M}",
        "last used": f"{key.used_at:%Y-%m-%d %H:%M}" if key.used_at else "never",
    }


@workers.command()
@click.argument("key", type=click.IntRange(1, 2**63 - 1))
@asks_the_lab
def revoke(*, user: User, key: int) -> None:
    """Let the key with that number open the lab's store no more."""
    may_run_the_lab(user)
    if not joining.revoke_key(key):
        raise Trouble(Code.NOT_FOUND, f"there is no key {key}. See `snnlab workers keys`")
    click.echo(f"key {key}: opens nothing any more")


def may_run_the_lab(user: User) -> None:
    if not user.is_staff:
        raise Trouble(Code.WRONG, f"{user} does not run this lab. Ask one who does")
