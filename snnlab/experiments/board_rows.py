"""What a leaderboard is asked, and what it answers. See leaderboard.py."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple


KINDS = ("measured", "reproduced", "baseline", "external", "published")

DEFAULT_COLUMNS = (
    "gap",
    "method",
    "network",
    "neuron",
    "time_steps",
    "parameters",
    "acs",
    "sparsity",
    "energy",
    "verified",
    "date",
)


@dataclass(frozen=True)
class Wanted:
    """Which lines of a board, in which order. An empty choice leaves nothing out."""

    board: str
    kinds: tuple[str, ...] = KINDS
    only: int | None = None
    words: tuple[str, ...] = ()
    method: str = ""
    neuron: str = ""
    data: str | None = None
    least_steps: int | None = None
    most_steps: int | None = None
    least_parameters: float | None = None
    most_parameters: float | None = None
    least_seeds: int = 0
    least_verified: int = 0
    rank_published: bool = False
    sort: str = "accuracy"
    descending: bool = True
    page: int = 1
    size: int = 50


@dataclass(frozen=True)
class BoardRow:
    """One line of a leaderboard. Accuracies are test accuracies in %; None is "not known".

    `low` and `high` are Student's 95 % interval of the mean, from three seeds on.
    """

    id: int
    board: str
    kind: str
    title: str
    method: str
    network: str
    neuron: str
    time_steps: int | None
    accuracy: float | None
    low: float | None = None
    high: float | None = None
    std: float | None = None
    best: float | None = None
    n: int = 1
    missing: int = 0
    runs: tuple[int, ...] = ()
    seeds: tuple[int, ...] = ()
    scores: tuple[float | None, ...] = ()
    best_run: int | None = None
    teacher: float | None = None
    parameters: float | None = None
    macs: float | None = None
    acs: float | None = None
    synops: float | None = None
    firing_rate: float | None = None
    energy: float | None = None
    energy_kind: str = ""
    latency: float | None = None
    area: float | None = None
    seconds: float | None = None
    selection: str = ""
    caveat: str = ""
    source: str = ""
    url: str = ""
    year: int | None = None
    finished_at: datetime | None = None
    experiment_id: int | None = None
    team_id: int | None = None
    digest: str = ""
    standing: str = ""
    verified: int = 0
    checked: bool = False
    reproduces_id: int | None = None
    reproduces_title: str = ""
    reproduces_accuracy: float | None = None
    added_at: datetime | None = None
    rank: int | None = None

    @property
    def gap(self) -> float | None:
        """How far from its teacher, in points."""
        return minus(self.accuracy, self.teacher)

    @property
    def to_published(self) -> float | None:
        """How far from the figure that it reproduces, in points."""
        return minus(self.accuracy, self.reproduces_accuracy)

    @property
    def sparsity(self) -> float | None:
        """The share of neurons and steps without a spike, in percent."""
        return None if self.firing_rate is None else 100 * (1 - self.firing_rate)


class Standings(NamedTuple):
    """One page of a board, and what there is to choose from."""

    rows: list[BoardRow]
    total: int
    kinds: dict[str, int]
    methods: list[str]
    neurons: list[str]
    data: dict[str, int]
    ranked: dict[str, int]  # rows that have a rank, by their data


def minus(ours: float | None, other: float | None) -> float | None:
    return None if ours is None or other is None else ours - other


class Point(NamedTuple):
    """A line of a board in a chart; `x` is what its accuracy is set against."""

    id: int
    kind: str
    title: str
    accuracy: float
    low: float | None
    high: float | None
    n: int
    caveat: str
    best_run: int | None
    x: Any
