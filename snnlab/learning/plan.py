"""What a sweep does, but for the base that it starts from: it can be read without PyTorch."""

import math
from typing import Annotated, Any, Literal, TypeVar

from pydantic import Field

from snnlab.learning.metrics import METRICS
from snnlab.learning.part import Part
from snnlab.learning.space import Space
from snnlab.learning.strategy import AnyPruner, AnyStrategy, Drawn, Grid, Learning, Never


P = TypeVar("P", bound="Plan")  # not Self: the shape checker of the tests cannot read it
MOST_RUNS = 100_000
AT_ONCE = 4  # runs of a strategy that learns, where nothing is said


class Objective(Part):
    """A metric that good points are told by."""

    metric: str = Field(
        "accuracy", max_length=60, description="its name, such as accuracy or energy"
    )
    better: Literal["higher", "lower", "usual"] = Field(
        "usual", description="which values are better; usual: as the table of metrics says"
    )

    @property
    def direction(self) -> str:
        """higher, lower, or nothing where neither is known."""
        if self.better != "usual":
            return self.better
        known = METRICS.get(self.metric.partition("/")[0])
        return known.better if known else ""


class Plan(Part):
    """A search space, a strategy, and what it may cost."""

    space: Space = Field({}, max_length=50, description="fields that vary, and their values")
    strategy: AnyStrategy = Field(Grid(), description="which points of the space are tried")
    seeds: tuple[Annotated[int, Field(ge=0, le=2**31 - 1)], ...] = Field(
        (1,), min_length=1, max_length=1000, description="seeds of each point, one run for each"
    )
    objectives: tuple[Objective, ...] = Field(
        (Objective(),), min_length=1, max_length=3, description="what good points are told by"
    )
    pruner: AnyPruner = Field(Never(), description="which runs are stopped early")
    most_runs: int | None = Field(
        None, ge=1, le=MOST_RUNS, description="budget: runs in all; empty for no limit"
    )
    most_hours: float | None = Field(
        None,
        gt=0,
        le=1e6,
        description="budget: time of all runs together, after which none is added",
        json_schema_extra={"unit": "hours"},
    )
    parallel: int | None = Field(
        None,
        ge=1,
        le=10_000,
        description=f"most runs at once; empty for all, or {AT_ONCE} where the strategy learns",
    )
    priority: int = Field(0, ge=-1000, le=1000, description="runs of higher priority go first")
    pool: str = Field(
        "cpu", pattern="^[a-z0-9][a-z0-9._-]{0,19}$", description="workers that may take them"
    )
    labels: tuple[Annotated[str, Field(pattern="^[a-z0-9][a-z0-9._-]{0,39}$")], ...] = Field(
        (), max_length=10, description="what a worker must have, besides the pool"
    )
    devices: int = Field(1, ge=1, le=64, description="GPUs, or processes on a CPU, of each run")
    memory: int | None = Field(
        None,
        ge=16,
        le=2**31 - 1,
        description="what each run needs, and may use at most",
        json_schema_extra={"unit": "MB"},
    )
    wall: int | None = Field(
        None,
        ge=1,
        le=2**31 - 1,
        description="longest time of one attempt at a run",
        json_schema_extra={"unit": "s"},
    )
    reuse: bool = Field(
        default=False,
        description="take known results of the same definition, seed and code instead of training",
    )

    @classmethod
    def of(cls: type[P], definition: dict[str, Any]) -> P:
        """The plan in the definition of a sweep, which was checked when it was made."""
        return cls.model_validate({k: v for k, v in definition.items() if k in cls.model_fields})

    @property
    def learns(self) -> bool:
        """Whether the next point waits for results."""
        return isinstance(self.strategy, Learning)

    @property
    def at_once(self) -> int | float:
        """How many runs may be on their way at the same time."""
        return self.parallel or (AT_ONCE if self.learns else math.inf)

    def size(self) -> int:
        """How many points there will be, before anything is made; duplicates are found later."""
        if isinstance(self.strategy, Grid):
            return math.prod(len(axis.grid()) for axis in self.space.values())
        assert isinstance(self.strategy, Drawn)
        every = math.prod(axis.size for axis in self.space.values())
        return int(min(self.strategy.points, every))

    def runs(self) -> int:
        """How many runs there will be at most."""
        return min(self.size() * len(self.seeds), self.most_runs or MOST_RUNS)
