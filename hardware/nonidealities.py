"""What sets a chip apart from the network that was meant.

The order of effects is fixed: the host's number is quantised and written into the chip
(programmed), where it drifts and is multiplied by the frozen mismatch; faults overrule it; and
temporal noise is added at every step. Frozen effects are in frozen.py, temporal ones in
temporal.py: they are never mixed.
"""

from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor

from hardware.checks import one_of, within
from hardware.frozen import Drift, Faults, Law, Spread
from hardware.rounding import METHODS, Method, quantised
from hardware.temporal import Definition, Routing, Thermal


NAMES = (
    "mismatch", "bits", "thermal", "silencing", "hot", "dead", "stuck", "drift", "loss", "late"
)  # fmt: skip


@dataclass(frozen=True)
class Nonidealities:
    """All that is wrong with a chip; the default is the ideal one."""

    bits: int | None = None  # of a weight; none: as the host has it
    spread: Spread = field(default_factory=Spread)
    drift: Drift = field(default_factory=Drift)
    faults: Faults = field(default_factory=Faults)
    thermal: Thermal = field(default_factory=Thermal)
    routing: Routing = field(default_factory=Routing)
    compat: Literal["none", "buechel2021"] = "none"  # whose quantiser
    scale: Method = "absmax"  # which step weights of few bits have, see rounding.py

    def __post_init__(self) -> None:
        one_of("scale", self.scale, METHODS)
        one_of("compat", self.compat, ("none", "buechel2021"))
        if self.bits is not None:
            within("bits", self.bits, 2, 16, "Leave it out for weights as the host has them")

    def stored(self, weight: Tensor) -> Tensor:
        """The weights as the chip stores them."""
        if self.bits is None:
            return weight
        if self.compat == "buechel2021":
            return buechel2021_quantise(weight, self.bits)
        return quantised(weight, self.bits, self.scale)


def buechel2021_quantise(weight: Tensor, bits: int) -> Tensor:
    r"""As in the code of Buechel et al. 2021: :math:`s = (\max - \min)/(2^b - 1)`, s round(W/s)."""
    step = (weight.max() - weight.min()) / (2**bits - 1)
    return step * torch.round(weight / step) if step > 0 else weight


def nonideality(
    name: str,
    level: float,
    *,
    highest: float | None = None,
    compat: str = "none",
    scale: Method = "absmax",
    reference_time: float | None = None,
) -> Nonidealities:
    """One thing wrong, at a level: mismatch, bits, thermal, silencing, or another below.

    `highest` is that of the sweep, for a mismatch whose levels share their draws. With `compat`
    "buechel2021" the first four are as there. `scale` is that of weights of few bits,
    `reference_time` that of thermal noise, in s, see `Thermal`.
    """
    one_of("compat", compat, ("none", "buechel2021"))
    old = compat == "buechel2021"
    one_of("nonideality", name, ("mismatch", "bits", "thermal", "silencing") if old else NAMES)
    if name == "mismatch":
        law: Law = "buechel2021" if old else "lognormal"
        return Nonidealities(spread=Spread(level, level, level, law, highest))
    if name == "bits":
        if level != int(level):
            raise ValueError(f"bits must be a whole number, got {level!r}. Round it")
        return Nonidealities(bits=int(level), compat="buechel2021" if old else "none", scale=scale)
    if name == "thermal":
        definition: Definition = "buechel2021" if old else "stationary"
        return Nonidealities(
            thermal=Thermal(level, definition=definition, reference_time=reference_time)
        )
    if name in ("loss", "late"):
        return Nonidealities(routing=Routing(**{name: level}))
    if name == "drift":
        return Nonidealities(drift=Drift(level))
    broken = {"silencing": "silent"}.get(name, name)
    return Nonidealities(faults=Faults(**{broken: level}))  # type: ignore[arg-type]
