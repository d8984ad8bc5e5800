"""What a run does with its definition. A closed set; `snnlab.learning.work` does it."""

from math import prod
from typing import Annotated, Literal

from pydantic import Field

from hardware.nonidealities import Nonidealities, nonideality
from snnlab.learning.chip import MILLI, leaks
from snnlab.learning.definition import Definition
from snnlab.learning.neuron import Firing
from snnlab.learning.part import Part


Positive = Annotated[float, Field(gt=0, le=1e6)]
Levels = tuple[Annotated[float, Field(ge=0, le=16)], ...]
MOST_POINTS = 1000


class Task(Part):
    """Base of every task: it ends after so many checkpoints."""

    def check(self, spec: Definition) -> None:
        """Raise ValueError for a definition that the task cannot be done with."""

    def checkpoints(self, spec: Definition) -> int:
        """How many checkpoints there are until the end."""
        return spec.epochs


class Train(Task):
    """Train the network and test it: a checkpoint after each epoch.

    With a chip, one more for the chips, and one for each pass of their calibration.
    """

    kind: Literal["train"] = "train"

    def checkpoints(self, spec: Definition) -> int:
        return spec.epochs + spec.chip.checkpoints(spec.deploy)


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
        if spec.chip.kind != "none":
            raise ValueError(
                "task.kind gradients measures a network on the host, got chip.kind "
                f"{spec.chip.kind!r}. Set chip.kind to none"
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


class Robustness(Task):
    """Train the network, then test it on chips that get worse: a checkpoint for each kind of flaw.

    A training of the same definition and seed is taken from the cache. Deployed calibrated, chips
    are tested again after the first and the last pass of `chip.learning`: a checkpoint for each
    level. Of `chip` nothing else is used. Means, intervals and the worst chip are measurements; the
    accuracy of every chip lies in the checkpoint.
    """

    kind: Literal["robustness"] = "robustness"
    mismatch: Levels = Field(
        (0.0, 0.1, 0.2, 0.3, 0.4, 0.5),
        max_length=50,
        description="spreads, standard deviation over mean, of weights, thresholds and time "
        "constants, frozen for each chip",
    )
    bits: Levels = Field(
        (8.0, 6.0, 5.0, 4.0, 3.0, 2.0), max_length=50, description="numbers of bits of a weight"
    )
    thermal: Levels = Field(
        (0.0, 0.1, 0.2, 0.4, 0.8),
        max_length=50,
        description="stationary noise of the potential, in units of the threshold",
    )
    thermal_time: float | None = Field(
        None,
        gt=0,
        le=1e6,
        description="time in which a neuron that never leaks gathers that noise",
        json_schema_extra={"unit": "ms"},
    )
    silencing: Levels = Field(
        (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6),
        max_length=50,
        description="shares of neurons that never fire, frozen for each chip",
    )
    chips: int = Field(32, ge=1, le=10_000, description="number of chips at each level")
    chip_seed: int = Field(0, ge=0, le=2**31 - 1, description="seed that chips are drawn from")
    images: int = Field(
        500, ge=1, le=1_000_000, description="number of test images, the first ones, to show them"
    )

    def grid(self) -> dict[str, tuple[float, ...]]:
        """The levels of each kind of flaw that is asked for."""
        kinds = {name: getattr(self, name) for name in ("mismatch", "bits", "thermal", "silencing")}
        return {name: levels for name, levels in kinds.items() if levels}

    def flaws(self, name: str, level: float) -> Nonidealities:
        """What is wrong with each chip at one of the levels."""
        gathered = None if self.thermal_time is None else MILLI * self.thermal_time
        highest = max(self.grid()[name])
        return nonideality(name, level, highest=highest, reference_time=gathered)

    def check(self, spec: Definition) -> None:
        if not self.grid():
            raise ValueError("task: there is no level of any kind. Give some for mismatch")
        if spec.deploy == "on-chip" or (spec.deploy == "off-chip") != (spec.chip.kind == "none"):
            raise ValueError(
                "task.kind robustness draws chips of its own, got chip.kind "
                f"{spec.chip.kind!r} and deploy {spec.deploy!r}. Leave both out, or deploy "
                "calibrated with chip.kind emulated"
            )
        for name, levels in self.grid().items():
            for level in levels:
                try:
                    self.flaws(name, level)
                except ValueError as error:
                    raise ValueError(f"task.{name}: level {level:g}: {error}") from error
        if any(self.thermal) and self.thermal_time is None and not leaks(spec.neuron):
            raise ValueError(
                f"task.thermal {max(self.thermal):g} is a stationary noise, which a neuron that "
                "never leaks has not: it gathers noise for ever. Give task.thermal_time, or set "
                "neuron.kind to lif"
            )

    def checkpoints(self, spec: Definition) -> int:
        levels = sum(len(levels) for levels in self.grid().values())
        return len(self.grid()) + levels * (spec.deploy == "calibrated")


class Evaluate(Task):
    """Test the stored weights of a training of the same definition and seed again.

    A lab hands them to the run, which waits for that training. Nothing is trained.
    """

    kind: Literal["evaluate"] = "evaluate"

    def check(self, spec: Definition) -> None:
        if spec.chip.kind != "none":
            raise ValueError(
                "task.kind evaluate tests a network, not chips, got chip.kind "
                f"{spec.chip.kind!r}. Train it again instead"
            )

    def checkpoints(self, spec: Definition) -> int:
        return 1


AnyTask = Annotated[Train | Gradients | Robustness | Evaluate, Field(discriminator="kind")]
