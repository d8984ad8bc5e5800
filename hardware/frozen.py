"""What is wrong with a chip for good: drawn once, the same at every step and for every input.

Nothing here draws: standard normal and uniform numbers come in, so that levels can share them.
"""

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from hardware.checks import one_of, within


Law = Literal["lognormal", "gaussian", "buechel2021"]
LAWS = ("lognormal", "gaussian", "buechel2021")


@dataclass(frozen=True)
class Spread:
    r"""Device mismatch: each parameter is multiplied by a factor that is frozen in the chip.

    The factor is :math:`1 + \delta z` with a coefficient of variation :math:`\delta` for each kind
    of parameter. Gaussian: :math:`z = \epsilon`. Lognormal with mean 1:
    :math:`z = (e^{s\epsilon - s^2/2} - 1)/\delta_r`, :math:`s^2 = \ln(1 + \delta_r^2)`. With
    `reference` unset :math:`\delta_r = \delta`, an exact lognormal law. One reference for all
    levels of a sweep makes z the same for all, so that a layer's current is affine in
    :math:`\delta`: exactly lognormal at the highest level, of the right mean and spread below it.

    "buechel2021": Gaussian, and thresholds and time constants keep their absolute value, as in
    the code of Buechel et al. 2021, doi 10.1038/s41598-021-02779-x
    (github.com/synsense/Robust-Classification-EBN).
    """

    weight: float = 0.0  # also of biases
    threshold: float = 0.0
    tau: float = 0.0
    law: Law = "lognormal"
    reference: float | None = None

    def __post_init__(self) -> None:
        one_of("spread.law", self.law, LAWS)
        levels = {"weight": self.weight, "threshold": self.threshold, "tau": self.tau}
        for name, level in levels.items():
            within(f"spread.{name}", level, 0, 5, "It is a standard deviation over a mean")
        if self.reference is not None:
            way_out = "It is the highest level of a sweep"
            within("spread.reference", self.reference, max(levels.values()), 5, way_out)
        if self.law == "gaussian":
            for name in ("threshold", "tau"):
                check_sign(f"spread.{name}", levels[name])

    def z(self, normal: Tensor, level: float) -> Tensor:
        """What the spread's level multiplies: mean 0 and, at the reference, variance 1."""
        if self.law != "lognormal":
            return normal
        reference = level if self.reference is None else self.reference
        if reference < 1e-6:  # there, both laws are the same in 32 bits
            return normal
        s = math.sqrt(math.log1p(reference**2))
        return torch.expm1(s * normal - s * s / 2) / reference

    def factor(self, normal: Tensor, level: float) -> Tensor:
        """What a threshold or time constant is multiplied by."""
        factor = 1 + level * self.z(normal, level)
        return factor.abs() if self.law == "buechel2021" else factor


def check_sign(place: str, level: float) -> None:
    negative = math.erfc(1 / (level * math.sqrt(2))) / 2 if level else 0.0
    if negative > 1e-3:
        raise ValueError(
            f"{place} must leave a gaussian factor positive but for 1 draw in 1000, got {level:g} "
            f"with {negative:.2g}. Set the law to lognormal, or lower the level"
        )


@dataclass(frozen=True)
class Faults:
    """Shares of the parts of each layer that are broken for good.

    A silent neuron never fires, a hot one at every step. A dead synapse conducts nothing; a stuck
    one has the layer's largest weight, with the sign of its own. Mode "exact" breaks round(p N)
    of N parts in every chip; "independent" breaks each with chance p. A higher share breaks the
    same parts and more.
    """

    silent: float = 0.0
    hot: float = 0.0
    dead: float = 0.0
    stuck: float = 0.0
    mode: Literal["exact", "independent"] = "exact"

    def __post_init__(self) -> None:
        one_of("faults.mode", self.mode, ("exact", "independent"))
        for name in ("silent", "hot", "dead", "stuck"):
            within(f"faults.{name}", getattr(self, name), 0, 1, "It is a share of all")
        for one, other in (("silent", "hot"), ("dead", "stuck")):
            total = getattr(self, one) + getattr(self, other)
            within(f"faults.{one} + faults.{other}", total, 0, 1, "A part breaks in one way only")

    def broken(self, uniform: Tensor, first: float, last: float) -> tuple[Tensor, Tensor]:
        """Masks (chips, ...) of the parts that break in the first and in the other way."""
        if self.mode == "independent":
            return uniform < first, uniform >= 1 - last
        size = uniform[0].numel()
        rank = uniform.flatten(1).argsort(stable=True).argsort(stable=True).view_as(uniform)
        return rank < round(first * size), rank >= size - round(last * size)


def faulty(weight: Tensor, dead: Tensor, stuck: Tensor, largest: float) -> Tensor:
    """The weights (chips, ...) that conduct; `largest` is what a stuck synapse has."""
    sign = torch.where(weight < 0, -1.0, 1.0).to(weight)
    return torch.where(stuck, sign * largest, weight).masked_fill(dead, 0.0)


@dataclass(frozen=True)
class Drift:
    r"""A conductance that fades after it was programmed: :math:`g(t) = g (t/t_0)^{-\nu}`.

    :math:`\nu = |\mu + \sigma\epsilon|` for each synapse, with :math:`x = |g| / \max |g|` and
    :math:`\mu = \mathrm{clamp}(-0.0155 \ln x + 0.0244;\ 0.049, 0.1)`,
    :math:`\sigma = \mathrm{clamp}(-0.0125 \ln x - 0.0059;\ 0.008, 0.045)`,
    :math:`t_0` = 20 s: phase-change memory as in the inference noise model of IBM's aihwkit
    (github.com/IBM/aihwkit). `exponent` gives one :math:`\nu` to all synapses instead.
    """

    seconds: float = 0.0  # since programming; 0: as programmed
    exponent: float | None = None
    start: float = 20.0  # t_0, s

    def __post_init__(self) -> None:
        if not (math.isfinite(self.start) and self.start > 0):
            raise ValueError(
                f"drift.start must be more than 0 s, got {self.start!r}. Leave it at 20"
            )
        if self.seconds != 0 and not self.start <= self.seconds < math.inf:
            raise ValueError(
                f"drift.seconds must be 0 or at least drift.start, {self.start:g} s, "
                f"got {self.seconds!r}. Set it to 0 for a chip just programmed"
            )
        if self.exponent is not None:
            within("drift.exponent", self.exponent, 0, 1, "Leave it out for phase-change memory")

    def factor(self, weight: Tensor, normal: Tensor) -> Tensor:
        """What each synapse's weight is multiplied by; `normal` is (chips, *weight)."""
        age = math.log(self.seconds / self.start)
        if self.exponent is not None:
            return torch.full_like(normal, math.exp(-age * self.exponent))
        size = weight.abs()
        log = (size / size.max().clamp(min=1e-30)).clamp(min=1e-7).log()
        mean = (-0.0155 * log + 0.0244).clamp(0.049, 0.1)
        std = (-0.0125 * log - 0.0059).clamp(0.008, 0.045)
        return torch.exp(-age * (mean + std * normal).abs())
