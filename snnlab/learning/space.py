"""What a sweep varies: fields of a definition by their dotted names, and their values."""

import math
from abc import abstractmethod
from collections.abc import Iterable, Mapping
from random import Random
from typing import Annotated, Any, Literal

from pydantic import Field, JsonValue, model_validator

from snnlab.learning.part import Part


Raw = dict[str, Any]
Values = dict[str, Any]  # of one point, by the name of the field
FIELD = r"^[a-z0-9_]+(\.[a-z0-9_]+)*$"


class Axis(Part):
    """The values of one field."""

    @abstractmethod
    def grid(self) -> list[Any]:
        """All values, or evenly spread ones of a range. Empty if there is no end to them."""

    @abstractmethod
    def draw(self, random: Random) -> Any:
        """One value, each as likely as any other; on a logarithmic scale if so said."""

    @abstractmethod
    def ends(self) -> list[Any]:
        """The values that tell whether the field takes all."""

    @property
    def size(self) -> int | float:
        """How many different values there are to draw."""
        return math.inf


class Choices(Axis):
    """Any of these values; a table stands for a whole part, such as a rule with its fields."""

    kind: Literal["choices"] = "choices"
    values: tuple[JsonValue, ...] = Field(
        min_length=1, max_length=1000, description="the values, each of them different"
    )

    @model_validator(mode="after")
    def differ(self) -> "Choices":
        for number, value in enumerate(self.values):
            if value in self.values[:number]:
                raise ValueError(f"values must differ, got {value!r} twice")
        return self

    def grid(self) -> list[Any]:
        return list(self.values)

    def draw(self, random: Random) -> Any:
        return self.values[random.randrange(len(self.values))]

    def ends(self) -> list[Any]:
        return list(self.values)

    @property
    def size(self) -> int | float:
        return len(self.values)


class Range(Axis):
    """From `low` to `high`, both included."""

    log: bool = Field(
        default=False, description="whether values are spread evenly by their logarithm"
    )

    @model_validator(mode="after")
    def rises(self) -> "Range":
        low, high = self.ends()
        if not low < high:
            raise ValueError(f"low must be less than high, got {low} and {high}")
        if self.log and low <= 0:
            raise ValueError(f"low must be greater than 0 where log is true, got {low}")
        return self

    def ends(self) -> list[Any]:
        return [getattr(self, "low"), getattr(self, "high")]  # noqa: B009  each kind has its own

    def spread(self, share: float) -> float:
        """The number at that share, 0..1, of the way from low to high."""
        low, high = self.ends()
        if self.log:
            return float(low * (high / low) ** share)
        return float(low + (high - low) * share)


class Whole(Range):
    """Whole numbers."""

    kind: Literal["int"] = "int"
    low: int = Field(description="smallest value")
    high: int = Field(description="largest value")
    step: int = Field(1, ge=1, description="distance of neighbours; 1 where log is true")

    @model_validator(mode="after")
    def steps(self) -> "Whole":
        if self.log and self.step != 1:
            raise ValueError(f"step must be 1 where log is true, got {self.step}")
        return self

    @property
    def size(self) -> int | float:
        return (self.high - self.low) // self.step + 1

    def grid(self) -> list[Any]:
        return list(range(self.low, self.high + 1, self.step))

    def draw(self, random: Random) -> Any:
        if self.log:
            return min(self.high, max(self.low, round(self.spread(random.random()))))
        return random.randrange(self.low, self.high + 1, self.step)


class Real(Range):
    """Real numbers; a grid takes `count` of them."""

    kind: Literal["float"] = "float"
    low: float = Field(description="smallest value")
    high: float = Field(description="largest value")
    count: int = Field(0, ge=0, le=1000, description="how many of them a grid takes, ends included")

    def grid(self) -> list[Any]:
        if self.count < 2:
            return [self.low][: self.count]
        inner = (self.spread(i / (self.count - 1)) for i in range(1, self.count - 1))
        return [self.low, *(float(f"{value:.6g}") for value in inner), self.high]

    def draw(self, random: Random) -> Any:
        return min(self.high, max(self.low, self.spread(random.random())))


AnyAxis = Annotated[Choices | Whole | Real, Field(discriminator="kind")]
Space = dict[Annotated[str, Field(pattern=FIELD)], AnyAxis]


def written_out(space: Any) -> Any:
    """A space as data where a mere list of values became choices."""
    if not isinstance(space, Mapping):
        return space
    return {
        field: {"kind": "choices", "values": axis} if isinstance(axis, list) else axis
        for field, axis in space.items()
    }


def changed(base: Raw, values: Mapping[str, Any]) -> Raw:
    """The definition with these values in place; `base` stays as it is.

    Whole parts come before their fields. A new `kind` drops the other fields of its part, which
    then begin with their defaults. Raises KeyError with the place of a part that has no fields.
    """
    data = dict(base)
    for field in sorted(
        values, key=lambda name: (name.count("."), not name.endswith("kind"), name)
    ):
        put(data, field, values[field])
    return data


def put(data: Raw, field: str, value: Any) -> None:
    """Set one field, replacing the tables on the way to it by copies."""
    *tables, name = field.split(".")
    for number, table in enumerate(tables, 1):
        if not isinstance(data.get(table), dict):
            raise KeyError(".".join(tables[:number]))
        data[table] = dict(data[table])
        data = data[table]
    if name == "kind" and tables and data.get("kind") != value:
        data.clear()
    data[name] = value


def owners(field: str) -> Iterable[str]:
    """The names whose values decide if a field exists: the parts around it, and their kinds."""
    tables = field.split(".")
    for depth in range(1, len(tables)):
        part = ".".join(tables[:depth])
        yield from (part, f"{part}.kind")
