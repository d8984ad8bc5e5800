r"""Numbers as a chip holds them: codes times a step.

A weight of b bits is :math:`s\, c` with a whole :math:`|c| \le 2^{b-1} - 1`, so that signs are
alike. The step s is :math:`\max |w| / (2^{b-1} - 1)` (absmax), or the one of 100 down to a
hundredth of it with the least squared error (mse). On a digital chip thresholds and biases are
whole multiples of the same step, on Loihi in powers of two of it; on an analog one they are biases
of circuits and stay as they are. What shares a step: a tensor; a layer, with thresholds and biases
(the largest of their steps, as sinabs-dynapcnn); or the rows of a dense layer on one core. A kernel
that several cores store has one step, and so has a layer whose neurons nobody has placed.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor

from hardware.checks import one_of
from hardware.decay import code as decay_code
from hardware.decay import nearest_alpha
from hardware.mapper import Mapping
from hardware.network import Dynamics, Layer, Network
from hardware.profile import Profile
from hardware.unknown import Unknown


Method = Literal["absmax", "mse"]
HIGHEST = 2**15  # of a threshold's mantissa where weights have exponents: potentials need room too


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
    exponent: int = 0  # a weight's code is shifted left by that, to be in chip units
    kind: str = "exact"  # of decay


@dataclass(frozen=True, eq=False)
class Quantised:
    """The network that the chip can hold, the codes that it holds, and how far it is off."""

    profile: Profile
    network: Network
    codes: dict[str, Codes]
    errors: tuple[Errors, ...]


def rounded(weight: Tensor, step: Tensor, bits: int) -> Tensor:
    """The codes of weights: the nearest, halves to even, clipped."""
    most = 2 ** (bits - 1) - 1
    return torch.round(weight.double() / step).clamp(-most, most)


def best_step(weight: Tensor, bits: int, method: Method = "absmax") -> Tensor:
    """One step for the whole tensor."""
    one_of("method", method, ("absmax", "mse"))
    widest: Tensor = weight.double().abs().amax() / (2 ** (bits - 1) - 1)
    if widest == 0:
        return torch.ones_like(widest)
    tried = [widest * k / 100 for k in (range(100, 0, -1) if method == "mse" else [100])]
    return min(tried, key=squared_error(weight, bits))


def squared_error(weight: Tensor, bits: int) -> Callable[[Tensor], float]:
    exact = weight.double()
    return lambda step: (rounded(exact, step, bits) * step - exact).square().sum().item()


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
    for layer in network.layers:
        held = encode(layer, profile, bits, method, mapping)
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
    layer: Layer, profile: Profile, bits: int, method: Method, mapping: Mapping | None
) -> Codes:
    step = steps(layer, profile, bits, method, mapping)
    step = step.view(-1, *[1] * (layer.weight.dim() - 1))
    weight = rounded(layer.weight, step, bits)
    if layer.dynamics is None or profile.engine != "digital":
        return Codes(weight, step, None, None, None)
    kind = profile.word("formats.decay") or "exact"
    threshold, exponent = thresholds(layer, layer.dynamics, step, profile, bits)
    bias = None if layer.bias is None else torch.round(layer.bias.double() / step.flatten())
    alpha = torch.as_tensor(layer.dynamics.alpha, dtype=torch.float64)
    return Codes(weight, step, bias, threshold, decay_code(kind, alpha), exponent, kind)


def steps(
    layer: Layer, profile: Profile, bits: int, method: Method, mapping: Mapping | None
) -> Tensor:
    """The step of each output (out,)."""
    step = best_step(layer.weight, bits, method).repeat(len(layer.weight))
    per = profile.word("formats.scale_per")
    if per == "layer":
        return torch.maximum(step, shared_step(layer, profile, bits))
    if per == "core" and mapping is not None and not layer.convolves:
        for rows in mapping.groups(layer):
            step[rows] = best_step(layer.weight[rows], bits, method)
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
    layer: Layer, dynamics: Dynamics, step: Tensor, profile: Profile, bits: int
) -> tuple[Tensor, int]:
    """The thresholds in chip units, and by how much a weight's code is shifted to be in them.

    On Loihi a weight is :math:`c\\, 2^{9-b} 2^{6+e}` and a threshold :math:`2^6 m`. The exponent e
    is the largest with which no mantissa m exceeds HIGHEST: the finer, the better.
    """
    size = (-1, *[1] * (len(layer.shape_out) - 1))
    ratio = torch.as_tensor(dynamics.v_threshold, dtype=torch.float64) / (
        dynamics.gain * step.view(size)
    )
    exponents = profile.numbers("formats.weight_exponent")
    if not exponents:
        return torch.round(ratio).clamp(1, most_threshold(profile)), 0
    low, high = int(exponents[0]), int(exponents[1])
    fine = [e for e in range(low, high + 1) if ratio.max() * 2.0 ** (9 - bits + e) <= HIGHEST]
    exponent = max(fine, default=low)
    mantissa = torch.round(ratio * 2.0 ** (9 - bits + exponent)).clamp(1, 2**17 - 1)
    return 64 * mantissa, 15 - bits + exponent


def decode(layer: Layer, held: Codes, profile: Profile) -> Layer:
    """The layer that the codes mean."""
    weight = (held.weight * held.step).to(layer.weight.dtype)
    if layer.dynamics is None or held.threshold is None:
        return replace(layer, weight=weight)
    size = (-1, *[1] * (len(layer.shape_out) - 1))
    threshold = held.threshold * held.step.view(size) * layer.dynamics.gain / 2.0**held.exponent
    alpha = torch.as_tensor(layer.dynamics.alpha, dtype=torch.float64)
    dynamics = replace(
        layer.dynamics,
        v_threshold=threshold.to(weight.dtype),
        alpha=nearest_alpha(held.kind, alpha).to(weight.dtype),
    )
    bias = held.bias
    meant = None if bias is None else (bias * held.step.flatten()).to(weight.dtype)
    return replace(layer, weight=weight, bias=meant, dynamics=dynamics)


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
