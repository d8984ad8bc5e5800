r"""Numbers as a chip holds them: codes times a step.

Weights are rounded as rounding.py says, in double precision. On a digital chip thresholds and
biases are whole multiples of the same step, on Loihi in powers of two of it; on an analog one they
are biases of circuits and stay as they are. What shares a step: a tensor; a layer, with thresholds
and biases (the largest of their steps, as sinabs-dynapcnn); or the rows of a dense layer on one
core. A kernel that several cores store has one step, and so has a layer whose neurons nobody has
placed.
"""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from hardware.decay import code as decay_code
from hardware.decay import nearest_alpha
from hardware.mapper import Mapping
from hardware.network import Dynamics, Layer, Network
from hardware.profile import Profile
from hardware.rounding import Method, best_step, rounded
from hardware.unknown import Unknown


HIGHEST = 2**13  # of a threshold's mantissa where weights have exponents: 16 fit a potential

CURRENT_BITS = 24  # on Loihi


@dataclass(frozen=True)
class Errors:
    """What quantisation did to a layer; errors are relative but for that of the decay."""

    layer: str
    bits: int
    weight: float  # root mean square error over root mean square
    largest: float  # error over largest weight
    vanished: float  # share of weights that became 0
    threshold: float
    alpha: float

    def __str__(self) -> str:
        return (
            f"layer {self.layer}: {self.bits} bits, weight error {self.weight:.2%} (largest "
            f"{self.largest:.2%}, {self.vanished:.1%} vanished), threshold error "
            f"{self.threshold:.2%}, decay error {self.alpha:.2g}"
        )


@dataclass(frozen=True, eq=False)
class Codes:
    """A layer as whole numbers: what they mean is code x step."""

    weight: Tensor
    step: Tensor  # (out, 1, ...), of a weight
    bias: Tensor | None
    threshold: Tensor | None  # in chip units; none for a readout
    decay: Tensor | None  # register
    bits: int = 8
    exponent: int = 0  # a weight's code is shifted left by that, to be in chip units
    kind: str = "exact"  # of decay
    spikes: int = 1  # that an input of 1 stands for: 4 after average pooling, which adds up 2 x 2

    @property
    def unit(self) -> Tensor:
        """What a code of 1 does to a potential (out,), with a single spike."""
        return self.step.flatten() / self.spikes


@dataclass(frozen=True, eq=False)
class Quantised:
    """The network that the chip can hold, the codes that it holds, and how far it is off."""

    profile: Profile
    network: Network
    codes: dict[str, Codes]
    errors: tuple[Errors, ...]


def quantise(
    network: Network,
    profile: Profile,
    *,
    bits: int | None = None,
    method: Method = "absmax",
    mapping: Mapping | None = None,
) -> Quantised:
    """Weights, thresholds and decays as the chip has them.

    Bits: the widest of the profile if none are given; on an ideal chip, then, nothing is rounded.
    Raises ValueError for bits that the profile lacks.
    """
    if bits is None and profile.engine == "ideal":
        return Quantised(profile, network, {}, ())
    bits = chosen_bits(profile, bits)
    layers, codes, errors = [], {}, []
    pools = ["none", *(layer.pool for layer in network.layers)]
    for pool, layer in zip(pools, network.layers, strict=False):
        spikes = 4 if pool == "average" else 1
        held = encode(layer, profile, bits, method, mapping, spikes)
        layers.append(decode(layer, held, profile))
        codes[layer.name] = held
        errors.append(compare(layer, layers[-1], bits))
    return Quantised(profile, replace(network, layers=tuple(layers)), codes, tuple(errors))


def chosen_bits(profile: Profile, bits: int | None) -> int:
    allowed = profile.numbers("formats.weight_bits")
    if bits is None:
        return int(max(allowed))
    if bits not in allowed:
        listed = ", ".join(f"{n:g}" for n in allowed)
        raise ValueError(f"bits must be one of {listed} on {profile.name}, got {bits}. Choose one")
    return bits


def encode(
    layer: Layer,
    profile: Profile,
    bits: int,
    method: Method,
    mapping: Mapping | None,
    spikes: int = 1,
) -> Codes:
    step = steps(layer, profile, bits, method, mapping, spikes)
    step = step.view(-1, *[1] * (layer.weight.dim() - 1))
    codes = rounded(layer.weight.double(), step, bits)
    held = Codes(codes, step, None, None, None, bits, spikes=spikes)
    if profile.engine != "digital":
        return held
    if layer.bias is not None:
        held = replace(held, bias=torch.round(layer.bias.double() / held.unit))
    if layer.dynamics is None:
        return held
    kind = profile.word("formats.decay") or "exact"
    threshold, exponent = thresholds(layer, layer.dynamics, held, profile)
    alpha = torch.as_tensor(layer.dynamics.alpha, dtype=torch.float64)
    decay = decay_code(kind, alpha)
    return replace(held, threshold=threshold, decay=decay, exponent=exponent, kind=kind)


