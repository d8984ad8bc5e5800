"""The tables of docs/hardware.md, made from the profiles: what is known of each chip, and how."""

from collections.abc import Callable, Iterable, Sequence
from math import isinf
from typing import Any

import torch

from hardware.check import check
from hardware.network import Dynamics, Layer, Network
from hardware.profile import EVIDENCE, KEYS, Fact, Profile, load, names


Table = Callable[[Sequence[str], Iterable[Sequence[object]]], str]
COLUMNS = {
    "cores": "limits.cores",
    "neurons of a core": "limits.neurons_per_core",
    "fan-in, signed": "limits.fan_in_signed",
    "bits of a weight": "formats.weight_bits",
    "decay": "formats.decay",
    "learns": "learning.on_chip",
    "static power": "energy.static",
    "synaptic event": "energy.synaptic_event",
}


def overview(table: Table) -> str:
    """One row for each chip; ? stands for unknown, * for a number from memory."""
    rows = (
        (f"`{name}`", load(name).engine, *(cell(load(name), key) for key in COLUMNS.values()))
        for name in names()
    )
    return table(("chip", "engine", *COLUMNS), rows)


def cell(profile: Profile, key: str) -> str:
    fact = profile.facts.get(key)
    return "?" if fact is None else said(fact) + ("" if fact.verified else " *")


def said(fact: Fact) -> str:
    unit = KEYS[fact.key][1]
    values = fact.value if isinstance(fact.value, tuple) else (fact.value,)
    return f"{', '.join(word(value) for value in values)} {unit}".rstrip()


def word(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return value
    return "no limit" if isinf(value) else f"{value:.10g}"


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


def source(profile: Profile, fact: Fact) -> tuple[str, str]:
    given = profile.source(fact)
    return EVIDENCE[fact.evidence], "" if given == EVIDENCE[fact.evidence] else given


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


PARTS = {"chips": overview, "chip_fits": fits, "chip_facts": facts}
