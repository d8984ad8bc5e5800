"""How chips did as they got worse: a picture for each kind of flaw, and the same as a table."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from snnlab.experiments.queries import Points
from snnlab.web.numbers import number
from snnlab.web.picture import Chart, chart


COLUMNS = ("chip_accuracy", "chip_low", "chip_high", "chip_std", "chip_worst")
TITLES = {
    "mismatch": "Device mismatch",
    "thermal": "Thermal noise",
    "silencing": "Neuron silencing",
    "bits": "Bits of a weight",
}
AXES = {
    "mismatch": "spread: standard deviation over mean",
    "thermal": "noise of the potential, in thresholds",
    "silencing": "share of neurons that never fire",
    "bits": "bits",
}
Last = Mapping[str, float | None]


class Flaw(NamedTuple):
    """One kind of flaw: its area under the curve, its picture, the accuracies of each level."""

    title: str
    area: str
    axis: str
    chart: Chart
    rows: list[tuple[str, str, list[str]]]  # level, passes, the columns


def flaws(definition: Mapping[str, Any], curves: Mapping[str, Points]) -> list[Flaw]:
    """Those measured by now; none for a run that does another task."""
    task = definition.get("task", {})
    if task.get("kind") != "robustness":
        return []
    last = {name: points[-1][1] for name, points in curves.items() if points}
    return [flaw(kind, task[kind], last) for kind in TITLES if f"chip_area/{kind}" in last]


def flaw(kind: str, levels: list[float], last: Last) -> Flaw:
    """A row for each level, and below it one for each test of the calibrated chips."""
    tests = ["", *map(str, passes(kind, last))]
    rows = [
        (f"{level:g}", learned, [number(value) for value in values(kind, level, learned, last)])
        for level in levels
        for learned in tests
        if learned == "" or values(kind, level, learned, last)[0] is not None
    ]
    area = number(last[f"chip_area/{kind}"])
    return Flaw(TITLES[kind], area, AXES[kind], drawn(kind, levels, tests, last), rows)


def passes(kind: str, last: Last) -> list[int]:
    """After how many passes of their calibration chips were tested again."""
    found = (name.split("/") for name in last if name.startswith(f"chip_accuracy/{kind}/"))
    return sorted({int(parts[3]) for parts in found if len(parts) == 4})


def values(kind: str, level: float, learned: str, last: Last) -> list[float | None]:
    place = f"{kind}/{level:g}" + (f"/{learned}" if learned else "")
    return [last.get(f"{column}/{place}") for column in COLUMNS]


def drawn(kind: str, levels: list[float], tests: list[str], last: Last) -> Chart:
    """From the best level on the left to the worst."""
    ordered = sorted(set(levels), reverse=kind == "bits")
    styles = dict(zip(tests, ("none", "first", "last"), strict=False))
    series = [
        (named(learned), styles[learned], [values(kind, at, learned, last)[:3] for at in ordered])
        for learned in tests
        if learned in styles
    ]
    return chart(ordered, series)


def named(learned: str) -> str:
    if not learned:
        return "as they come"
    return f"after {learned} pass{'es' * (learned != '1')} on the chip"
