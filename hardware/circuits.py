"""Chips as made: the weights and neurons that some chips have instead of the network's.

Tensors begin with a dimension of chips; of size 1, all chips are alike, and what they compute is
computed once.
"""

from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from hardware.chips import Draws, once
from hardware.frozen import Drift, Faults, faulty
from hardware.network import Layer, Network
from hardware.nonidealities import Nonidealities


@dataclass(frozen=True, eq=False)
class Synapses:
    """Weights (1 or chips, ...) and biases (1 or chips, out) of one layer."""

    weight: Tensor
    bias: Tensor | None
    own: bool  # whether each chip has its own

    def plus(self, level: float, other: "Synapses") -> "Synapses":
        bias = None
        if self.bias is not None and other.bias is not None:
            bias = self.bias + level * other.bias
        return Synapses(self.weight + level * other.weight, bias, own=True)


@dataclass(frozen=True)
class Cells:
    """A population of neurons: numbers, or tensors (chips, 1, *shape) where chips differ."""

    alpha: float | Tensor
    v_threshold: float | Tensor
    gain: float | Tensor
    alive: Tensor | None = None  # 0 for a silent neuron
    hot: Tensor | None = None  # 1 for a neuron that fires at every step
    noise: Tensor | None = None  # standard deviation added to the potential at each step
    differ: bool = False  # whether chips have different ones, or different noise


@dataclass(frozen=True)
class Circuit:
    """One layer of the network on all chips."""

    layer: Layer
    synapses: Synapses
    slope: Synapses | None  # what the level of a mismatch multiplies, not yet added to them
    level: float
    cells: Cells | None  # none: a readout

    @property
    def own(self) -> bool:
        """Whether chips are not alike after this layer."""
        differ = self.cells is not None and self.cells.differ
        return differ or self.synapses.own or self.slope is not None


@dataclass(frozen=True)
class Chips:
    """Chips with the same network and the same kinds of flaws."""

    network: Network
    draws: Draws
    wrong: Nonidealities
    circuits: tuple[Circuit, ...]

    def __len__(self) -> int:
        return len(self.draws.chips)

    @property
    def counted(self) -> range:
        """Numbers of the layers of whose spikes their sum over time is all that is needed."""
        n, routing = len(self.circuits), self.wrong.routing
        last = n - 1 if self.circuits[-1].cells is not None else n - 2
        before = self.circuits[last] if last >= 0 else None
        if before is None or before.layer.pool != "none" or routing.loss or routing.late:
            return range(0)
        return range(last, last + 1)


@dataclass(frozen=True)
class Foundry:
    """Makes chips from a network: the same ones, with other flaws, as often as it is asked.

    What does not depend on a level is made once, and is the same tensor in all chips.
    """

    network: Network
    draws: Draws
    kept: dict[object, Synapses] = field(default_factory=dict, compare=False, repr=False)

    def make(self, wrong: Nonidealities) -> Chips:
        circuits = tuple(self.circuit(number, wrong) for number in range(len(self.network.layers)))
        return Chips(self.network, self.draws, wrong, circuits)

    def circuit(self, number: int, wrong: Nonidealities) -> Circuit:
        """One layer. The first keeps its mismatch apart, so that levels share its products."""
        layer = self.network.layers[number]
        population = cells(layer, self.network.dt, self.draws, wrong) if layer.dynamics else None
        synapses, slope, level = self.base(layer, wrong), None, wrong.spread.weight
        if level:
            slope = self.slope(layer, synapses, wrong)
        if number and slope is not None:
            synapses, slope = synapses.plus(level, slope), None
        return Circuit(layer, synapses, slope, level, population)

    def base(self, layer: Layer, wrong: Nonidealities) -> Synapses:
        return once(self.kept, key(layer, wrong), lambda: written(layer, self.draws, wrong))

    def slope(self, layer: Layer, base: Synapses, wrong: Nonidealities) -> Synapses:
        spread = wrong.spread
        law = (spread.law, spread.weight if spread.reference is None else spread.reference)
        make = lambda: deviation(layer, base, self.draws, wrong)  # noqa: E731
        return once(self.kept, (*key(layer, wrong), law), make)


def key(layer: Layer, wrong: Nonidealities) -> tuple[object, ...]:
    """What the weights of a layer depend on, but for their mismatch."""
    faults = replace(wrong.faults, silent=0.0, hot=0.0)
    return layer.name, wrong.bits, wrong.compat, wrong.scale, wrong.drift, faults


