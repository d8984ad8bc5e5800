"""How one image passes through a run's network: spikes and potentials of each layer."""

import math
from typing import Any, NamedTuple

from snnlab.experiments.queries_run import Portrait
from snnlab.web.numbers import number
from snnlab.web.png import address
from snnlab.web.strokes import Raster, Strokes, raster, strokes


MOST_MARKS = 20_000  # spikes in all rasters together
MOST_ROWS = 32  # steps of the table of potentials


class Layer(NamedTuple):
    """One layer: its raster, and the potentials of some of its neurons."""

    name: str
    neurons: int
    shown: int
    spikes: int
    rate: str
    raster: Raster
    trace: Strokes | None
    traced: list[int]
    table: list[tuple[int, list[str]]]


def inside(portrait: Portrait) -> dict[str, Any]:
    """What the panel shows; nothing where no layer spikes."""
    names = [name.removeprefix("raster/") for name in portrait if name.startswith("raster/")]
    names.sort(key=lambda name: int(portrait[f"place/{name}"]))
    if not names:
        return {}
    most = MOST_MARKS // len(names)
    true, predicted = portrait["sample/labels"].tolist()
    return {
        "layers": [layer(portrait, name, most) for name in names],
        "image": address(portrait["sample/image"]),
        "label": true,
        "predicted": predicted,
        "steps": len(portrait[f"raster/{names[0]}"]),
    }


def layer(portrait: Portrait, name: str, most: int) -> Layer:
    spikes, traced = portrait[f"raster/{name}"], portrait.get(f"traced/{name}")
    potential = portrait.get(f"potential/{name}")
    chosen = [] if traced is None else traced.tolist()
    rows = [] if potential is None else [real(row) for row in potential.tolist()]
    return Layer(
        name,
        int(portrait[f"size/{name}"]),
        spikes.shape[1],
        int(spikes.sum()),
        number(float(spikes.mean()) if spikes.size else 0.0, 3),
        raster(spikes, most),
        None if potential is None else trace(rows, chosen, float(portrait[f"threshold/{name}"])),
        chosen,
        [(step, [number(v) for v in row]) for step, row in enumerate(rows[:MOST_ROWS])],
    )


def real(values: list[float]) -> list[float | None]:
    """The values, none for what is no finite number."""
    return [value if math.isfinite(value) else None for value in values]


def trace(rows: list[list[float | None]], chosen: list[int], threshold: float) -> Strokes:
    """The potential of each chosen neuron over the steps; the threshold lies across."""
    columns = zip(*rows, strict=True)
    series = [
        (f"neuron {neuron}", list(enumerate(column)))
        for neuron, column in zip(chosen, columns, strict=True)
    ]
    return strokes(series, threshold)
