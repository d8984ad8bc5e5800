"""A plotly figure as a picture: its axes, lines, signs, intervals, areas and legend."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from snnlab.drawing.axis import Axis, kind_of, plain
from snnlab.drawing.scene import LIGHT, Item, Mark, Path, Scene, Text, Theme
from snnlab.drawing.traces import DASHES, colour_of, items, listed, words


LEFT, RIGHT, TOP, BOTTOM, LETTER = 68.0, 20.0, 20.0, 56.0, 6.6
MOST_NAMED = 30


class Frame(NamedTuple):
    """Where the axes may be."""

    left: float
    top: float
    right: float
    bottom: float


def draw(
    figure: Mapping[str, Any], width: float = 900, height: float = 480, *, title: str = "",
    theme: Theme = LIGHT,
) -> Scene:  # fmt: skip
    """The picture of a figure, as `figure.to_plotly_json()` has it."""
    traces, layout = list(figure.get("data") or ()), figure.get("layout") or {}
    head = [Text(LEFT, 26, title, 17, theme.ink, bold=True)] if title else []
    top = TOP + (24 if title else 0)
    named, rows = legend(traces, layout, width, top, theme)
    extra = 22 if any("domain" in str(a.get("yref")) or a.get("yref") == "paper"
                      for a in listed(layout.get("annotations"))) and traces else 0  # fmt: skip
    frame = Frame(left_of(traces), top + 20 * rows + extra, width - RIGHT, height - BOTTOM)
    axes = {ref: axis(ref, traces, layout, frame) for ref in refs(traces)}
    drawn: list[Item] = [*head, *named]
    for across, up in pairs(traces):
        drawn += grid(axes[across], axes[up], layout, across, up, theme)
    for place, trace in enumerate(traces):
        x, y = axes[trace.get("xaxis") or "x"], axes[trace.get("yaxis") or "y"]
        drawn += items(trace, place, x, y, theme.ink)
    drawn += shapes(layout, axes, frame)
    drawn += notes(layout, axes, frame, theme)
    return Scene(width, height, drawn, theme, title)


def pairs(traces: Sequence[Any]) -> list[tuple[str, str]]:
    found = ((t.get("xaxis") or "x", t.get("yaxis") or "y") for t in traces)
    return list(dict.fromkeys(found))


def refs(traces: Sequence[Any]) -> list[str]:
    return list(dict.fromkeys([*(ref for pair in pairs(traces) for ref in pair), "x", "y"]))


def said(layout: Mapping[str, Any], ref: str) -> Mapping[str, Any]:
    """What the layout says of an axis: `x2` is `xaxis2` there."""
    return layout.get(f"{ref[0]}axis{ref[1:]}") or {}


def axis(ref: str, traces: Sequence[Any], layout: Mapping[str, Any], frame: Frame) -> Axis:
    """An axis with the values of all traces on it, and on those that it matches."""
    own = said(layout, ref)
    group = {ref, own.get("matches")} | {
        other for other in refs(traces) if ref in (said(layout, other).get("matches"),)
    }
    values = [v for t in traces for v in values_of(t, ref[0]) if belongs(t, ref[0], group)]
    fixed = listed(own.get("range"))
    made = Axis(
        kind_of(values, own.get("type") or ""),
        values,
        flipped=own.get("autorange") == "reversed",
    )
    if len(fixed) == 2 and made.kind != "category" and None not in map(plain, fixed):
        made.low, made.high = (plain(end) or 0.0 for end in fixed)
    if own.get("rangemode") == "tozero" and made.kind == "linear":
        made.low = min(0.0, made.low)
    low, high = own.get("domain") or (0.0, 1.0)
    if ref[0] == "x":
        wide = frame.right - frame.left
        return made.along(frame.left + low * wide, frame.left + high * wide)
    tall = frame.bottom - frame.top
    return made.along(frame.bottom - low * tall, frame.bottom - high * tall)


def belongs(trace: Any, letter: str, group: set[Any]) -> bool:
    return (trace.get(f"{letter}axis") or letter) in group


def values_of(trace: Any, letter: str) -> list[Any]:
    """The values of a trace along x or y, with its intervals."""
    lies = trace.get("orientation") == "h"
    if trace.get("type") in ("violin", "box") and letter == ("y" if lies else "x"):
        return [words(str(trace.get("name", "")))]
    found = listed(trace.get(letter))
    halves = listed((trace.get("error_y") or {}).get("array")) if letter == "y" else []
    ends = [
        plain(value) + sign * half  # type: ignore[operator]
        for value, half in zip(found, halves, strict=False)
        for sign in (-1, 1)
        if half and plain(value) is not None
    ]
    if trace.get("type") == "bar" and letter == "y":
        found = [0.0, *found]
    return found + ends


def left_of(traces: Sequence[Any]) -> float:
    """Room for the longest word beside the axis."""
    words_of = (v for t in traces for v in values_of(t, "y") if isinstance(v, str))
    longest = max(map(len, words_of), default=0)
    return max(LEFT, min(320.0, longest * LETTER + 16))


def grid(
    x: Axis, y: Axis, layout: Mapping[str, Any], across: str, up: str, theme: Theme
) -> Iterator[Item]:
    """Lines, ticks and titles of two axes."""
    of_x, of_y = said(layout, across), said(layout, up)
    low, high = max(y.start, y.end), min(y.start, y.end)
    left, right = min(x.start, x.end), max(x.start, x.end)
    if of_y.get("visible") is not False:
        for at, text in ticks(y, of_y):
            yield Path([(left, at), (right, at)], theme.grid, 1)
            if of_y.get("showticklabels") is not False:
                yield Text(left - 8, at + 4, text, 12, theme.quiet, "end")
        if name := title_of(of_y):
            yield Text(left - 50, (low + high) / 2, name, 13, theme.ink, "middle", turned=True)
    if of_x.get("visible") is not False:
        for at, text in ticks(x, of_x):
            if x.kind != "category":
                yield Path([(at, low), (at, low + 4)], theme.quiet, 1)
            yield Text(at, low + 18, text, 12, theme.quiet, "middle")
        if name := title_of(of_x):
            yield Text((left + right) / 2, low + 40, name, 13, theme.ink, "middle")
        yield Path([(left, low), (right, low)], theme.quiet, 1)


def ticks(axis: Axis, of: Mapping[str, Any]) -> list[tuple[float, str]]:
    """The layout's own ticks, or those of the axis."""
    values, names = listed(of.get("tickvals")), listed(of.get("ticktext"))
    if not values:
        return axis.ticks()
    named = zip(values, names or map(str, values), strict=False)
    return [(at, words(name)) for value, name in named if (at := axis.place(value)) is not None]