def written(layer: Layer, draws: Draws, wrong: Nonidealities) -> Synapses:
    """Quantised, drifted, and overruled by faults."""
    stored = wrong.stored(layer.weight)
    base = stored[None]
    if wrong.drift.seconds:
        epsilon = draws.normal(f"{layer.name}.drift", stored.shape)
        base = base * wrong.drift.factor(stored, epsilon)
    if wrong.faults.dead or wrong.faults.stuck:
        dead, stuck = broken_synapses(layer, draws, wrong.faults)
        base = faulty(base.expand_as(dead), dead, stuck, stored.abs().max().item())
    own = bool(wrong.drift.seconds or wrong.faults.dead or wrong.faults.stuck)
    return Synapses(base, None if layer.bias is None else layer.bias[None], own)


def deviation(layer: Layer, base: Synapses, draws: Draws, wrong: Nonidealities) -> Synapses:
    """What the level of a mismatch multiplies; nothing where a fault decides the weight.

    A bias is a current source of its own: it has a mismatch, and no faults.
    """
    spread = wrong.spread

    def z(name: str, like: Tensor) -> Tensor:
        return spread.z(draws.normal(f"{layer.name}.{name}", like.shape), spread.weight)

    slope = base.weight * z("weight", layer.weight)
    if wrong.faults.dead or wrong.faults.stuck:
        dead, stuck = broken_synapses(layer, draws, wrong.faults)
        slope = slope.masked_fill(dead | stuck, 0.0)
    bias = None if layer.bias is None else layer.bias * z("bias", layer.bias)
    return Synapses(slope, bias, own=True)


def response(layer: Layer, draws: Draws, wrong: Nonidealities) -> tuple[Tensor, Tensor]:
    """What a chip makes of any number written into a synapse: factor x number + offset.

    (chips, *weight). A fault has the factor 0; a stuck synapse keeps what the network had there.
    """
    plain = replace(layer, bias=None)
    base = written(plain, draws, replace(wrong, faults=Faults(), drift=Drift()))
    factor = torch.ones(len(draws.chips), *layer.weight.shape)
    if wrong.drift.seconds:
        epsilon = draws.normal(f"{layer.name}.drift", layer.weight.shape)
        factor *= wrong.drift.factor(base.weight[0], epsilon)
    if wrong.spread.weight:
        ones = replace(base, weight=torch.ones_like(base.weight))
        clean = replace(wrong, faults=Faults())
        factor *= 1 + wrong.spread.weight * deviation(plain, ones, draws, clean).weight
    if not (wrong.faults.dead or wrong.faults.stuck):
        return factor, torch.zeros(())
    dead, stuck = broken_synapses(layer, draws, wrong.faults)
    sign = written(plain, draws, wrong).weight
    return factor.masked_fill(dead | stuck, 0.0), sign * stuck


def broken_synapses(layer: Layer, draws: Draws, faults: Faults) -> tuple[Tensor, Tensor]:
    uniform = draws.uniform(f"{layer.name}.synapses", layer.weight.shape)
    return faults.broken(uniform, faults.dead, faults.stuck)


def cells(layer: Layer, dt: float, draws: Draws, wrong: Nonidealities) -> Cells:
    r"""Neurons with mismatch: :math:`\alpha^{1/f}` for a time constant f times as long.

    A gain of 1 is charge on a capacitor, which a time constant does not change; another gain is
    taken as in proportion to :math:`1 - \alpha`, a current through a resistance.
    """
    dynamics, spread = layer.dynamics, wrong.spread
    assert dynamics is not None
    alpha, threshold = dynamics.alpha, dynamics.v_threshold
    gain: float | Tensor = dynamics.gain

    def factor(name: str, level: float) -> Tensor:
        epsilon = draws.normal(f"{layer.name}.{name}", (1, *layer.shape_out))
        return spread.factor(epsilon, level)

    if spread.tau:
        slower = torch.as_tensor(alpha) ** (1 / factor("tau", spread.tau))
        gain = gain if gain == 1 else gain * (1 - slower) / (1 - alpha)
        alpha = slower
    if spread.threshold:
        threshold = threshold * factor("threshold", spread.threshold)
    alive, hot = broken_neurons(layer, draws, wrong)
    noise = None
    if wrong.thermal.level:
        given = torch.as_tensor(alpha), torch.as_tensor(threshold)
        noise = wrong.thermal.step(*given, dynamics.v_reset, dt)
    differ = bool(spread.tau or spread.threshold or alive is not None or noise is not None)
    return Cells(alpha, threshold, gain, alive, hot, noise, differ)


def broken_neurons(
    layer: Layer, draws: Draws, wrong: Nonidealities
) -> tuple[Tensor | None, Tensor | None]:
    faults = wrong.faults
    if not (faults.silent or faults.hot):
        return None, None
    uniform = draws.uniform(f"{layer.name}.neurons", (1, *layer.shape_out))
    silent, hot = faults.broken(uniform, faults.silent, faults.hot)
    return (~silent).float(), hot.float()
