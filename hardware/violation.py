"""One limit of a chip that a network does not keep."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Violation:
    """Where, which limit, what was asked for, and one way out."""

    layer: str
    limit: str
    allowed: object  # as words that follow "must be"
    got: object
    way_out: str
    core: int | None = None

    def __str__(self) -> str:
        place = f"layer {self.layer}" + ("" if self.core is None else f", core {self.core}")
        return f"{place}: {self.limit} must be {self.allowed}, got {self.got}. {self.way_out}"


def message(profile: str, violations: Sequence[Violation]) -> str:
    """All of them at once."""
    return "\n".join([f"{len(violations)} reasons against {profile}:", *map(str, violations)])
