"""What is known of a chip, in words: for tables on paper, on screens and on terminals."""

from itertools import pairwise
from math import isinf
from typing import Any

from hardware.profile import EVIDENCE, KEYS, Fact, Profile


COLUMNS = {
    "cores": "limits.cores",
    "neurons of a core": "limits.neurons_per_core",
    "fan-in, signed": "limits.fan_in_signed",
    "bits of a weight": "formats.weight_bits",
    "decay": "formats.decay",
    "learns": "learning.on_chip",
    "static power": "energy.static",
    "synaptic event": "energy.synaptic_event",
}  # what tells chips apart at a glance


def cell(profile: Profile, key: str) -> str:
    """The fact; ? stands for unknown, * for a number from memory."""
    fact = profile.facts.get(key)
    return "?" if fact is None else said(fact) + ("" if fact.verified else " *")


def said(fact: Fact) -> str:
    """The fact's value with its unit."""
    unit = KEYS[fact.key][1]
    values = fact.value if isinstance(fact.value, tuple) else (fact.value,)
    return f"{row(values) or ', '.join(word(value) for value in values)} {unit}".rstrip()


def row(values: tuple[Any, ...]) -> str:
    """Whole numbers that follow one another, by the first and the last."""
    if len(values) < 3 or not follow(values):
        return ""
    return f"{values[0]} to {values[-1]}"


def word(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return value
    return "no limit" if isinf(value) else f"{value:.10g}"


def source(profile: Profile, fact: Fact) -> tuple[str, str]:
    """How the fact is known, and where from, if that says more."""
    given = profile.source(fact)
    return EVIDENCE[fact.evidence], "" if given == EVIDENCE[fact.evidence] else given


def unknown(profile: Profile) -> tuple[str, ...]:
    """All that a profile could say and does not."""
    return tuple(key for key in KEYS if key not in profile.facts)


def follow(values: tuple[Any, ...]) -> bool:
    return all(isinstance(v, int) for v in values) and all(b == a + 1 for a, b in pairwise(values))
