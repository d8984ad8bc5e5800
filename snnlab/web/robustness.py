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
    rows: list[tuple[str, float, list[str]]]  # level, mean in percent for its bar, the columns


def flaws(definition: Mapping[str, Any], curves: Mapping[str, Points]) -> list[Flaw]:
    """Those measured by now; none for a run that does another task."""
    task = definition.get("task", {})
    if task.get("kind") != "robustness":
        return []
    last = {name: points[-1][1] for name, points in curves.items() if points}
    return [flaw(kind, task[kind], last) for kind in TITLES if f"chip_area/{kind}" in last]


def flaw(kind: str, levels: list[float], last: Mapping[str, float | None]) -> Flaw:
    rows = []
    for level in levels:
        values = [last.get(f"{column}/{kind}/{level:g}") for column in COLUMNS]
        rows.append((f"{level:g}", values[0] or 0.0, [number(value) for value in values]))
    return Flaw(TITLES[kind], number(last[f"chip_area/{kind}"]), rows)
