"""Numbers as people read them. Pure functions."""

import math
from collections.abc import Sequence
from statistics import mean, stdev
from typing import NamedTuple

from snnlab.learning.metrics import METRICS, metric


LABELS = {
    "macs": "MACs",
    "acs": "ACs",
    "synops": "Synaptic operations",
    "energy": "Estimated energy",
    "seconds": "Time per epoch",
}


class Row(NamedTuple):
    """One line of a table of metrics."""

    name: str
    value: str
    unit: str
    better: str
    definition: str


def number(value: float | None, digits: int = 4) -> str:
    """A number with so many significant digits; a dash where there is none."""
    if value is None:
        return "–"
    if value == 0 or 1e-3 <= abs(value) < 1e7:
        decimals = max(0, digits - 1 - exponent(value))
        return f"{value:,.{decimals}f}"
    return f"{value:.{digits - 1}e}"


def exponent(value: float) -> int:
    """The power of ten of a number's first digit; 0 for 0."""
    return math.floor(math.log10(abs(value))) if value else 0


def spread(values: Sequence[float]) -> str:
    """Mean and sample standard deviation, or the only value."""
    if not values:
        return "–"
    if len(values) == 1:
        return number(values[0])
    return f"{number(mean(values))} ± {number(stdev(values), 2)}"


def told(name: str, value: float | None) -> str:
    """A metric's value: an epoch is a whole number, all else has its digits."""
    return f"{value:.0f}" if value is not None and name == "selected_epoch" else number(value)


def row(name: str, value: str) -> Row:
    """A table's line for a metric; one that the table does not know keeps its name only."""
    if name.partition("/")[0] not in METRICS:
        return Row(label(name), value, "", "", "")
    known = metric(name)
    return Row(label(name), value, known.unit, known.better, known.definition)


def label(name: str) -> str:
    """A metric's name for people: `firing_rate/conv1` becomes `Firing rate, conv1`."""
    return LABELS.get(name) or name.replace("_", " ").replace("/", ", ").capitalize()


def position(name: str) -> tuple[int, str]:
    """Where a metric stands in a table: as in the table of metrics, layers after their whole."""
    base = name.partition("/")[0]
    return (list(METRICS).index(base) if base in METRICS else len(METRICS), name)
