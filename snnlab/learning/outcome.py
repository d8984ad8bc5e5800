"""What `snnlab run --json` prints of a training, and what a lab takes in from elsewhere."""

import json
from typing import Annotated, Any, TypeVar

from pydantic import Field, model_validator

from snnlab.learning.part import Part
from snnlab.learning.spec import Spec


O = TypeVar("O", bound="Outcome")  # noqa: E741  not Self: the tests' shape checker cannot read it
Name = Annotated[str, Field(pattern=r"^[a-z0-9_]+(/[A-Za-z0-9_.]+)*$", max_length=60)]
Metrics = dict[Name, float | None]  # None where a number is none
LAST_METRIC = "test_accuracy"


class Images(Part):
    """Which copy of a data set it was."""

    sha256: str = Field(pattern="^[0-9a-f]{64}$", description="digest of all images")
    caveat: str = Field("", max_length=300, description="how they differ from the published ones")


class Epoch(Part):
    """One pass over the training images."""

    epoch: int = Field(ge=1, le=2000, description="its number, from 1")
    metrics: Metrics = Field(description="what was measured after it")


class Outcome(Part):
    """One training, from its definition to its numbers."""

    definition: Spec = Field(description="what was trained")
    digest: str = Field(description="short name of the definition")
    seed: int = Field(ge=0, lt=2**31, description="seed of the run")
    environment: dict[str, Any] = Field(description="versions, device and threads")
    code: dict[str, Any] = Field({}, description="version and commit of snnlab")
    data: Images = Field(description="the images")
    epochs: tuple[Epoch, ...] = Field(max_length=1000, description="those trained without a break")
    results: Metrics = Field(description="the last metrics, those of the test images among them")
    chips: dict[Name, tuple[tuple[float, ...], ...]] = Field(
        {}, description="test accuracy of each chip: a row for each level or test"
    )
    weights_sha256: str = Field(pattern="^[0-9a-f]{64}$", description="digest of the weights")
    checkpoint: str | None = Field(None, description="file of the last checkpoint, where it ran")
    warnings: tuple[str, ...] = Field((), description="what looked wrong")

    @model_validator(mode="after")
    def agrees(self: O) -> O:
        """Refuse a definition that was changed after the training, and one that never ended."""
        if self.digest != self.definition.digest():
            raise ValueError(
                f"digest is {self.digest}, but the definition's is {self.definition.digest()}: "
                "it was changed since, or means another thing in this version. Run it again"
            )
        trains = self.definition.task.kind == "train"
        accuracy = self.results.get(LAST_METRIC, None if trains else 0.0)
        if accuracy is None:
            raise ValueError(f"results has no {LAST_METRIC}: training had not ended. Run it again")
        if not 0 <= accuracy <= 100:
            raise ValueError(f"{LAST_METRIC} must be in 0..100 %, got {accuracy}. Run it again")
        numbers = [epoch.epoch for epoch in self.epochs]
        if sorted(set(numbers)) != numbers or numbers[-1:] > [self.last]:
            raise ValueError(
                f"epochs must rise to at most {self.last}, got {numbers}. Run it again"
            )
        if "\\u0000" in json.dumps([self.environment, self.code, self.data.caveat]):
            raise ValueError("environment, code and caveat must not contain the character NUL")
        return self

    @property
    def last(self) -> int:
        """The number of the last checkpoint."""
        return self.definition.task.checkpoints(self.definition)

    def points(self) -> list[tuple[str, int, float]]:
        """Every measurement as (metric, epoch, value), the results as those of the last epoch."""
        curves = {epoch.epoch: epoch.metrics for epoch in self.epochs}
        curves[self.last] = self.results
        return [
            (metric, epoch, float("nan") if value is None else value)
            for epoch, metrics in curves.items()
            for metric, value in metrics.items()
        ]
