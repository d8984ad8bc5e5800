"""Many specs asked together: a base, what varies, and how its points are chosen."""

import itertools
import json
import random
from collections.abc import Iterator
from functools import cached_property
from typing import Any, NamedTuple, TypeVar

from pydantic import Field

from snnlab.learning.metrics import METRICS
from snnlab.learning.plan import MOST_RUNS, Plan
from snnlab.learning.problems import MISSING, Problem, SpecError
from snnlab.learning.space import Raw, Values, changed, owners, written_out
from snnlab.learning.spec import Spec
from snnlab.learning.strategy import MOST_POINTS, TRIES, Drawn, Grid, Never


S = TypeVar("S", bound="Sweep")  # not Self: the shape checker of the tests cannot read it
TEST = ("test_",)


class Point(NamedTuple):
    """One combination of values: a spec and its digest, or what is wrong with it."""

    values: Values
    spec: Spec | None
    digest: str = ""
    problem: str = ""

    @property
    def name(self) -> str:
        """What tells it from other points."""
        return self.digest or json.dumps(self.values, sort_keys=True)


class Sweep(Plan):
    """A plan and the definition that it starts from."""

    base: Spec = Field(description="what stays the same")

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

    def points(self) -> Iterator[Point]:
        """The points in order, each once. Of a strategy that learns there are none to tell."""
        if self.learns:
            return
        seen: set[str] = set()
        wanted, values = self.size(), self.candidates()
        for point in map(self.point, values):
            if point.name in seen:
                continue
            seen.add(point.name)
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
        """The values drawn by that number, each field's whatever the other fields are."""
        assert isinstance(self.strategy, Drawn)
        start = f"{self.strategy.draw_seed}/{number}"
        return {f: axis.draw(random.Random(f"{start}/{f}")) for f, axis in self.space.items()}

    def point(self, values: Values) -> Point:
        """The spec of these values, or what is wrong with them, at most 500 characters."""
        try:
            spec = Spec.parse(changed(self.raw, values))
        except SpecError as error:
            return Point(values, None, problem=str(error)[:500])
        return Point(values, spec, spec.digest())

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
