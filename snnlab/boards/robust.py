"""What many chips say together: series of methods over levels. Pure functions of rows.

A chip's accuracy is its mean over the runs (seeds) that met it; intervals are those of the mean
over chips. Methods that met the same chips are compared chip by chip.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from statistics import fmean
from typing import Any, NamedTuple

from snnlab.experiments.queries import ChipRow
from snnlab.experiments.statistics import Difference, Interval, difference, interval


METHODS = {
    "conversion": "conversion",
    "bptt": "BPTT",
    "ltl-offline": "LTL",
    "ltl-online": "LTL online",
}
WORSE: Mapping[str, Any] = {"mismatch": max, "silencing": max, "bits": min, "thermal": max}


class At(NamedTuple):
    """One method at one level: the accuracy of each chip, by its number and the seed it is of."""

    level: float
    chips: dict[int, float]
    runs: list[int]

    @property
    def values(self) -> list[float]:
        return list(self.chips.values())

    @property
    def mean(self) -> float:
        return fmean(self.values)

    @property
    def worst(self) -> float:
        return min(self.values)

    @property
    def interval(self) -> Interval | None:
        return interval(self.values)


class Series(NamedTuple):
    """One method on one network over the levels of one non-ideality.

    `family` is the method without its calibration, of `passes` over the data on each chip.
    """

    method: str
    nonideality: str
    points: list[At]
    family: str
    passes: int

    @property
    def area(self) -> float | None:
        """The area under the means over the level, per unit of level: a mean accuracy."""
        return area([(at.level, at.mean) for at in self.points])

    @property
    def area_interval(self) -> Interval | None:
        """That of the mean over chips of each chip's own area."""
        shared = set.intersection(*(set(at.chips) for at in self.points))
        own = [area([(at.level, at.chips[chip]) for at in self.points]) for chip in sorted(shared)]
        return interval([value for value in own if value is not None])


def area(points: Iterable[tuple[float, float]]) -> float | None:
    """By trapezoids, over the width; nothing for fewer than two levels."""
    ordered = sorted(points)
    width = ordered[-1][0] - ordered[0][0] if ordered else 0.0
    if width <= 0:
        return None
    return sum((b[0] - a[0]) * (a[1] + b[1]) / 2 for a, b in pairwise(ordered)) / width


def method(row: ChipRow) -> str:
    """What is compared: the rule, and how often each chip learned."""
    return METHODS.get(row.rule, row.rule) + calibrated(row.passes)


def calibrated(passes: int) -> str:
    if not passes:
        return ""
    return f", calibrated ({passes} pass{'es' if passes > 1 else ''})"


def series(rows: Sequence[ChipRow]) -> list[Series]:
    """All methods and non-idealities, in order; definitions of one method are told apart."""
    families = named(rows)
    groups: dict[tuple[str, str, int], dict[float, list[ChipRow]]] = {}
    for row in rows:
        key = (row.nonideality, families[row.digest, row.passes], row.passes)
        groups.setdefault(key, {}).setdefault(row.level, []).append(row)
    return [
        Series(
            family + calibrated(passes),
            nonideality,
            [at(level, found) for level, found in sorted(levels.items())],
            family,
            passes,
        )
        for (nonideality, family, passes), levels in sorted(groups.items(), key=order)
    ]


def order(group: tuple[tuple[str, str, int], Any]) -> tuple[int, str, str, int]:
    """Non-idealities as the table of them has it, methods by name, more passes later."""
    nonideality, family, passes = group[0]
    known = list(WORSE)
    place = known.index(nonideality) if nonideality in known else len(known)
    return place, nonideality, family.lower(), passes


def named(rows: Sequence[ChipRow]) -> dict[tuple[str, int], str]:
    """The family of each definition, with its digest where two definitions share a method."""
    of: dict[str, set[str]] = {}
    for row in rows:
        of.setdefault(method(row), set()).add(row.digest)
    return {
        (row.digest, row.passes): METHODS.get(row.rule, row.rule)
        + (f" {row.digest[:6]}" if len(of[method(row)]) > 1 else "")
        for row in rows
    }


def worst_level(found: Sequence[Series], nonideality: str) -> float:
    """The level at which a chip is worst; 0 where none was tested."""
    levels = {at.level for each in found if each.nonideality == nonideality for at in each.points}
    return WORSE.get(nonideality, max)(levels, default=0.0)


def at(level: float, rows: Sequence[ChipRow]) -> At:
    """The chips of one level, the seeds that met the same chip folded into one value."""
    found: dict[int, list[float]] = {}
    for row in rows:
        for chip, accuracy in enumerate(row.accuracies):
            found.setdefault(row.chip_seed * 100_000 + chip, []).append(accuracy)
    chips = {chip: fmean(values) for chip, values in sorted(found.items())}
    return At(level, chips, sorted({row.run for row in rows}))


def nonidealities(found: Sequence[Series]) -> list[str]:
    return list(dict.fromkeys(each.nonideality for each in found))


def methods(found: Sequence[Series]) -> list[str]:
    return list(dict.fromkeys(each.method for each in found))


def differences(ours: Series, base: Series) -> list[tuple[float, Difference]]:
    """At each level that both have: ours minus the baseline, chip by chip where they are shared."""
    known: Mapping[float, At] = {at.level: at for at in base.points}
    return [
        (at.level, difference(at.chips, known[at.level].chips))
        for at in ours.points
        if at.level in known
    ]
