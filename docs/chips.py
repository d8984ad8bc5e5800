"""The tables of docs/hardware.md, made from the profiles: what is known of each chip, and how."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch

from hardware.check import check
from hardware.network import Dynamics, Layer, Network
from hardware.profile import load, names
from hardware.words import COLUMNS, cell, said, source
from snnlab.learning.landing import Landing, land
from snnlab.learning.presets import presets
from snnlab.learning.spec import Spec


Table = Callable[[Sequence[str], Iterable[Sequence[object]]], str]


def overview(table: Table) -> str:
    """One row for each chip; ? stands for unknown, * for a number from memory."""
    rows = (
        (f"`{name}`", load(name).engine, *(cell(load(name), key) for key in COLUMNS.values()))
        for name in names()
    )
    return table(("chip", "engine", *COLUMNS), rows)


def facts(table: Table) -> str:
    """Every fact of every chip, with its source."""
    pieces = []
    for name in names():
        profile = load(name)
        caveat = f" Caveat: {profile.caveat}." if profile.caveat else ""
        rows = ((f"`{f.key}`", said(f), *source(profile, f)) for f in profile.facts.values())
        head = ("fact", "value", "how it is known", "source or note")
        pieces.append(f"### `{name}`\n\n{profile.label}.{caveat}\n\n{table(head, rows)}")
    return "\n".join(pieces)


def fits(table: Table) -> str:
    """Where 784-512-10 goes on each chip, or why it cannot."""
    network = mnist()
    rows = []
    for name in names():
        report = check(load(name), network)
        cores = report.mapping.cores if report.fits and report.mapping else "refused"
        reasons = "; ".join(
            f"{v.layer}: {v.limit} {v.allowed}, got {v.got}" for v in report.violations
        )
        rows.append((f"`{name}`", cores, reasons or fullest(report.mapping)))
    return table(("chip", "cores", "fullest core, or reasons"), rows)


def fullest(mapping: Any) -> str:
    loads = mapping.utilisation().values()
    shares = {key: max(load.get(key, 0) for load in loads) for load in loads for key in load}
    return ", ".join(f"{key} {share:.0%}" for key, share in shares.items() if share) or "no limit"


def mnist() -> Network:
    """784-512-10 without leak, hard reset: what most chips have."""
    generator = torch.Generator().manual_seed(0)
    first, last = (
        torch.randn(out, in_, generator=generator) for in_, out in ((784, 512), (512, 10))
    )
    neurons = Dynamics(1.0, 1.0, "hard")
    layers = (
        Layer("fc1", first, None, (784,), dynamics=neurons),
        Layer("output", last, None, (512,)),
    )
    return Network(layers, 1e-3)


def landings(table: Table) -> str:
    """Where the network of the preset mnist-chip goes on each chip, or all reasons why not."""
    spec = Spec.from_toml(presets()["mnist-chip"].text)
    head = ("chip", "answer", "cores", "fullest core, or reasons", "energy of an image")
    return table(head, (landing(found) for found in land(spec, names())))


def landing(found: Landing) -> tuple[object, ...]:
    refused = [f"{p.place}: {p.rule}" for p in found.problems]
    refused += [f"{v.layer}: {v.limit} {v.allowed}, got {v.got}" for v in found.report.violations]
    missing = [f"`{key}`" for key, price in found.prices.items() if price is None]
    return (
        f"`{found.profile.name}`",
        "fits" if found.fits else "refused",
        len(found.cores) if found.fits else "",
        fullest(found.report.mapping) if found.fits else "; ".join(refused),
        f"unknown: no {', '.join(missing)}" if missing else "known",
    )


PARTS = {"chips": overview, "chip_fits": fits, "chip_facts": facts, "chip_landings": landings}
