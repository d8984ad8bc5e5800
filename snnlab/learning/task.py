"""What a run does with its definition. A closed set; `snnlab.learning.work` does it."""

from math import prod
from typing import Annotated, Literal

from pydantic import Field

from snnlab.learning.definition import Definition
from snnlab.learning.neuron import Firing
from snnlab.learning.part import Part


Positive = Annotated[float, Field(gt=0, le=1e6)]
MOST_POINTS = 1000


class Task(Part):
    """Base of every task: it ends after so many checkpoints."""

    def check(self, spec: Definition) -> None:
        """Raise ValueError for a definition that the task cannot be done with."""

    def checkpoints(self, spec: Definition) -> int:
        """How many checkpoints there are until the end."""
        return spec.epochs


class Train(Task):
    """Train the network and test it: a checkpoint after each epoch."""

    kind: Literal["train"] = "train"


class Gradients(Task):
    """Measure the gradients of the untrained network over a grid: a checkpoint after each point.

    Rule, optimizer, schedule and epochs of the definition stay unused: gradients are those of BPTT.
    """

    kind: Literal["gradients"] = "gradients"
    widths: tuple[Positive, ...] = Field(
        (0.1, 0.3, 1.0, 3.0, 10.0),
        min_length=1,
        max_length=100,
        description="widths of the surrogate slope",
    )
    heights: tuple[Positive, ...] = Field(
        (1.0,), min_length=1, max_length=100, description="heights of the surrogate slope"
    )
    depths: tuple[Annotated[int, Field(ge=1, le=100)], ...] = Field(
        (), max_length=100, description="numbers of hidden layers of an mlp; none for its own"
    )
    times: tuple[Annotated[int, Field(ge=1, le=1000)], ...] = Field(
        (),
        max_length=100,
        description="numbers of time steps; none for the definition's own",
        json_schema_extra={"unit": "steps"},
    )

    def check(self, spec: Definition) -> None:
        if not isinstance(spec.neuron, Firing):
            raise ValueError(
                f"neuron.kind {spec.neuron.model_dump()['kind']!r} does not spike, so it has no "
                "surrogate slope whose gradients could be measured. Choose lif"
            )
        if self.depths and not getattr(spec.network, "hidden", ()):
            raise ValueError(
                "task.depths: only a network of hidden layers can be made deeper. Set network.kind "
                "to mlp, or leave depths empty"
            )
        if self.checkpoints(spec) > MOST_POINTS:
            raise ValueError(
                f"task: a grid has at most {MOST_POINTS} points, got {self.checkpoints(spec)}. "
                "Give fewer values"
            )

    def checkpoints(self, spec: Definition) -> int:
        grid = (self.depths, self.times, self.heights, self.widths)
        return prod(max(1, len(values)) for values in grid)

    def points(self) -> list[tuple[int, int, float, float]]:
        """Every (depth, time steps, height, width), in order; 0 is the definition's own."""
        return [
            (depth, steps, height, width)
            for depth in self.depths or (0,)
            for steps in self.times or (0,)
            for height in self.heights
            for width in self.widths
        ]


AnyTask = Annotated[Train | Gradients, Field(discriminator="kind")]
