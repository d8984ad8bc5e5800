"""Lines and rasters drawn by the server: where each thing lies, in units of a picture."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from snnlab.web.picture import Scale, Tick


WIDTH, HEIGHT = 560, 200
LEFT, RIGHT, TOP, BOTTOM = 52, 10, 8, 24
FLAT = 1e-6  # of the size of numbers: less is no difference
LEAST = 1e-300  # less has no logarithm that could be used
STYLES = ("first", "second", "third", "fourth")

Points = Sequence[tuple[float, float | None]]


class Stroke(NamedTuple):
    """One line; it is interrupted where there is no value."""

    name: str
    style: str
    paths: list[str]


class Strokes(NamedTuple):
    """Lines over something, and perhaps a level across."""

    lines: list[Stroke]
    x: list[Tick]
    y: list[Tick]
    level: float | None


def strokes(series: Sequence[tuple[str, Points]], level: float | None = None) -> Strokes:
    """Series of (name, points); at most as many as there are styles."""
    xs = [x for _, points in series for x, _ in points]
    ys = [y for _, points in series for _, y in points if y is not None]
    first, last = (min(xs), max(xs)) if xs else (0.0, 1.0)
    across = [value for value in marks(first, last) if first <= value <= last]
    up = marks(*ends([*ys, *([] if level is None else [level])]))
    x = Scale(first, last, LEFT, WIDTH - RIGHT)
    y = Scale(up[0], up[-1], HEIGHT - BOTTOM, TOP)
    return Strokes(
        [
            Stroke(name, style, pieces(points, x, y))
            for (name, points), style in zip(series, STYLES, strict=False)
        ],
        [Tick(x(value), f"{value:g}") for value in across],
        [Tick(y(value), f"{value:g}") for value in up],
        None if level is None else y(level),
    )


def pieces(points: Points, x: Scale, y: Scale) -> list[str]:
    """The line as the points of polylines."""
    found: list[list[str]] = [[]]
    for across, up in points:
        if up is None:
            found.append([])
        else:
            found[-1].append(f"{x(across):.1f},{y(up):.1f}")
    return [" ".join(piece) for piece in found if piece]


def ends(values: Sequence[float]) -> tuple[float, float]:
    return (min(values), max(values)) if values else (0.0, 1.0)


def marks(low: float, high: float, most: int = 5) -> list[float]:
    """Round numbers around all that lies between, three to six of them."""
    size = max(abs(low), abs(high))
    width = high - low if high - low > FLAT * size else size
    width = width if width > LEAST else 1.0
    unit = 10 ** math.floor(math.log10(width / most))
    step = next(unit * n for n in (1, 2, 5, 10, 20) if width / (unit * n) <= most)
    first, last = math.floor(low / step), math.ceil(high / step)
    last = max(last, first + 1)
    return [float(f"{step * n:.10g}") for n in range(first, last + 1)]


class Raster(NamedTuple):
    """A mark for each spike, time to the right, a row a neuron."""

    path: str
    height: float
    x: list[Tick]
    left_out: int  # of so many spikes, every other of which may be left out


ROW = 3


def raster(spikes: Any, most: int) -> Raster:
    """Of an array (steps, neurons) of 0 and 1; `most` marks are drawn, evenly chosen."""
    steps, neurons = spikes.shape
    times, rows = spikes.nonzero()
    every = -(-len(times) // most) if len(times) > most else 1
    height = TOP + ROW * neurons
    x = Scale(0, max(steps - 1, 1), LEFT, WIDTH - RIGHT)
    shown = zip(times[::every].tolist(), rows[::every].tolist(), strict=True)
    path = "".join(f"M{x(t):g} {TOP + ROW * n}v{ROW}" for t, n in shown)
    ticks = [v for v in marks(0, steps - 1) if v <= steps - 1 and v == int(v)]
    count = len(times) - len(times[::every])
    return Raster(path, height, [Tick(x(v), f"{v:g}") for v in ticks], count)
