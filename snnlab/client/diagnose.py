"""`snnlab diagnose`: what can be known of a network before it is trained."""

import os
from itertools import groupby
from typing import TYPE_CHECKING, Any

import click
from rich.text import Text

from snnlab.client import definition, render


if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.table import Table

    from snnlab.learning.diagnosis import Gradient


WIDTHS, HEIGHTS = (0.1, 0.3, 1.0, 3.0, 10.0), (1.0,)
POSITIVE = click.FloatRange(0, min_open=True)
HOTTEST = 3.0  # powers of ten from a gradient of 1 to the strongest colour


@click.group()
def diagnose() -> None:
    """Look into an untrained network."""


@diagnose.command()
@click.argument("spec")
@definition.CHANGES
@click.option("--width", "widths", type=POSITIVE, multiple=True, help="Of the surrogate slope.")
@click.option("--height", "heights", type=POSITIVE, multiple=True, help="Of the surrogate slope.")
@click.option(
    "--steps", "time_steps", type=click.IntRange(1, 1000), multiple=True, help="Time steps."
)
@click.option(
    "--depth", "depths", type=click.IntRange(1, 100), multiple=True, help="Hidden layers (mlp)."
)
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), default=1, help="Seed of the weights.")
@click.option("--threads", type=click.IntRange(1, 1024), help="CPU threads.")
@click.option("--json", "as_json", is_flag=True, help="Print the numbers as JSON.")
def gradients(
    *, spec: str, changes: tuple[str, ...], as_json: bool, threads: int | None, **grid: Any
) -> None:
    """Measure the gradients of SPEC before training.

    Prints the log10 of the norm of each layer's gradient by BPTT, for every combination of the
    values given; each option can be given several times. Vanishing gradients are blue, exploding
    ones red.
    """
    from snnlab.learning.diagnosis import diagnose as measure  # here, because it takes PyTorch
    from snnlab.learning.machine import prepare

    prepare(threads or len(os.sched_getaffinity(0)))
    wanted = definition.find(spec).spec(changes)
    grid["widths"], grid["heights"] = grid["widths"] or WIDTHS, grid["heights"] or HEIGHTS
    found = list(measure(wanted, **grid))
    if as_json:
        click.echo(render.json_text([gradient._asdict() for gradient in found]))
        return
    render.show(*tables(found))


def tables(found: "Sequence[Gradient]") -> "list[Table]":
    """One for each depth, time and height: a row for each layer, a column for each width."""
    made = []
    for (depth, steps, height), part in groupby(found, key=lambda g: g[:3]):
        cells = {(g.layer, g.width): g.log10_norm for g in part}
        layers, widths = (list(dict.fromkeys(keys)) for keys in zip(*cells, strict=True))
        title = f"{depth} populations, {steps} steps, height {height:g}: log10 of the gradient"
        table = render.table(title, ("layer", *(f"width {width:g}>" for width in widths)), ())
        for layer in layers:
            table.add_row(Text(layer), *(heat(cells[layer, width]) for width in widths))
        made.append(table)
    return made


def heat(log10: float | None) -> Text:
    """The number on blue if it is far below 0, on red if far above."""
    if log10 is None:
        return Text("none", style="dim")
    share = round(180 * max(-1.0, min(1.0, log10 / HOTTEST)))
    colour = f"rgb({share},0,0)" if share > 0 else f"rgb(0,0,{-share})"
    return Text(f"{log10:.2f}", style=f"white on {colour}")
