"""Commands that talk to a lab: they read and change its tables as one of its users."""

from typing import Any

import click
from django.conf import settings

from snnlab.client import definition, health, render
from snnlab.client.facts import everything, facts, head, history, listed
from snnlab.client.follow import follow
from snnlab.client.lab import url_of_running
from snnlab.client.seeds import Seeds
from snnlab.client.server import asks_the_lab, run_of, team_to_write_to
from snnlab.client.trouble import Code, Trouble
from snnlab.experiments import actions, queries, queries_queue
from snnlab.experiments.reuse import Known, known
from snnlab.teams.models import User


RUN = click.argument("number", metavar="RUN", type=click.IntRange(1, 2**63 - 1))
ASKED = ("pool", "labels", "devices", "memory", "wall", "priority")
AS_JSON = click.option("--json", "in_json", is_flag=True, help="Print the answer as JSON.")


@click.command()
@click.argument("spec")
@definition.CHANGES
@click.option("--name", help="Name of the experiment; the definition's own by default.")
@click.option("--seeds", type=Seeds(), default="1", show_default=True, help="As 1,2,3 or 1-3.")
@click.option("--team", help="Whose experiment it is; needed if you have several teams.")
@click.option("--pool", default="cpu", show_default=True, help="Whose workers: cpu, gpu, or yours.")
@click.option("--label", "labels", multiple=True, help="What its worker must have, as chip-2.")
@click.option("--devices", type=int, default=1, show_default=True, help="GPUs, or CPU processes.")
@click.option("--memory", type=int, metavar="MB", help="What it needs, and may use at most.")
@click.option("--wall", type=int, metavar="SECONDS", help="Longest time of one attempt.")
@click.option("--priority", type=int, default=0, show_default=True, help="Within the team.")
@click.option("--after", type=int, multiple=True, metavar="RUN", help="Wait for this run.")
@click.option("--reuse", is_flag=True, help="Take known results of the same code.")
@click.option("--notes", default="", help="What you want to find out.")
@click.option("--follow", "wait", is_flag=True, help="Watch until all runs have ended.")
@AS_JSON
@asks_the_lab
def submit(*, user: User, spec: str, wait: bool, in_json: bool, **choices: Any) -> int:
    """Queue SPEC, one run for each seed.

    With --follow: watch the runs; ends with 0 if all succeeded. Ctrl-C stops watching, not the
    runs.
    """
    experiment = queued(user, spec, **choices)
    runs = list(queries.runs(user, experiment).order_by("id"))
    numbers = ", ".join(str(run.pk) for run in runs)
    queue = f"experiment {experiment.pk} is queued: run {numbers}{link(experiment)}"
    click.echo(queue, err=in_json)
    waits = [queries_queue.waits(user, run.pk) for run in runs[:1]]
    if waits[0] and waits[0].why.startswith("no worker"):
        click.echo(f"Warning: {waits[0].why}; the runs wait until one comes", err=True)
    if wait:
        try:
            runs = follow(user, experiment)
        except KeyboardInterrupt:
            stopped = f"not watching any more; the runs go on. See `snnlab show {runs[0].pk}`"
            raise Trouble(Code.INTERRUPTED, stopped) from None
    if in_json:
        answer = {"experiment": experiment.pk, "runs": [facts(run) for run in runs]}
        click.echo(render.json_text(answer))
    elif wait:
        render.show(listed(runs))
    succeeded = all(run.state == queries.State.SUCCEEDED for run in runs)
    return Code.OK if succeeded or not wait else Code.FAILED


def queued(
    user: User,
    spec: str,
    changes: tuple[str, ...],
    name: str | None,
    seeds: list[int],
    team: str | None,
    **told: Any,
) -> Any:
    source, owner = definition.find(spec), team_to_write_to(user, team)
    wanted = source.spec(changes)
    if not told["reuse"]:
        tell_of_known(known(owner, [(wanted.digest(), seed) for seed in seeds]))
    return actions.submit(
        team=owner,
        actor=user.username,
        name=source.name if name is None else name,
        specs=[wanted],
        seeds=seeds,
        ask=actions.Ask(**{name: told.pop(name) for name in ASKED}),
        **told,
    )


def tell_of_known(results: Known) -> None:
    """Say which results need not be computed again."""
    runs = sorted(results.values(), key=lambda run: run.seed)
    if runs:
        named = ", ".join(f"run {run.pk} (seed {run.seed})" for run in runs[:10])
        more = f" and {len(runs) - 10} more" if len(runs) > 10 else ""
        click.echo(f"Known already, by the same code: {named}{more}; --reuse takes them", err=True)


def link(experiment: Any) -> str:
    url = url_of_running(settings.SNNLAB_HOME)
    return f", {url}experiments/{experiment.pk}/" if url else ""


@click.command()
@click.option("--state", type=click.Choice(queries.State.values), help="Only runs in this state.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=20, show_default=True)
@AS_JSON
@asks_the_lab
def ls(*, user: User, state: str | None, limit: int, in_json: bool) -> None:
    """List runs, newest first."""
    runs = queries.runs(user, state=state or "")[:limit]
    if in_json:
        click.echo(render.json_text([facts(run) for run in runs]))
    elif runs:
        render.show(listed(runs))
    else:
        click.echo("no runs yet: try `snnlab submit mnist-sample --follow`", err=True)


@click.command()
@RUN
@AS_JSON
@asks_the_lab
def show(*, user: User, number: int, in_json: bool) -> None:
    """Show all that is known of RUN: its state, its numbers, its history."""
    run = run_of(user, number)
    known = everything(user, run)
    if in_json:
        click.echo(render.json_text(known))
        return
    render.show(head(run, known))
    if known["metrics"]:
        render.show(render.results(known["metrics"], ""))
    render.show(history(known["events"]))
    for warning in health.warnings(known["metrics"]):
        click.echo(f"Warning: {warning}", err=True)


@click.command()
@RUN
@click.option("--lines", type=click.IntRange(1, 100_000), default=200, show_default=True)
@AS_JSON
@asks_the_lab
def logs(*, user: User, number: int, lines: int, in_json: bool) -> None:
    """Print the last lines that the trainings of RUN printed."""
    run = run_of(user, number)
    printed = queries.log_tail(run.pk, lines)
    if in_json:
        click.echo(render.json_text({"run": run.pk, "lines": printed}))
        return
    for line in printed:
        click.echo(line)
    if not printed:
        click.echo(f"run {number} has printed nothing", err=True)


@click.command()
@RUN
@AS_JSON
@asks_the_lab
def cancel(*, user: User, number: int, in_json: bool) -> None:
    """Stop RUN: at once if it waits, at its next step if it runs."""
    run = run_of(user, number, write=True)
    tell(run.pk, actions.cancel(run.pk, user.username), in_json=in_json)


@click.command()
@RUN
@AS_JSON
@asks_the_lab
def retry(*, user: User, number: int, in_json: bool) -> None:
    """Queue RUN again, if it failed or was cancelled; it goes on from its last checkpoint."""
    run = run_of(user, number, write=True)
    tell(run.pk, actions.retry(run.pk, user.username), in_json=in_json)


def tell(run: int, state: str, *, in_json: bool) -> None:
    click.echo(render.json_text({"run": run, "state": state}) if in_json else f"run {run}: {state}")
