"""`snnlab up`, as typed."""

import os
from pathlib import Path

import click


@click.command()
@click.option("--port", type=click.IntRange(1, 65535), help="Port; the first free one from 8000.")
@click.option("--bind", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--home", type=click.Path(path_type=Path), help="Data folder, as SNNLAB_HOME.")
@click.option("--demo", is_flag=True, help="Also train a first network.")
@click.option("--once", is_flag=True, help="Stop after the demo, with its exit code.")
def up(*, port: int | None, bind: str, home: Path | None, demo: bool, once: bool) -> int:
    """Start the lab: database, broker, web pages, worker and scheduler, until Ctrl-C."""
    if once and not demo:
        raise click.UsageError("--once stops after the demo: add --demo")
    if home is not None:
        os.environ["SNNLAB_HOME"] = str(home)
    from snnlab.client.up import up as run  # here, because it reads the settings

    return run(port=port, bind=bind, demo=demo, once=once)
