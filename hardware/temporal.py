"""What goes wrong at run time: drawn anew at every step, and gone with it.

Nothing here draws: standard normal and uniform numbers come in.
"""

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from hardware.checks import one_of, within


Definition = Literal["stationary", "per_step", "buechel2021"]
BOLTZMANN = 1.380649e-23  # J / K, exact by definition of the kelvin


@dataclass(frozen=True)
class Thermal:
    r"""Temporal noise of the membrane, drawn anew at every step.

    "stationary": an exact Ornstein-Uhlenbeck process. With :math:`\sigma` the standard deviation
    that an undisturbed membrane reaches, in thresholds, a step adds
    :math:`\sigma \theta \sqrt{1 - \alpha^2} \sqrt{T / T_r}`, so that results do not depend on the
    length of a step. A neuron that never leaks has no stationary state: there
    :math:`\sigma \theta \sqrt{\Delta t / \tau_r}` with a `reference_time` :math:`\tau_r` in s.
    "per_step": a step adds :math:`\sigma \theta \sqrt{T / T_r}`, whatever its length.
    "buechel2021": the same with :math:`\theta - v_{reset}` for :math:`\theta`, as in that code,
    where a current of :math:`\sigma \tau / \Delta t` does it.
    """

    sigma: float = 0.0
    temperature: float = 300.0  # K
    reference_temperature: float = 300.0  # K, at which sigma holds
    definition: Definition = "stationary"
    reference_time: float | None = None  # s

    def __post_init__(self) -> None:
        one_of("thermal.definition", self.definition, ("stationary", "per_step", "buechel2021"))
        within("thermal.sigma", self.sigma, 0, 100, "It is a standard deviation in thresholds")
        within("thermal.temperature", self.temperature, 0, 1000, "It is in kelvin")
        place = "thermal.reference_temperature"
        within(place, self.reference_temperature, 1, 1000, "It is in kelvin")
        if self.reference_time is not None and not 0 < self.reference_time < math.inf:
            raise ValueError(
                f"thermal.reference_time must be more than 0 s, got {self.reference_time!r}. "
                "Give the time in which noise adds up to sigma"
            )

    @property
    def level(self) -> float:
        """Sigma at the temperature of the chip."""
        return self.sigma * math.sqrt(self.temperature / self.reference_temperature)

    def step(self, alpha: Tensor, threshold: Tensor, v_reset: float, dt: float) -> Tensor:
        """The standard deviation that one step of `dt` seconds adds."""
        if self.definition == "per_step":
            return self.level * threshold
        if self.definition == "buechel2021":
            return self.level * (threshold - v_reset)
        if self.level == 0:
            return torch.zeros_like(threshold)
        leaks = alpha < 1
        if self.reference_time is None and not bool(leaks.all()):
            raise ValueError(
                "thermal.reference_time must be given for a neuron that does not leak, got none. "
                "Set it to a time in seconds, or thermal.definition to per_step"
            )
        walk = math.sqrt(dt / (self.reference_time or math.inf))
        return self.level * threshold * torch.where(leaks, (1 - alpha**2).clamp(min=0).sqrt(), walk)


def ktc(capacitance: float, temperature: float = 300.0) -> float:
    """Standard deviation in volts of the thermal noise on a capacitance in farads: sqrt(kT/C)."""
    return math.sqrt(BOLTZMANN * temperature / capacitance)


@dataclass(frozen=True)
class Routing:
    """Chances that a spike is lost on its way to the next layer, or arrives one step late.

    Two spikes that arrive in one step are one; one that is late in the last step is lost.
    """

    loss: float = 0.0
    late: float = 0.0

    def __post_init__(self) -> None:
        within("routing.loss", self.loss, 0, 1, "It is the chance of a spike")
        within("routing.late", self.late, 0, 1, "It is the chance of a spike")

    def arrive(self, spikes: Tensor, lost: Tensor, late: Tensor) -> Tensor:
        """Spikes (chips, time, ...) as they arrive; `lost` and `late` are uniform numbers."""
        spikes = spikes * (lost >= self.loss)
        delayed = spikes * (late < self.late)
        arrived = spikes - delayed
        arrived[:, 1:] += delayed[:, :-1]
        return arrived.clamp_(max=1)
