"""When chips that learn change their weights."""

from dataclasses import dataclass

from hardware.checks import one_of


@dataclass(frozen=True)
class Schedule:
    """When weights change: not in the first share of the steps, then at each, or once per batch."""

    warm_up: float = 0.75
    at: str = "step"

    def __post_init__(self) -> None:
        one_of("at", self.at, ("step", "batch"))
        if not 0 <= self.warm_up < 1:
            raise ValueError(
                f"warm_up must be in 0..1, less than 1, got {self.warm_up!r}. It is the share of "
                "steps that change nothing"
            )