def steps(
    layer: Layer,
    profile: Profile,
    bits: int,
    method: Method,
    mapping: Mapping | None,
    spikes: int,
) -> Tensor:
    """The step of each output (out,)."""
    step = best_step(layer.weight.double(), bits, method).repeat(len(layer.weight))
    per = profile.word("formats.scale_per")
    if per == "layer":
        return torch.maximum(step, spikes * shared_step(layer, profile, bits))
    if per == "core" and mapping is not None and not layer.convolves:
        for rows in mapping.groups(layer):
            step[rows] = best_step(layer.weight[rows].double(), bits, method)
    return step


def shared_step(layer: Layer, profile: Profile, bits: int) -> Tensor:
    """The least step with which the bias fits the weights' bits, and the threshold its own."""
    step = torch.tensor(0.0, dtype=torch.float64)
    if layer.bias is not None:
        step = torch.maximum(step, layer.bias.double().abs().amax() / (2 ** (bits - 1) - 1))
    if layer.dynamics is not None:
        threshold = torch.as_tensor(layer.dynamics.v_threshold, dtype=torch.float64)
        step = torch.maximum(step, threshold.abs().amax() / most_threshold(profile))
    return step


def most_threshold(profile: Profile) -> float:
    """The largest code of a threshold."""
    bits = profile.number("formats.threshold_bits")
    if isinstance(bits, Unknown):
        bits = profile.number("formats.potential_bits")
    return 2.0**31 if isinstance(bits, Unknown) else 2.0 ** (bits - 1) - 1


def thresholds(
    layer: Layer, dynamics: Dynamics, held: Codes, profile: Profile
) -> tuple[Tensor, int]:
    """The thresholds in chip units, and by how much a weight's code is shifted to be in them."""
    size = (-1, *[1] * (len(layer.shape_out) - 1))
    exact = torch.as_tensor(dynamics.v_threshold, dtype=torch.float64)
    ratio = exact / (dynamics.gain * held.unit.view(size))
    if "formats.weight_exponent" not in profile.facts:
        return torch.round(ratio).clamp(1, most_threshold(profile)), 0
    shift = finest_shift(held, ratio, profile)
    return 64 * torch.round(ratio * 2.0 ** (shift - 6)).clamp(1, 2**17 - 1), shift


def finest_shift(held: Codes, ratio: Tensor, profile: Profile) -> int:
    """How far Loihi's weights are shifted: as far as nothing can overflow, for the finest numbers.

    A weight is :math:`c\\, 2^{8-m} 2^{6+e}`, with c of m bits and its sign, and a threshold
    :math:`2^6 \\theta`. The exponent e is the largest with which no mantissa :math:`\\theta`
    exceeds HIGHEST and no neuron's current, were all its inputs to spike, leaves its 24 bits.
    """
    low, high = (int(e) for e in profile.numbers("formats.weight_exponent"))
    offset = 15 - held.bits
    most = held.weight.flatten(1).abs().sum(1).max() * held.spikes
    fine = [
        offset + e
        for e in range(low, high + 1)
        if ratio.max() * 2.0 ** (offset + e - 6) <= HIGHEST
        and most * 2.0 ** (offset + e) < 2.0 ** (CURRENT_BITS - 1)
    ]
    return max(fine, default=offset + low)


def decode(layer: Layer, held: Codes, profile: Profile) -> Layer:
    """The layer that the codes mean."""
    dtype = layer.weight.dtype
    layer = replace(layer, weight=(held.weight * held.step).to(dtype))
    if held.bias is not None:
        layer = replace(layer, bias=(held.bias * held.unit).to(dtype))
    if layer.dynamics is None or held.threshold is None:
        return layer
    unit = held.unit.view(-1, *[1] * (len(layer.shape_out) - 1))
    threshold = held.threshold * unit * layer.dynamics.gain / 2.0**held.exponent
    alpha = torch.as_tensor(layer.dynamics.alpha, dtype=torch.float64)
    dynamics = replace(
        layer.dynamics,
        v_threshold=threshold.to(dtype),
        alpha=nearest_alpha(held.kind, alpha).to(dtype),
    )
    return replace(layer, dynamics=dynamics)


def compare(before: Layer, after: Layer, bits: int) -> Errors:
    exact, held = before.weight.double(), after.weight.double()
    error, size = held - exact, exact.square().mean().sqrt().clamp(min=1e-300)
    gone = ((held == 0) & (exact != 0)).double().mean()
    threshold = alpha = 0.0
    if before.dynamics is not None and after.dynamics is not None:
        a, b = before.dynamics, after.dynamics
        threshold = (relative(a.v_threshold, b.v_threshold)).abs().max().item()
        alpha = (torch.as_tensor(b.alpha).double() - a.alpha).abs().max().item()
    return Errors(
        before.name,
        bits,
        (error.square().mean().sqrt() / size).item(),
        (error.abs().max() / exact.abs().max().clamp(min=1e-300)).item(),
        gone.item(),
        threshold,
        alpha,
    )


def relative(before: float | Tensor, after: float | Tensor) -> Tensor:
    exact = torch.as_tensor(before).double()
    return (torch.as_tensor(after).double() - exact) / exact.abs().clamp(min=1e-300)
