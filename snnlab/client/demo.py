"""A first experiment, from the queue to the leaderboard, followed in the terminal."""

import os
import sys
from typing import TYPE_CHECKING, Any

import django
from rich.console import Console
from rich.table import Table


if TYPE_CHECKING:
    from snnlab.learning.spec import Spec

FULL, SAMPLE = "mnist-demo", "mnist-sample"  # presets: all of MNIST, and what needs no download
SEED = 1


def main(url: str) -> int:
    """Train the first network; exit code 0 when it succeeded."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "snnlab.settings")
    django.setup()
    from snnlab.client.follow import follow  # here, because it needs the tables
    from snnlab.experiments import queries
    from snnlab.teams.actions import ensure_first_team

    console = Console()
    user, team = ensure_first_team()
    experiment = submit(user, team, *first_definition(console))
    page = f"{url}runs/{queries.runs(user, experiment).get().pk}/"
    console.print(f"Watch it at {page}", highlight=False)
    (run,) = follow(user, experiment)
    if run.state != "succeeded":
        console.print(f"Run {run.pk} {run.state}: {run.message or run.reason}", style="red")
        return 1
    console.print(f"Test accuracy: [bold]{run.results['test_accuracy']:.2f} %[/bold]")
    show_ours(user, team, console)
    console.print(board_row(user, run))
    console.print(f"The board: {url}boards/{run.board}/", highlight=False)
    console.print(f"The run:   {page}", highlight=False)
    return 0


def show_ours(user: Any, team: Any, console: Console) -> None:
    """Put what the presets reached onto the boards, where a checkout has it."""
    from snnlab.client.demo_data import outcomes
    from snnlab.client.importing import taken
    from snnlab.client.trouble import Trouble
    from snnlab.experiments.actions import Refused

    try:
        found = taken(outcomes(), user, team, demo=True)
    except (Trouble, Refused) as error:  # an older lab may hold other ones
        console.print(f"The outcomes of snnlab's own presets are not shown: {error}")
        return
    if found:
        console.print(f"The boards show {len(found)} outcomes of snnlab's own presets beside it")


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


def submit(user: Any, team: Any, title: str, spec: "Spec") -> Any:
    """Queue the first experiment."""
    from snnlab.experiments import actions

    return actions.submit(
        team=team, actor=user.username, name=title, specs=[spec], seeds=[SEED], tags=["demo"]
    )


def board_row(user: Any, run: Any) -> Table:
    """The run's line on its leaderboard, and the place it has there."""
    from snnlab.experiments import queries

    lines = queries.leaderboard(user, run.board)
    line = next(line for line in lines if line.experiment_id == run.experiment_id)
    ranked = sum(other.rank is not None and other.caveat == line.caveat for other in lines)
    table = Table(title=f"Leaderboard {run.board}: rank {line.rank} of {ranked}")
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
