"""The traces of a figure as items of a picture. Pure functions of plotly's own fields."""

import html
import re
from array import array
from base64 import b64decode
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby, pairwise
from statistics import fmean, quantiles
from typing import Any

from snnlab.drawing.axis import Axis, plain
from snnlab.drawing.scene import Item, Mark, Path, Place, Text, box


COLOURS = ("#2f87d0", "#d98200", "#0f9d75", "#c2589b", "#8a7ae6", "#b8860b", "#56b4e9", "#cc4f39")
DASHES = {"dot": (2.0, 3.0), "dash": (7.0, 4.0), "dashdot": (7.0, 3.0, 2.0, 3.0),
          "longdash": (11.0, 5.0)}  # fmt: skip
CIVIDIS = ("#00224e", "#123570", "#3b496c", "#575d6d", "#707173", "#8a8678", "#a59c74", "#c3b369",
           "#e1cc55", "#fee838")  # fmt: skip
ARRAYS = {"f4": "f", "f8": "d", "i1": "b", "u1": "B", "i2": "h", "u2": "H", "i4": "i", "u4": "I"}
Trace = Mapping[str, Any]


def items(trace: Trace, place: int, x: Axis, y: Axis, ink: str) -> Iterator[Item]:
    """What a trace looks like; what this has no picture of is left out."""
    kind = trace.get("type", "scatter")
    if kind in ("scatter", "scattergl"):
        yield from scatter(trace, place, x, y)
    elif kind == "heatmap":
        yield from heatmap(trace, x, y)
    elif kind in ("violin", "box"):
        yield from spread(trace, place, x, y, ink)
    elif kind == "bar":
        yield from bars(trace, place, x, y)


def scatter(trace: Trace, place: int, x: Axis, y: Axis) -> Iterator[Item]:
    """Lines with gaps where a value is missing, then intervals, then signs."""
    points = placed(trace, x, y)
    mode, colour = trace.get("mode") or "lines+markers", colour_of(trace, place)
    if trace.get("fill") == "toself":
        area = [point for point in points if point]
        yield Path(area, fill=trace.get("fillcolor") or colour, opacity=trace.get("opacity", 0.2))
        return
    line = trace.get("line") or {}
    if "lines" in mode and line.get("width") != 0:
        for known, run in groupby(points, key=bool):
            piece = [point for point in run if point]
            if known and len(piece) > 1:
                shaped = stepped(piece) if line.get("shape") == "hv" else piece
                dash = DASHES.get(line.get("dash") or "", ())
                yield Path(shaped, colour, line.get("width") or 2, dash)
    yield from intervals(trace, points, colour, y)
    if "markers" in mode:
        yield from signs(trace, points, colour)


def placed(trace: Trace, x: Axis, y: Axis) -> list[Place | None]:
    ups = listed(trace.get("y"))
    across = listed(trace.get("x")) or list(range(len(ups)))
    pairs = ((x.place(a), y.place(b)) for a, b in zip(across, ups, strict=False))
    return [None if a is None or b is None else (a, b) for a, b in pairs]


def stepped(points: Sequence[Place]) -> list[Place]:
    made = [points[0]]
    for (_, before), (x, y) in pairwise(points):
        made += [(x, before), (x, y)]
    return made


def intervals(trace: Trace, points: Sequence[Place | None], colour: str, y: Axis) -> Iterator[Path]:
    """Error bars with their ends."""
    halves = listed((trace.get("error_y") or {}).get("array"))
    for point, value, half in zip(points, listed(trace.get("y")), halves, strict=False):
        size = plain(half)
        if point is None or not size:
            continue
        ends = [y.place(plain(value) + sign * size) for sign in (-1, 1)]  # type: ignore[operator]
        known = [end for end in ends if end is not None]
        yield Path([(point[0], end) for end in known], colour, 1)
        for end in known:
            yield Path([(point[0] - 3, end), (point[0] + 3, end)], colour, 1)


