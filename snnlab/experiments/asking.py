"""What a run asks of its worker, and what it may use."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from snnlab.env import is_label


LONGEST_POOL, LONGEST_LABEL = 20, 40
MOST_DIGITS = 18  # which every bigint can hold
HIGHEST_PRIORITY = 1000
MOST_DEVICES, MOST_LABELS = 64, 10


def whole(text: str) -> int | None:
    """The number of a row, or of how many, that somebody named; None if it is no such number."""
    text = text.strip()
    plain = text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS
    return int(text) if plain else None


class Refused(ValueError):
    """What was asked for is against a rule; the text says which, and the way out."""


@dataclass(frozen=True)
class Ask:
    """The pool whose workers may train a run, the labels they must have, and the run's limits.

    `devices` are GPUs, or processes on a CPU, that one training uses together.
    """

    pool: str = "cpu"
    labels: Sequence[str] = ()
    devices: int = 1
    memory: int | None = None  # MB
    wall: int | None = None  # seconds
    priority: int = 0

    def checked(self) -> dict[str, Any]:
        """The fields of a run. Raises Refused."""
        if not is_label(self.pool, LONGEST_POOL):
            raise Refused(f"pool must be a word such as cpu or gpu, got {self.pool!r}")
        wrong = [label for label in self.labels if not is_label(label, LONGEST_LABEL)]
        if wrong or len(self.labels) > MOST_LABELS:
            raise Refused(
                f"labels must be at most {MOST_LABELS} words of small letters, digits, dots and "
                f"dashes, got {list(self.labels)}"
            )
        _within("devices", self.devices, 1, MOST_DEVICES)
        _within("priority", self.priority, -HIGHEST_PRIORITY, HIGHEST_PRIORITY)
        _within("memory in MB", self.memory, 16, 2**31 - 1)
        _within("wall in seconds", self.wall, 1, 2**31 - 1)
        return {**self.__dict__, "labels": sorted(set(self.labels))}


def _within(name: str, value: int | None, least: int, most: int) -> None:
    if value is not None and not least <= value <= most:
        raise Refused(f"{name} must be in {least}..{most}, got {value}")
