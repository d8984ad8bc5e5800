"""A first experiment, from the queue to the leaderboard, followed in the terminal."""

import os
import sys
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import django
from django.db import DatabaseError, close_old_connections
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table


if TYPE_CHECKING:
    from snnlab.learning.spec import Spec

FULL, SAMPLE = "mnist-demo", "mnist-sample"  # presets: all of MNIST, and what needs no download
SEED = 1
GLANCE = 0.5  # seconds between two looks at the run
DEAF = 60.0  # seconds without a database before the demo ends


def main(url: str) -> int:
    """Train the first network; exit code 0 when it succeeded."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "snnlab.settings")
    django.setup()
    console = Console()
    run_id = submit(*first_definition(console))
    console.print(f"Watch it at {url}runs/{run_id}/", highlight=False)
    run = follow(run_id, console)
    if run.state != "succeeded":
        console.print(f"Run {run.pk} {run.state}: {run.message or run.reason}", style="red")
        return 1
    console.print(f"Test accuracy: [bold]{run.results['test_accuracy']:.2f} %[/bold]")
    console.print(board_row(run))
    console.print(f"The board: {url}boards/{run.board}/", highlight=False)
    console.print(f"The run:   {url}runs/{run.pk}/", highlight=False)
    return 0


def first_definition(console: Console) -> tuple[str, "Spec"]:
    """A title, and the best definition that runs without a download."""
    from snnlab.learning.presets import presets
    from snnlab.learning.spec import Spec

    full, sample = (presets()[name] for name in (FULL, SAMPLE))
    spec = Spec.from_toml(full.text)
    if spec.dataset.found():
        return full.title, spec
    console.print("MNIST is not on this machine (SNNLAB_DATA_DIR): its packaged sample is used")
    return sample.title, Spec.from_toml(sample.text)


def submit(title: str, spec: "Spec") -> int:
    """Queue the first experiment; give its only run's number."""
    from snnlab.experiments import actions, queries
    from snnlab.teams.actions import ensure_first_team

    user, team = ensure_first_team()
    made = actions.submit(
        team=team, actor=user.username, name=title, specs=[spec], seeds=[SEED], tags=["demo"]
    )
    return queries.runs(user, made).get().pk


def follow(run_id: int, console: Console) -> Any:
    """Show the run's progress until it has ended, and give the run."""
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[loss]}"))
    said = ""
    with Progress(*columns, TimeElapsedColumn(), console=console) as bar:
        task = bar.add_task("waiting for a worker", total=None, loss="")
        for run in looks(run_id):
            if not run.progress:
                continue
            state = shown(run.progress)
            bar.update(task, **state)
            if not console.is_terminal and state["description"] != said:
                said = state["description"]  # a log has lines instead of a bar
                console.print(said, state["loss"], highlight=False)
    return run


def looks(run_id: int) -> Iterator[Any]:
    """The run as it is now, again and again until it has ended; the database may be away."""
    from snnlab.experiments import queries
    from snnlab.teams.actions import ensure_first_team

    user, _ = ensure_first_team()
    seen = time.monotonic()
    while True:
        try:
            run = queries.run(user, run_id)
        except DatabaseError:
            if time.monotonic() - seen > DEAF:
                raise
        else:
            seen = time.monotonic()
            yield run
            if run.state in run.TERMINAL:
                return
        time.sleep(GLANCE)
        close_old_connections()


def shown(progress: dict[str, Any]) -> dict[str, Any]:
    """A run's progress in the words of a progress bar."""
    epoch, epochs, batches = (progress.get(name, 1) for name in ("epoch", "epochs", "batches"))
    return {
        "description": f"epoch {epoch} of {epochs}",
        "total": epochs * batches,
        "completed": (epoch - 1) * batches + progress.get("batch", batches),
        "loss": f"loss {progress['loss']:.3f}" if progress.get("loss") is not None else "",
    }


def board_row(run: Any) -> Table:
    """The run's line on its leaderboard, and the place it has there."""
    from snnlab.experiments import queries
    from snnlab.teams.actions import ensure_first_team

    user, _ = ensure_first_team()
    lines = queries.leaderboard(user, run.board)
    place, line = next(
        (place, line)
        for place, line in enumerate(lines, 1)
        if line.experiment_id == run.experiment_id
    )
    table = Table(title=f"Leaderboard {run.board}: place {place} of {len(lines)}")
    for title in ("experiment", "rule", "network", "neuron", "steps", "test accuracy", "energy"):
        table.add_column(title)
    energy = "" if line.energy is None else f"{line.energy:,.0f} nJ (estimated)"
    table.add_row(
        line.title,
        line.method,
        line.network,
        line.neuron,
        str(line.time_steps),
        f"{line.accuracy:.2f} %",
        energy,
    )
    return table


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
