"""Many specs asked together: a base, what varies, and how its points are chosen."""

import itertools
import math
import random
from collections.abc import Iterator
from functools import cached_property
from typing import Annotated, Any, Literal, NamedTuple, TypeVar

from pydantic import Field

from snnlab.learning.metrics import METRICS
from snnlab.learning.part import Part
from snnlab.learning.problems import MISSING, Problem, SpecError
from snnlab.learning.space import Raw, Space, Values, changed, owners, written_out
from snnlab.learning.spec import Spec
from snnlab.learning.strategy import (
    MOST_POINTS,
    AnyPruner,
    AnyStrategy,
    Drawn,
    Grid,
    Learning,
    Never,
)


S = TypeVar("S", bound="Sweep")  # not Self: the shape checker of the tests cannot read it
MOST_RUNS = 100_000
AT_ONCE = 4  # runs of a strategy that learns, where nothing is said
TRIES = 20  # draws for each point, before a space is taken for exhausted
TEST = ("test_",)


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


class Point(NamedTuple):
    """One combination of values: a spec, or what is wrong with it."""

    values: Values
    spec: Spec | None
    problem: str = ""


class Sweep(Part):
    """A base definition, a search space, a strategy, and what it may cost."""

    base: Spec = Field(description="what stays the same")
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
    priority: int = Field(0, ge=-100, le=100, description="runs of higher priority go first")
    pool: str = Field("cpu", pattern="^[a-z0-9-]{1,20}$", description="workers that may take them")
    labels: tuple[Annotated[str, Field(pattern="^[A-Za-z0-9_.:=-]{1,50}$")], ...] = Field(
        (), max_length=20, description="what a worker must have, besides the pool"
    )

    @classmethod
    def parse(cls: type[S], data: Any) -> S:
        """As every part, and then the space is tried on the base. Raises SpecError."""
        if isinstance(data, dict) and "space" in data:
            data = data | {"space": written_out(data["space"])}
        sweep = super().parse(data)
        if found := list(sweep.problems()):
            raise SpecError(found)
        return sweep

    @cached_property
    def raw(self) -> Raw:
        """The base as plain data."""
        return self.base.model_dump(mode="json")

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

    def points(self) -> Iterator[Point]:
        """The points in order, each once. Of a strategy that learns there are none to tell."""
        if self.learns:
            return
        seen: set[str] = set()
        wanted, values = self.size(), self.candidates()
        for point in map(self.point, values):
            name = point.spec.digest() if point.spec else repr(point.values)
            if name in seen:
                continue
            seen.add(name)
            yield point
            if len(seen) == wanted:
                return

    def candidates(self) -> Iterator[Values]:
        """Combinations of values; the later ones of a longer sweep do not change the earlier."""
        if isinstance(self.strategy, Grid):
            axes = [axis.grid() for axis in self.space.values()]
            yield from (dict(zip(self.space, p, strict=True)) for p in itertools.product(*axes))
            return
        for number in range(TRIES * self.size()):
            yield self.drawn(number)

    def drawn(self, number: int) -> Values:
        """The values drawn by that number."""
        assert isinstance(self.strategy, Drawn)
        source = random.Random(f"{self.strategy.draw_seed}/{number}")
        return {field: axis.draw(source) for field, axis in self.space.items()}

    def point(self, values: Values) -> Point:
        """The spec of these values, or what is wrong with them, at most 500 characters."""
        try:
            return Point(values, Spec.parse(changed(self.raw, values)))
        except SpecError as error:
            return Point(values, None, str(error)[:500])

    def problems(self) -> Iterator[Problem]:
        """What no single field can tell: fields that do not exist, and sizes."""
        for field in self.space:
            yield from itertools.islice(self.misfits(field), 1)
        yield from self.misaimed()
        if len(set(self.seeds)) != len(self.seeds):
            yield Problem("seeds", "must differ", list(self.seeds), "Name each once")
        endless = [f for f, axis in self.space.items() if not axis.grid()]
        if isinstance(self.strategy, Grid) and endless:
            rule = "needs a count, for a grid takes so many values of a range"
            yield Problem(f"space.{endless[0]}.count", rule, 0, "Set it, or draw at random")
        elif self.size() > MOST_POINTS:
            rule, way_out = f"has at most {MOST_POINTS:,} points", "Give fewer values"
            yield Problem("space", rule, self.size(), way_out)
        elif self.size() * len(self.seeds) > MOST_RUNS:
            rule, runs = f"has at most {MOST_RUNS:,} runs", self.size() * len(self.seeds)
            yield Problem("seeds", rule, runs, "Give fewer seeds")

    def misfits(self, field: str) -> Iterator[Problem]:
        """Values that the field cannot take, whatever stands in the others.

        A field of a part that varies itself is judged with each point.
        """
        if any(owner in self.space for owner in owners(field)):
            return
        for value in self.space[field].ends():
            try:
                Spec.parse(changed(self.raw, {field: value}))
            except KeyError as error:
                part = str(error.args[0])
                yield Problem(f"space.{field}", f"{part} has no fields", MISSING, "Vary it whole")
            except SpecError as error:
                for problem in error.problems:
                    if f"{problem.place}.".startswith(f"{field}."):
                        yield problem._replace(place=f"space.{problem.place}")

    def misaimed(self) -> Iterator[Problem]:
        """Objectives that are unknown, or that would choose by the test images."""
        names = [objective.metric for objective in self.objectives]
        for number, objective in enumerate(self.objectives):
            place, name = f"objectives.{number}.metric", objective.metric
            if name.partition("/")[0] not in METRICS:
                known = ", ".join(METRICS)
                yield Problem(place, "is no metric", name, f"Known: {known}")
            elif not objective.direction:
                rule = "has no better direction of its own"
                yield Problem(place, rule, name, "Set better to higher or lower")
            elif names.index(name) != number:
                yield Problem(place, "is named twice", name, "Name each metric once")
            elif name.startswith(TEST) and (self.learns or not isinstance(self.pruner, Never)):
                rule = "would be chosen by images that only the end may see"
                yield Problem(place, rule, name, "Take accuracy, which is that of held-out images")
        if len(names) > 1 and not isinstance(self.pruner, Never):
            rule, way_out = "needs a single objective", "Set pruner.kind to none"
            yield Problem("pruner", rule, len(names), way_out)
        if not isinstance(self.pruner, Never) and self.base.task.model_dump()["kind"] != "train":
            rule, way_out = "needs the task train", "Set pruner.kind to none"
            yield Problem("pruner", rule, self.base.task.model_dump()["kind"], way_out)
