"""The gradients that a run measured before training, as heat maps."""

from collections.abc import Mapping
from itertools import product
from typing import Any, NamedTuple

from snnlab.experiments.queries import Points
from snnlab.web.numbers import number


METRIC = "log10_gradient/"
LEGIBLE = 0.6  # share of the strongest colour that dark ink can still be read on
HOTTEST = 3.0  # powers of ten from a gradient of 1 to the strongest colour


class Cell(NamedTuple):
    """One number, and its colour: blue where gradients vanish, red where they explode."""

    text: str
    colour: str


class HeatMap(NamedTuple):
    """The layers' gradients over the widths, at one depth, number of steps and height."""

    title: str
    widths: list[str]
    rows: list[tuple[str, list[Cell]]]


def heat_maps(definition: Mapping[str, Any], curves: Mapping[str, Points]) -> list[HeatMap]:
    """One for each depth, time and height; none for a run that does another task."""
    task = definition.get("task", {})
    if task.get("kind") != "gradients":
        return []
    widths, heights = task["widths"], task["heights"]
    outer = product(task["depths"] or [None], task["times"] or [None], heights)
    layers = {n.removeprefix(METRIC): dict(p) for n, p in curves.items() if METRIC in n}
    return [
        HeatMap(title(*which), [f"{w:g}" for w in widths], rows(layers, i * len(widths), widths))
        for i, which in enumerate(outer)
    ]


def title(depth: int | None, steps: int | None, height: float) -> str:
    words = [f"{depth} hidden layers"] if depth else []
    words += [f"{steps} steps"] if steps else []
    return ", ".join([*words, f"height {height:g}"])


def rows(
    layers: Mapping[str, Mapping[int, float | None]], before: int, widths: list[float]
) -> list[tuple[str, list[Cell]]]:
    """The layers that this network has, in their order from the image on."""
    steps = range(before + 1, before + len(widths) + 1)
    here = {n: values for n, values in layers.items() if any(step in values for step in steps)}
    names = sorted(here, key=in_order)
    return [(name, [cell(here[name].get(step)) for step in steps]) for name in names]


def in_order(name: str) -> tuple[bool, int, str]:
    """fc2 before fc10, and the output last."""
    digits = "".join(c for c in name if c in "0123456789")
    return name == "output", int(digits or 0), name


def cell(value: float | None) -> Cell:
    if value is None:
        return Cell("none", "")
    share = max(-1.0, min(1.0, value / HOTTEST))
    hue = 215 if share < 0 else 5
    ink = "; color: white" if abs(share) > LEGIBLE else ""
    return Cell(number(value, 3), f"hsl({hue} 75% 45% / {abs(share):.2f}){ink}")