def signs(trace: Trace, points: Sequence[Place | None], colour: str) -> Iterator[Mark]:
    look = trace.get("marker") or {}
    size, told = look.get("size") or 7, listed(trace.get("text"))
    for number, point in enumerate(points):
        if point is None:
            continue
        symbol = str(nth(look.get("symbol"), number) or "circle")
        yield Mark(
            *point,
            symbol.removesuffix("-open"),
            size if isinstance(size, int | float) else 7,
            colour,
            nth(look.get("opacity"), number) or 1.0,
            symbol.endswith("-open"),
            words(told[number], " · ") if number < len(told) else "",
        )


def heatmap(trace: Trace, x: Axis, y: Axis) -> Iterator[Item]:
    across, ups = listed(trace.get("x")), listed(trace.get("y"))
    table = [listed(row) for row in listed(trace.get("z"))]
    known = [value for row in table for cell in row if (value := plain(cell)) is not None]
    low, high = min(known, default=0.0), max(known, default=1.0)
    wide = abs(x.end - x.start) / max(len(across), 1)
    tall = abs(y.end - y.start) / max(len(ups), 1)
    for name, row in zip(ups, table, strict=False):
        for at, cell in zip(across, row, strict=False):
            value, left, top = plain(cell), x.place(at), y.place(name)
            if value is None or left is None or top is None:
                continue
            share = (value - low) / ((high - low) or 1)
            corner = (left - wide / 2 + 0.5, top - tall / 2 + 0.5)
            fill = CIVIDIS[min(9, int(share * 10))]
            yield Path(box(*corner, wide - 1, tall - 1), fill=fill)
            ink = "#ffffff" if share < 0.55 else "#1a1d21"
            yield Text(left, top + 4, f"{value:.1f}", 11, ink, "middle")


def spread(trace: Trace, place: int, x: Axis, y: Axis, ink: str) -> Iterator[Item]:
    """Each value as a dot, the quartiles as a box, the mean as a line; up, or to the right."""
    lies = trace.get("orientation") == "h"
    along, across = (x, y) if lies else (y, x)
    values = [
        v for cell in listed(trace.get("x" if lies else "y")) if (v := plain(cell)) is not None
    ]
    middle, colour = across.place(words(str(trace.get("name", "")))), colour_of(trace, place)
    if middle is None or not values:
        return

    def at(value: float, shift: float) -> Place:
        spot = along.place(value) or 0.0
        return (spot, middle + shift) if lies else (middle + shift, spot)

    for number, value in enumerate(values[:500]):
        yield Mark(*at(value, 24 * ((number * 0.618034) % 1 - 0.5)), "circle", 5, colour, 0.5)
    if len(values) > 2:
        first, half, third = quantiles(values, n=4, method="inclusive")
        corners = [at(first, -22), at(third, -22), at(third, 22), at(first, 22), at(first, -22)]
        yield Path(corners, ink, 1.2)
        yield Path([at(half, -22), at(half, 22)], ink, 1.2)
    yield Path([at(fmean(values), -28), at(fmean(values), 28)], colour, 2.5)


def bars(trace: Trace, place: int, x: Axis, y: Axis) -> Iterator[Item]:
    points, colour = placed(trace, x, y), colour_of(trace, place)
    floor = y.place(0)
    base = y.start if floor is None else floor
    wide = 0.7 * abs(x.end - x.start) / max(len(points), 1)
    for point in points:
        if point:
            top = min(point[1], base)
            yield Path(box(point[0] - wide / 2, top, wide, abs(point[1] - base)), fill=colour)


def colour_of(trace: Trace, place: int) -> str:
    for part in ("line", "marker"):
        found = (trace.get(part) or {}).get("color")
        if isinstance(found, str):
            return found
    return COLOURS[place % len(COLOURS)]


def listed(values: Any) -> list[Any]:
    """Values as a list; plotly writes an array of numbers as its bytes."""
    if isinstance(values, Mapping):
        return array(ARRAYS[values["dtype"]], b64decode(values["bdata"])).tolist()
    return [] if values is None or isinstance(values, str) else list(values)


def nth(value: Any, number: int) -> Any:
    """The value of one point: its own, or that of all."""
    if value is None or isinstance(value, str | int | float):
        return value
    found = list(value)
    return found[number] if number < len(found) else None


def words(markup: str, between: str = " ") -> str:
    """A label without its markup."""
    return html.unescape(re.sub(r"<[^>]*>", "", re.sub(r"<br ?/?>", between, str(markup)))).strip()
