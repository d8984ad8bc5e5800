"""Small pictures of numbers, drawn by the server: where each thing lies, in units of a picture.

Nothing is told by colour alone: lines have dashes and marks of their own, and each picture has its
numbers in a table beside it.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

from hardware.robustness import level


WIDTH, HEIGHT = 560, 260
LEFT, RIGHT, TOP, BOTTOM = 46, 12, 10, 40
GOLDEN = (math.sqrt(5) - 1) / 2
ROW = 34  # height of a strip
MOST_DOTS = 500


class Tick(NamedTuple):
    at: float
    text: str


class Mark(NamedTuple):
    """One number: where it lies, and what a pointer is told."""

    x: float
    y: float
    title: str


class Line(NamedTuple):
    """Numbers that belong together, and the band in which their means are believed to lie."""

    name: str
    style: str
    path: str
    band: str
    marks: list[Mark]


class Chart(NamedTuple):
    """Accuracy over something."""

    lines: list[Line]
    x: list[Tick]
    y: list[Tick]


class Strip(NamedTuple):
    """A row of dots, one for each chip, and their mean with its interval."""

    name: str
    y: float
    dots: list[Mark]
    mean: float
    low: float
    high: float


class Strips(NamedTuple):
    height: float
    floor: float
    rows: list[Strip]
    x: list[Tick]
    line: float | None  # what they are compared with


class Scale:
    """From numbers to places."""

    def __init__(self, low: float, high: float, start: float, end: float) -> None:
        self.low, self.start = low, start
        self.factor = (end - start) / ((high - low) or 1)

    def __call__(self, value: float) -> float:
        return round(self.start + (value - self.low) * self.factor, 2)


def chart(
    levels: Sequence[float], series: Sequence[tuple[str, str, Sequence[Sequence[float | None]]]]
) -> Chart:
    """Series of (name, style, (mean, low, high) for each level); a level of none is left out."""
    x = Scale(levels[0], levels[-1], LEFT, WIDTH - RIGHT)
    values = [v for _, _, points in series for point in points for v in point if v is not None]
    low, high = ends(values)
    y = Scale(low, high, HEIGHT - BOTTOM, TOP)
    lines = [line(name, style, levels, points, x, y) for name, style, points in series]
    return Chart(
        lines,
        [Tick(x(level), f"{level:g}") for level in levels],
        [Tick(y(value), f"{value:g}") for value in steps(low, high)],
    )


def line(
    name: str,
    style: str,
    levels: Sequence[float],
    points: Sequence[Sequence[float | None]],
    x: Scale,
    y: Scale,
) -> Line:
    there = [(at, p[0], p[1], p[2]) for at, p in zip(levels, points, strict=True)]
    means = [(at, mean) for at, mean, _, _ in there if mean is not None]
    band = [(at, lo, hi) for at, _, lo, hi in there if lo is not None and hi is not None]
    edge = [(at, hi) for at, _, hi in band] + [(at, lo) for at, lo, _ in reversed(band)]
    title = f"{name}, level {{:g}}: {{:.2f}} %"
    return Line(
        name,
        style,
        " ".join(f"{x(at)},{y(mean)}" for at, mean in means),
        " ".join(f"{x(at)},{y(v)}" for at, v in edge),
        [Mark(x(at), y(mean), title.format(at, mean)) for at, mean in means],
    )


def strips(rows: Sequence[tuple[str, Sequence[float]]], line: float | None = None) -> Strips:
    """One row of chips for each test; `line` is the network's own accuracy."""
    known = [interval(chips) for _, chips in rows]
    seen = [v for _, chips in rows for v in chips] + [v for _, *both in known for v in both]
    low, high = ends(seen + ([] if line is None else [line]))
    x = Scale(low, high, LEFT, WIDTH - RIGHT)
    floor = TOP + ROW * len(rows) + 16 * len(rows)
    return Strips(
        floor + BOTTOM,
        floor,
        [strip(*row, TOP + 50 * n + 32, x) for n, row in enumerate(rows)],
        [Tick(x(value), f"{value:g}") for value in steps(low, high)],
        None if line is None else x(line),
    )


def strip(name: str, chips: Sequence[float], y: float, x: Scale) -> Strip:
    """Dots are moved up and down a little, so that equal chips can be told apart."""
    mean, low, high = interval(chips)
    dots = [
        Mark(x(v), round(y + 16 * ((n * GOLDEN) % 1 - 0.5), 2), f"chip {n}: {v:.2f} %")
        for n, v in enumerate(chips[:MOST_DOTS])
    ]
    return Strip(name, y, dots, x(mean), x(low), x(high))


def interval(chips: Sequence[float]) -> tuple[float, float, float]:
    """Mean of the chips and its interval at 95 %; of one chip, three times the same."""
    known = level("", 0.0, chips)
    low, high = (known.mean if math.isnan(end) else end for end in (known.low, known.high))
    return known.mean, max(0.0, low), min(100.0, high)


def ends(values: Sequence[float]) -> tuple[float, float]:
    """Round numbers around all of these, within 0..100."""
    step = 10 if max(values, default=100) - min(values, default=0) > 15 else 5
    low = step * math.floor(min(values, default=0) / step)
    return max(0, low), max(min(100, step * math.ceil(max(values, default=100) / step)), low + step)


def steps(low: float, high: float) -> list[float]:
    """Four to seven round numbers from one end to the other."""
    step = next(s for s in (1, 2, 5, 10, 20, 25) if (high - low) / s <= 6)
    return [low + step * n for n in range(int((high - low) / step) + 1)]
