"""How chips did as they got worse, as tables."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from snnlab.experiments.queries import Points
from snnlab.web.numbers import number


COLUMNS = ("chip_accuracy", "chip_low", "chip_high", "chip_std", "chip_worst")
TITLES = {
    "mismatch": "Device mismatch",
    "thermal": "Thermal noise",
    "silencing": "Neuron silencing",
    "bits": "Bits of a weight",
}


class Flaw(NamedTuple):
    """One kind of flaw: its area under the curve, and the accuracies of each level."""

    title: str
    area: str
    rows: list[tuple[str, str, float, list[str]]]  # level, passes, mean for its bar, the columns


def flaws(definition: Mapping[str, Any], curves: Mapping[str, Points]) -> list[Flaw]:
    """Those measured by now; none for a run that does another task."""
    task = definition.get("task", {})
    if task.get("kind") != "robustness":
        return []
    last = {name: points[-1][1] for name, points in curves.items() if points}
    return [flaw(kind, task[kind], last) for kind in TITLES if f"chip_area/{kind}" in last]


def flaw(kind: str, levels: list[float], last: Mapping[str, float | None]) -> Flaw:
    """A row for each level, and below it one for each test of the calibrated chips."""
    rows = []
    for level in levels:
        start = f"chip_accuracy/{kind}/{level:g}"
        passes = sorted(
            int(name.rpartition("/")[2]) for name in last if name.startswith(f"{start}/")
        )
        for learned in ("", *map(str, passes)):
            place = f"{kind}/{level:g}" + (f"/{learned}" if learned else "")
            values = [last.get(f"{column}/{place}") for column in COLUMNS]
            cells = [number(value) for value in values]
            rows.append((f"{level:g}", learned, values[0] or 0.0, cells))
    return Flaw(TITLES[kind], number(last[f"chip_area/{kind}"]), rows)
