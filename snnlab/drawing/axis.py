"""Axes: from values to places, and their ticks."""

import math
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any


DAY = 86_400.0
SIGNS = "⁰¹²³⁴⁵⁶⁷⁸⁹"


class Axis:
    """One axis, once all its values are known. `kind` is linear, log, date or category."""

    def __init__(self, kind: str, values: Iterable[Any], *, flipped: bool = False) -> None:
        self.kind, self.flipped = kind, flipped
        if kind == "category":
            self.names = list(dict.fromkeys(str(value) for value in values))
            self.low, self.high = -0.5, max(len(self.names), 1) - 0.5
        else:
            found = [v for v in map(self.number, values) if v is not None]
            self.low, self.high = widened(min(found, default=0.0), max(found, default=1.0))
        self.start, self.end = 0.0, 1.0

    def along(self, start: float, end: float) -> "Axis":
        """The same axis from one place to another."""
        self.start, self.end = (end, start) if self.flipped else (start, end)
        return self

    def number(self, value: Any) -> float | None:
        """A value on the axis's own scale; nothing where it has no place."""
        if self.kind == "category":
            return float(self.names.index(str(value))) if str(value) in self.names else None
        found = plain(value)
        if found is None or (self.kind == "log" and found <= 0):
            return None
        return math.log10(found) if self.kind == "log" else found

    def place(self, value: Any) -> float | None:
        found = self.number(value)
        if found is None:
            return None
        return self.start + (found - self.low) / (self.high - self.low) * (self.end - self.start)

    def ticks(self) -> list[tuple[float, str]]:
        """Places and words."""
        made = {"log": self._powers, "date": self._dates, "category": self._names}
        marks = made.get(self.kind, self._steps)()
        width = (self.end - self.start) / (self.high - self.low)
        return [(self.start + (at - self.low) * width, text) for at, text in marks]

    def _names(self) -> list[tuple[float, str]]:
        return [(float(n), name) for n, name in enumerate(self.names)]

    def _steps(self) -> list[tuple[float, str]]:
        step = rounded((self.high - self.low) / 6)
        first = math.ceil(self.low / step - 1e-9)
        last = math.floor(self.high / step + 1e-9)
        return [(n * step, short(n * step, step)) for n in range(first, last + 1)]

    def _powers(self) -> list[tuple[float, str]]:
        span, first = self.high - self.low, math.floor(self.low)
        parts = (1, 2, 5) if span <= 2.5 else (1,)
        every = max(1, math.ceil(span / 8))
        marks = [
            (power + math.log10(part), power_text(power, part))
            for power in range(first, math.ceil(self.high) + 1, every)
            for part in parts
        ]
        return [(at, text) for at, text in marks if self.low <= at <= self.high]

    def _dates(self) -> list[tuple[float, str]]:
        days = (self.high - self.low) / DAY
        form = "%Y" if days > 1000 else "%Y-%m" if days > 60 else "%m-%d" if days > 3 else "%H:%M"
        marks = [self.low + (n + 0.5) * (self.high - self.low) / 5 for n in range(5)]
        words = [(at, datetime.fromtimestamp(at, UTC).strftime(form)) for at in marks]
        return [w for n, w in enumerate(words) if n == 0 or w[1] != words[n - 1][1]]


def plain(value: Any) -> float | None:
    """A value as a finite number; a date as its seconds."""
    if value is None or isinstance(value, bool):
        return None
    if isinstance(value, datetime):
        return value.timestamp()
    if isinstance(value, str):
        return moment(value)
    number = float(value)
    return number if math.isfinite(number) else None


def moment(text: str) -> float | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()


def kind_of(values: Sequence[Any], said: str = "") -> str:
    """The kind of an axis: as its layout says, or as its values are."""
    if said in ("linear", "log", "date", "category"):
        return said
    known = [value for value in values if value is not None]
    if known and all(isinstance(value, datetime) for value in known):
        return "date"
    if known and any(isinstance(value, str) for value in known):
        dates = all(isinstance(v, str) and moment(v) is not None for v in known)
        return "date" if dates else "category"
    return "linear"


def widened(low: float, high: float) -> tuple[float, float]:
    """A range with a little room on both sides."""
    room = (high - low) * 0.05 or abs(low) * 0.05 or 1.0
    return low - room, high + room


def rounded(step: float) -> float:
    """The next 1, 2 or 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(step))
    return next(part * power for part in (1, 2, 5, 10) if part * power >= step * 0.999)


def short(value: float, step: float) -> str:
    if abs(value) >= 1e6 or (step < 1e-4 and value):
        return f"{value:.2g}"
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    return f"{value:,.{decimals}f}".replace("-", "−")


def power_text(power: int, part: int) -> str:
    if -3 <= power <= 4:
        return f"{part * 10.0**power:,g}"
    sign = "⁻" if power < 0 else ""
    raised = f"10{sign}{''.join(SIGNS[int(digit)] for digit in str(abs(power)))}"
    return raised if part == 1 else f"{part}·{raised}"
