"""The query behind a leaderboard: measured results beside published ones."""

from dataclasses import dataclass
from typing import Literal

from snnlab.experiments.published import Published, published
from snnlab.experiments.sql import rows
from snnlab.teams.models import User


@dataclass(frozen=True)
class BoardRow:
    """One line of a leaderboard. Accuracies are test accuracies in %; None is "not known"."""

    kind: Literal["measured", "published"]
    title: str
    method: str
    network: str
    neuron: str
    time_steps: int | None
    accuracy: float
    std: float | None = None
    n: int = 1
    best: float | None = None
    energy: float | None = None
    synops: float | None = None
    firing_rate: float | None = None
    source: str = ""
    url: str = ""
    year: int | None = None
    experiment_id: int | None = None
    run_id: int | None = None
    digest: str = ""
    caveat: str = ""
    selection: str = ""


def leaderboard(user: User, board: str) -> list[BoardRow]:
    """Succeeded runs of the user's teams, a row per experiment and spec, then published results.

    A measured row is the mean over its seeds, with the sample standard deviation from 2 seeds on;
    `run_id` is its best run. Both kinds are sorted by accuracy, best first, in one query.
    """
    found = [*_measured(user, board), *_published(board)]
    return sorted(found, key=lambda row: -row.accuracy)


def boards(user: User) -> list[str]:
    """Every board that has a result to show to this user, by name."""
    found = rows(
        """
        select distinct board from experiments_run run
        join experiments_experiment experiment on experiment.id = run.experiment_id
        join teams_membership member on member.team_id = experiment.team_id
        where member.user_id = %(user)s and state = 'succeeded'""",
        user=user.pk,
    )
    return sorted({row["board"] for row in found} | {row.board for row in published()})


def _measured(user: User, board: str) -> list[BoardRow]:
    found = rows(
        """
        select experiment.id as experiment_id, experiment.name as title, run.digest,
          max(definition #>> '{rule,kind}') as method,
          max(definition #>> '{network,kind}') as network,
          max(definition #>> '{neuron,kind}') as neuron,
          max((definition ->> 'time_steps')::int) as time_steps,
          coalesce(max(definition ->> 'selection'), '') as selection,
          avg(score) as accuracy, stddev_samp(score) as std, count(*) as n, max(score) as best,
          avg((results ->> 'energy')::float) as energy,
          avg((results ->> 'synops')::float) as synops,
          avg((results ->> 'firing_rate')::float) as firing_rate,
          (array_agg(run.id order by score desc, run.id))[1] as run_id,
          max(caveat) as caveat,
          case when bool_or(pool = 'import') then 'imported' else 'measured here' end as source
        from experiments_run run
        join experiments_experiment experiment on experiment.id = run.experiment_id
        join teams_membership member on member.team_id = experiment.team_id
        where member.user_id = %(user)s and run.state = 'succeeded' and run.board = %(board)s
          and score is not null
        group by experiment.id, run.digest""",
        user=user.pk,
        board=board,
    )
    return [BoardRow(kind="measured", **row) for row in found]


def _published(board: str) -> list[BoardRow]:
    return [_row(result) for result in published() if result.board == board]


def _row(result: Published) -> BoardRow:
    return BoardRow(
        kind="published",
        title=result.citation,
        method=result.method,
        network=result.model,
        neuron=result.neuron,
        time_steps=int(result.timesteps) if result.timesteps else None,
        accuracy=float(result.accuracy_percent),
        source=result.arxiv_or_doi or result.citation,
        url=result.url,
        year=int(result.year),
    )