def title_of(axis: Mapping[str, Any]) -> str:
    title = axis.get("title") or ""
    return words(title.get("text") or "" if isinstance(title, Mapping) else title)


def legend(
    traces: Sequence[Any], layout: Mapping[str, Any], width: float, top: float, theme: Theme
) -> tuple[list[Item], int]:
    """A sign and a name for each trace that has one, in rows; and how many rows."""
    shown = [
        (place, trace)
        for place, trace in enumerate(traces)
        if trace.get("name")
        and trace.get("showlegend") is not False
        and trace.get("type", "scatter") not in ("heatmap", "violin", "box")
    ]
    if layout.get("showlegend") is False or not shown:
        return [], 0
    x, row, made = LEFT, 1, list[Item]()
    for place, trace in shown[:MOST_NAMED]:
        name = words(str(trace["name"]))
        if x > LEFT and x + 30 + len(name) * LETTER > width - RIGHT:
            x, row = LEFT, row + 1
        at = top + 20 * (row - 1) + 4
        made += sample(trace, place, x, at)
        made.append(Text(x + 26, at + 4, name, 12, theme.ink))
        x += 44 + len(name) * LETTER
    return made, row


def sample(trace: Any, place: int, x: float, y: float) -> Iterator[Item]:
    colour, mode = colour_of(trace, place), trace.get("mode") or "lines+markers"
    if "lines" in mode:
        dash = DASHES.get((trace.get("line") or {}).get("dash") or "", ())
        yield Path([(x, y), (x + 20, y)], colour, 2, dash)
    if "markers" in mode:
        symbol = (trace.get("marker") or {}).get("symbol")
        symbol = symbol if isinstance(symbol, str) else "circle"
        hollow = symbol.endswith("-open")
        yield Mark(x + 10, y, symbol.removesuffix("-open"), 8, colour, hollow=hollow)


def spot(value: Any, ref: str, axes: Mapping[str, Axis], frame: Frame) -> float | None:
    """Where something stands: on an axis, or at a share of one or of the picture."""
    letter = "x" if ref.startswith("x") or ref == "paper-x" else "y"
    if ref.startswith("paper"):
        low, high = (frame.left, frame.right) if letter == "x" else (frame.bottom, frame.top)
        return low + float(value) * (high - low)
    known = axes.get(ref.removesuffix(" domain"))
    if known is None:
        return None
    if ref.endswith(" domain"):
        return known.start + float(value) * (known.end - known.start)
    return known.place(value)


def reference(one: Mapping[str, Any], letter: str) -> str:
    found = one.get(f"{letter}ref") or letter
    return f"paper-{letter}" if found == "paper" else str(found)


def shapes(layout: Mapping[str, Any], axes: Mapping[str, Axis], frame: Frame) -> Iterator[Item]:
    """Straight lines that the layout draws."""
    for one in listed(layout.get("shapes")):
        ends = [
            (spot(one[f"x{end}"], reference(one, "x"), axes, frame),
             spot(one[f"y{end}"], reference(one, "y"), axes, frame))
            for end in (0, 1)
        ]  # fmt: skip
        line = one.get("line") or {}
        if one.get("type") == "line" and all(None not in end for end in ends):
            known = [(float(x or 0), float(y or 0)) for x, y in ends]
            dash = DASHES.get(line.get("dash") or "", ())
            yield Path(known, line.get("color") or "#7b8490", line.get("width") or 1, dash)


def notes(
    layout: Mapping[str, Any], axes: Mapping[str, Axis], frame: Frame, theme: Theme
) -> Iterator[Text]:
    """Words that the layout puts somewhere, such as the titles of small charts."""
    for one in listed(layout.get("annotations")):
        x = spot(one.get("x", 0.5), reference(one, "x"), axes, frame)
        y = spot(one.get("y", 0.5), reference(one, "y"), axes, frame)
        text = words(one.get("text") or "")
        if x is None or y is None or not text:
            continue
        anchor = {"left": "start", "right": "end"}.get(one.get("xanchor") or "", "middle")
        lift = -6 if one.get("yanchor") == "bottom" else 4
        size = (one.get("font") or {}).get("size") or 13
        yield Text(x + (one.get("xshift") or 0), y + lift, text, min(size, 14), theme.ink, anchor)
