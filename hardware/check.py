"""All that keeps a network from a chip, at once; and what could not be checked. Never raises."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

import torch
from torch import Tensor

from hardware.decay import nearest_alpha
from hardware.mapper import Mapping, place
from hardware.network import Dynamics, Layer, Network, Value
from hardware.profile import Profile
from hardware.unknown import Unknown
from hardware.violation import Violation, message


TAU_ERROR = 0.1  # of a time constant that a chip can only come near to


@dataclass(frozen=True, eq=False)
class Report:
    """What was found."""

    profile: Profile
    violations: tuple[Violation, ...]
    unchecked: tuple[str, ...]  # limits that nobody has published
    mapping: Mapping | None  # none if no neuron could be placed in a sensible way

    @property
    def fits(self) -> bool:
        return not self.violations

    def __str__(self) -> str:
        said = [message(self.profile.name, self.violations)] if self.violations else []
        said += [f"not checked, as not published: {', '.join(self.unchecked)}"] * bool(
            self.unchecked
        )
        return "\n".join(said) or f"fits on {self.profile.name}"


def check(
    profile: Profile, network: Network, *, bits: int | None = None, learning: bool = False
) -> Report:
    """Whether the network runs on the chip, with weights of so many bits, and learns there."""
    checks = Checks(profile, network)
    found = [*checks.weights(bits), *checks.learning(learning=learning)]
    for layer in network.layers:
        found += [*checks.finite(layer), *checks.synapses(layer), *checks.dynamics(layer)]
    found += list(checks.ends())
    blocked = any(v.limit.startswith(("limits.fan_in", "formats.weight_bits")) for v in found)
    mapping = None if blocked else place(profile, network, bits)
    found += list(mapping.violations) if mapping else []
    return Report(profile, tuple(found), tuple(sorted(checks.unchecked)), mapping)


def demand(
    profile: Profile, network: Network, *, bits: int | None = None, learning: bool = False
) -> Mapping:
    """The mapping of a network that fits. Raises ValueError with all reasons why it does not."""
    report = check(profile, network, bits=bits, learning=learning)
    if report.mapping is None or report.violations:
        raise ValueError(message(profile.name, report.violations))
    return report.mapping


@dataclass(eq=False)
class Checks:
    """The checks of one network on one chip; it remembers what it could not check."""

    profile: Profile
    network: Network
    unchecked: set[str] = field(default_factory=set)

    def known(self, key: str) -> bool:
        """Whether the profile says something; if not, that is remembered."""
        if key not in self.profile.facts:
            self.unchecked.add(key)
        return key in self.profile.facts

    def most(self, layer: str, key: str, got: float, way_out: str) -> Iterator[Violation]:
        limit = self.profile.number(key)
        if isinstance(limit, Unknown):
            self.unchecked.add(key)
        elif got > limit:
            yield Violation(layer, key, f"at most {limit:g}", f"{got:g}", way_out)

    def among(self, layer: str, key: str, got: object, way_out: str) -> Iterator[Violation]:
        if self.known(key) and got not in self.profile.facts[key].value:
            allowed = ", ".join(str(one) for one in self.profile.facts[key].value)
            yield Violation(layer, key, f"one of {allowed}", got, way_out)

    def weights(self, bits: int | None) -> Iterator[Violation]:
        if bits is not None:
            name = self.network.layers[0].name
            yield from self.among(name, "formats.weight_bits", bits, "Choose one of them")

    def learning(self, *, learning: bool) -> Iterator[Violation]:
        if (
            learning
            and self.known("learning.on_chip")
            and not self.profile.flag("learning.on_chip")
        ):
            name = self.network.layers[0].name
            way_out = "Calibrate it off-chip, or choose a chip that learns"
            yield Violation(name, "learning.on_chip", "left out", "on-chip learning", way_out)

    def finite(self, layer: Layer) -> Iterator[Violation]:
        tensors: dict[str, Value | None] = {"weight": layer.weight, "bias": layer.bias}
        if layer.dynamics is not None:
            tensors |= {"alpha": layer.dynamics.alpha, "threshold": layer.dynamics.v_threshold}
        for name, value in tensors.items():
            wrong = 0 if value is None else int((~torch.as_tensor(value).isfinite()).sum())
            if wrong:
                way_out = "Train again with a smaller step, or fold the norm anew"
                yield Violation(layer.name, name, "finite", f"{wrong} that are not", way_out)

    def synapses(self, layer: Layer) -> Iterator[Violation]:
        fan_in = layer.weight[0].numel() if len(layer.weight) else 0
        key = "limits.fan_in_signed" if signed(layer.weight) else "limits.fan_in"
        if key not in self.profile.facts:
            key = "limits.fan_in"
        way_out = "Use smaller kernels, fewer maps, or a smaller layer before it"
        yield from self.most(layer.name, key, fan_in, way_out)
        way_out = "Make this layer smaller"
        yield from self.most(layer.name, "limits.fan_out", fan_out(layer), way_out)
        if layer.bias is not None and layer.bias.count_nonzero():
            yield from self.bias(layer, layer.bias)
        if layer.convolves:
            yield from self.convolution(layer)
        if layer.pool != "none":
            way_out = "Pool that way, or use strides"
            yield from self.among(layer.name, "neuron.pools", layer.pool, way_out)

    def bias(self, layer: Layer, bias: Tensor) -> Iterator[Violation]:
        if self.known("neuron.bias") and not self.profile.flag("neuron.bias"):
            yield Violation(
                layer.name, "neuron.bias", "left out", len(bias), "Train without biases"
            )
        if "limits.kernel_words" in self.profile.facts:
            way_out = "Use fewer maps, or train without biases"
            yield from self.most(layer.name, "limits.bias_words", len(bias), way_out)

    def convolution(self, layer: Layer) -> Iterator[Violation]:
        if "limits.kernel_words" not in self.profile.facts:
            return
        name = layer.name
        sides_in, sides_out = layer.shape_in[1:], layer.shape_out[1:]
        kernel, channels = max(layer.weight.shape[2:]), max(layer.weight.shape[:2])
        yield from self.most(name, "limits.kernel", kernel, "Use smaller kernels")
        yield from self.most(name, "limits.channels", channels, "Use fewer maps")
        yield from self.most(name, "limits.padding", layer.padding, "Use smaller kernels")
        yield from self.most(name, "limits.side_in", max(sides_in), "Use smaller images")
        yield from self.most(name, "limits.side_out", max(sides_out), "Use larger strides")
        yield from self.among(name, "limits.strides", layer.stride, "Choose one of them")

    def dynamics(self, layer: Layer) -> Iterator[Violation]:
        dynamics, name = layer.dynamics, layer.name
        if dynamics is None:
            return
        way_out = "Train with such a reset"
        yield from self.among(name, "neuron.resets", dynamics.reset, way_out)
        if dynamics.refractory and self.known("neuron.refractory"):
            longest = self.profile.numbers("neuron.refractory")[1]
            if dynamics.refractory > longest:
                text, way_out = f"at most {longest:g} steps", "Shorten it"
                yield Violation(name, "neuron.refractory", text, dynamics.refractory, way_out)
        if dynamics.competition and not (
            self.known("neuron.competition") and self.profile.flag("neuron.competition")
        ):
            way_out = "Leave competition out, or choose a chip that has it"
            yield Violation(name, "neuron.competition", "left out", "competition", way_out)
        yield from self.leak(name, dynamics)

    def leak(self, name: str, dynamics: Dynamics) -> Iterator[Violation]:
        alpha = torch.as_tensor(dynamics.alpha, dtype=torch.float64).flatten()
        if not bool((alpha < 1).any()):
            return
        if self.known("neuron.leak") and not self.profile.flag("neuron.leak"):
            got = f"a decay to {alpha.min():.4g} in a step"
            yield Violation(name, "neuron.leak", "none", got, "Train with IF neurons")
        elif self.known("formats.decay"):
            yield from self.reachable(name, alpha)

    def reachable(self, name: str, alpha: Tensor) -> Iterator[Violation]:
        alpha = alpha[(alpha > 0) & (alpha < 1)]
        there = nearest_alpha(self.profile.word("formats.decay"), alpha)
        error = (alpha.log() / there.log() - 1).abs().nan_to_num(math.inf)
        if len(error) and error.max() > TAU_ERROR:
            tau = self.network.dt / -alpha[error.argmax()].log()
            near = self.network.dt / -there[error.argmax()].log()
            text = f"within {TAU_ERROR:.0%} of a time constant that the chip has"
            got = f"{tau:.4g} s, of which the nearest is {near:.4g} s"
            yield Violation(name, "formats.decay", text, got, f"Train with {near:.4g} s")

    def ends(self) -> Iterator[Violation]:
        first, last = self.network.layers[0], self.network.layers[-1]
        inputs, way_out = math.prod(first.shape_in), "Show smaller images"
        yield from self.most(first.name, "limits.inputs", inputs, way_out)
        yield from self.most(last.name, "limits.outputs", last.neurons, "Use fewer classes")


def signed(weight: Tensor) -> bool:
    return bool((weight < 0).any()) and bool((weight > 0).any())


def fan_out(layer: Layer) -> int:
    """The most synapses that one input has."""
    if not layer.convolves:
        return len(layer.weight)
    sides = zip(layer.weight.shape[2:], layer.shape_out[1:], strict=True)
    return len(layer.weight) * math.prod(min(-(-k // layer.stride), n) for k, n in sides)
