r"""Runs a program in whole numbers, as digital chips do.

A step of a neuron, with the chip's own rounding: the potential decays, the current is added, the
sum is kept within the state's bits, and a spike resets it. Loihi
(Lava's fixed-point LIF, github.com/lava-nc/lava, lif/models.py):

.. math::
    u &\leftarrow \mathrm{wrap}(\mathrm{sign}(u) \lfloor |u| (4096 - d_u) / 4096 \rfloor + 2^6 a) \\
    v &\leftarrow \mathrm{clip}(\mathrm{sign}(v) \lfloor |v| (4096 - d_v) / 4096 \rfloor + u + b)

and a spike at :math:`v > 2^6 m`. Networks here have no synaptic current that outlives its step, so
:math:`d_u = 4096`. Xylo: :math:`v - (v \gg k)`, an arithmetic shift. DYNAP-CNN: no decay, 16 bits
that saturate. Deviations: a neuron spikes at most once in a step (Xylo's can more often), and a
potential saturates where the profile does not say what it does.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn.functional import conv2d, linear

from hardware.network import Dynamics, Layer
from hardware.profile import Profile
from hardware.program import Program
from hardware.quantise import Codes
from hardware.unknown import Unknown


def decay_twelve_bit(v: Tensor, register: Tensor) -> Tensor:
    """sign(v) (|v| (4096 - d) >> 12), rounded towards zero."""
    return v.sign() * ((v.abs() * (4096 - register)) >> 12)


def decay_shift(v: Tensor, register: Tensor) -> Tensor:
    """v - (v >> k), rounded up: a negative potential reaches 0, a small positive one stays."""
    return v - (v >> register)


def keep(v: Tensor, register: Tensor) -> Tensor:
    return v


DECAYS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "twelve_bit": decay_twelve_bit,
    "shift": decay_shift,
    "none": keep,
}


def saturate(x: Tensor, bits: int, *, symmetric: bool = False) -> Tensor:
    most = 2 ** (bits - 1) - 1
    return x.clamp(-most if symmetric else -most - 1, most)


def wrap(x: Tensor, bits: int) -> Tensor:
    """Into (-2^(b-1), 2^(b-1)], as Lava does: 2^(b-1) + k becomes k - 2^(b-1) for k > 0."""
    half = 2 ** (bits - 1)
    wrapped: Tensor = half - (half - x) % (2 * half)
    return wrapped


@dataclass(frozen=True)
class Arithmetic:
    """How a chip keeps whole numbers in its registers."""

    potential_bits: int
    current_bits: int
    potential_wraps: bool
    current_wraps: bool
    symmetric: bool  # whether the least potential is minus the largest
    above: bool  # whether a spike needs v > threshold

    def potential(self, v: Tensor) -> Tensor:
        if self.potential_wraps:
            return wrap(v, self.potential_bits)
        return saturate(v, self.potential_bits, symmetric=self.symmetric)

    def current(self, u: Tensor) -> Tensor:
        bits = self.current_bits
        return wrap(u, bits) if self.current_wraps else saturate(u, bits)

    def fires(self, v: Tensor, threshold: Tensor) -> Tensor:
        return (v > threshold if self.above else v >= threshold).long()


def arithmetic(profile: Profile) -> Arithmetic:
    """Raises ValueError for a chip that does not compute in whole numbers."""
    bits = profile.number("formats.potential_bits")
    if profile.engine != "digital" or isinstance(bits, Unknown):
        raise ValueError(
            f"profile must be of a digital chip with known widths, got {profile.name}, which is "
            f"{profile.engine}. Run it with the floating-point emulator"
        )
    current = profile.number("formats.current_bits")
    return Arithmetic(
        int(bits),
        int(bits if isinstance(current, Unknown) else current),
        profile.word("formats.overflow") == "wrap",
        profile.word("formats.current_overflow") == "wrap",
        profile.word("formats.decay") == "twelve_bit",
        profile.word("neuron.fires") == "above",
    )


@dataclass(frozen=True)
class Result:
    """What a chip did."""

    output: Tensor  # (time, batch, *shape_out) of the last layer: spikes, or its current
    spikes: dict[str, Tensor]  # of each layer, before pooling
    overflows: dict[str, int]  # currents and potentials that did not fit

    @property
    def scores(self) -> Tensor:
        """(batch, classes): the mean over time."""
        return self.output.double().mean(0)


@dataclass(eq=False)
class Engine:
    """One program on its chip."""

    program: Program
    overflows: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.arithmetic = arithmetic(self.program.profile)

    def neurons(self, layer: Layer, codes: Codes, current: Tensor, steps: int) -> Tensor:
        """Spikes (steps, batch, ...) for currents (steps or 1, batch, ...) in chip units."""
        dynamics, rule = layer.dynamics, self.arithmetic
        assert dynamics is not None
        assert codes.threshold is not None
        assert codes.decay is not None
        threshold, decays = codes.threshold.long(), self.decay(layer.name, codes)
        back, v = self.start(layer, codes, dynamics, current)
        rest = torch.zeros_like(v)
        spikes = []
        for t in range(steps):
            u = self.kept(layer.name, current[min(t, len(current) - 1)], rule.current)
            h = self.kept(layer.name, decays(v, codes.decay.long()) + u, rule.potential)
            awake = (rest == 0).long()
            s = rule.fires(h, threshold) * awake
            after = h - threshold * s if dynamics.reset == "soft" else torch.where(s > 0, back, h)
            v = torch.where(awake > 0, after, v)
            rest = (rest - 1).clamp(min=0) + dynamics.refractory * s
            spikes.append(s)
        return torch.stack(spikes)

    def start(
        self, layer: Layer, codes: Codes, dynamics: Dynamics, current: Tensor
    ) -> tuple[Tensor, Tensor]:
        """The potentials after a hard reset and before the first step, in chip units."""
        unit = codes.unit.view(-1, *[1] * (len(layer.shape_out) - 1)) * dynamics.gain
        scale = 2.0**codes.exponent / unit
        back = torch.round(dynamics.v_reset * scale).long()
        first = torch.round(dynamics.v_initial * scale).long()
        return back, self.kept(layer.name, first.expand_as(current[0]), self.arithmetic.potential)

    def decay(self, name: str, codes: Codes) -> Callable[[Tensor, Tensor], Tensor]:
        if codes.kind in DECAYS:
            return DECAYS[codes.kind]
        alpha = next(one.dynamics for one in self.program.network.layers if one.name == name)
        if alpha is not None and bool((torch.as_tensor(alpha.alpha) == 1).all()):
            return keep
        raise ValueError(
            f"layer {name}: decay must be known to be computed in whole numbers, got none for "
            f"{self.program.profile.name}. Use IF neurons, or the floating-point emulator"
        )

    def kept(self, name: str, x: Tensor, fit: Callable[[Tensor], Tensor]) -> Tensor:
        fitted = fit(x)
        self.overflows[name] = self.overflows.get(name, 0) + int((fitted != x).sum())
        return fitted


def run(program: Program, x: Tensor, steps: int | None = None, *, strict: bool = False) -> Result:
    """Spikes (time, batch, ...) through the program; or a constant input, rounded as a bias.

    Raises OverflowError in strict mode if a number did not fit its register.
    """
    steps = len(x) if steps is None else steps
    if len(x) not in (1, steps):
        raise ValueError(
            f"input must have 1 or {steps} steps, got {len(x)}. Give one for a constant input"
        )
    engine = Engine(program)
    spikes: dict[str, Tensor] = {}
    for layer in program.network.layers:
        codes = program.codes[layer.name]
        current = currents(layer, codes, x)
        if layer.dynamics is None:
            unit = codes.unit.view(-1, *[1] * (len(layer.shape_out) - 1))
            output = (current * unit).expand(steps, *current.shape[1:])
            break
        said = engine.neurons(layer, codes, current, steps)
        spikes[layer.name] = output = said
        x = layer.pooled(said.double())
    if strict and any(engine.overflows.values()):
        raise OverflowError(
            f"numbers must fit their registers, got overflows {engine.overflows}. "
            "Use smaller weights or thresholds"
        )
    return Result(output, spikes, engine.overflows)


def currents(layer: Layer, codes: Codes, x: Tensor) -> Tensor:
    """Currents (time, batch, *shape_out) in chip units; sums of doubles below 2^53 are exact."""
    given = x.double().reshape(-1, *layer.shape_in) * codes.spikes
    if layer.convolves:
        found = conv2d(given, codes.weight, codes.bias, layer.stride, layer.padding)
    else:
        found = linear(given, codes.weight, codes.bias)
    whole = torch.round(found * 2.0**codes.exponent).long()
    return whole.view(*x.shape[:2], *whole.shape[1:])
