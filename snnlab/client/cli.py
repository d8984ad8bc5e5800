"""The command `snnlab`: which commands there are, and where each one lives."""

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any, NamedTuple, NoReturn

import click

from snnlab import __version__
from snnlab.client.trouble import MEANING, Code, document, explain


class Entry(NamedTuple):
    """A command: its module and name there, its summary, and whether it needs the lab's tables."""

    place: str
    summary: str
    django: bool = False


COMMANDS = {
    "up": Entry("up_command:up", "Start the lab: database, web pages, worker, scheduler."),
    "worker": Entry("worker:worker", "Make this machine train for a lab."),
    "run": Entry("run:run", "Train a definition here and now, without a lab."),
    "submit": Entry("remote:submit", "Put a definition into the lab's queue.", django=True),
    "import": Entry(
        "importing:import_group", "Take results of `snnlab run --json` into the lab.", django=True
    ),
    "demo": Entry("demo_data:demo", "Fill the boards with results of the presets.", django=True),
    "ls": Entry("remote:ls", "List runs, newest first.", django=True),
    "runs": Entry("runs:runs", "List the runs that a search finds.", django=True),
    "show": Entry("remote:show", "Show all that is known of a run.", django=True),
    "logs": Entry("remote:logs", "Print what a run's training printed.", django=True),
    "cancel": Entry("remote:cancel", "Stop a run.", django=True),
    "retry": Entry("remote:retry", "Queue a failed or cancelled run again.", django=True),
    "sweep": Entry("sweep:sweep", "Ask many runs as one question.", django=True),
    "schedule": Entry("schedule:schedule", "Make sweeps again and again.", django=True),
    "queue": Entry("queue:queue", "Show what waits and why; change the line.", django=True),
    "workers": Entry("workers:workers", "Show who works, and at what; drain one.", django=True),
    "team": Entry("team:team", "Show and change who is in a team.", django=True),
    "share": Entry("share:share", "Show results to people without an account.", django=True),
    "token": Entry("token:token", "Make, list and revoke tokens for the API.", django=True),
    "data": Entry("data:data", "List, fetch and verify data sets."),
    "chip": Entry("chip:chip", "See emulated chips; check whether a network fits onto them."),
    "diagnose": Entry("diagnose:diagnose", "Look into an untrained network: its gradients."),
    "spec": Entry("spec:spec", "Check definitions; print their schema and the presets."),
}


class Commands(click.Group):
    """Imports a command's module when it is used, so that `snnlab --help` waits for none."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        entry = COMMANDS.get(name)
        if entry is None:
            return None
        if entry.django:
            set_up_django()
        module, _, attribute = entry.place.partition(":")
        return getattr(import_module(f"snnlab.client.{module}"), attribute)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.summary) for name, entry in COMMANDS.items()])
        with formatter.section("Exit codes"):
            formatter.write_dl([(str(int(code)), text) for code, text in MEANING.items()])

    def main(self, args: Sequence[str] | None = None, **extra: Any) -> NoReturn:
        """Run a command and exit with its code; each ending that we know is told in words."""
        args = sys.argv[1:] if args is None else list(args)
        extra |= {"prog_name": "snnlab", "standalone_mode": False}
        try:
            sys.exit(super().main(args, **extra) or Code.OK)
        except click.ClickException as error:
            end(error, in_json="--json" in args)
        except click.Abort:
            sys.exit(Code.INTERRUPTED)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:  # whoever read our output has seen enough
            raise
        except Exception as error:
            trouble = explain(error)
            if trouble is None:
                raise
            raise trouble from error


def end(error: click.ClickException, *, in_json: bool) -> NoReturn:
    error.show()
    if in_json:
        click.echo(document(error))
    sys.exit(error.exit_code)


def set_up_django() -> None:
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "snnlab.settings")
    os.environ.setdefault("LOG_LEVEL", "WARNING")
    django.setup()


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="snnlab")
def main() -> None:
    """A lab for spiking neural networks.

    A definition (SPEC) is a TOML file, or the name of a preset: see `snnlab spec presets`.
    Wherever --json is offered, standard output is one JSON document, also for an error.
    """
