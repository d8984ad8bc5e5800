r"""What a chip is given: a network as plain data, and what it computes where nothing is degraded.

.. math::
    h_t = \alpha v_{t-1} + g\, i_t, \qquad s_t = [h_t \ge \theta], \qquad
    v_t = \begin{cases} h_t - \theta s_t & \text{soft reset} \\
                        h_t (1 - s_t) + v_r s_t & \text{hard reset} \end{cases}

Tensors are time first. A spike reaches the next layer in the same step.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, conv2d, linear, max_pool2d

from hardware.checks import one_of


Value = float | Tensor  # a tensor has one entry for each neuron, or broadcasts to that


@dataclass(frozen=True, eq=False)
class Dynamics:
    """How the neurons of one population behave."""

    alpha: Value  # factor by which the potential decays in a step; 1 for no leak
    v_threshold: Value
    reset: Literal["soft", "hard"]
    v_reset: float = 0.0
    v_initial: float = 0.0
    gain: float = 1.0  # factor on the current
    refractory: int = 0  # steps after a spike in which a neuron is deaf and silent
    competition: bool = False  # whether a spike resets all others: see `rivals`

    def __post_init__(self) -> None:
        one_of("dynamics.reset", self.reset, ("soft", "hard"))
        if not isinstance(self.refractory, int) or self.refractory < 0:
            raise ValueError(
                f"dynamics.refractory must be a whole number of steps, at least 0, got "
                f"{self.refractory!r}. Leave it at 0 for none"
            )

    def scan(self, current: Tensor, steps: int) -> Tensor:
        """Spikes (steps, ...) of neurons that receive `current` (steps or 1, ...)."""
        return torch.stack([spikes for spikes, _ in self.states(current, steps)])

    def states(self, current: Tensor, steps: int) -> Iterator[tuple[Tensor, Tensor]]:
        """The spikes of each step, and the potential that they leave."""
        current = current * self.gain if self.gain != 1.0 else current
        v = torch.full_like(current[0], self.v_initial)
        rest = torch.zeros_like(v)
        for t in range(steps):
            h = decayed(v, self.alpha, current[min(t, len(current) - 1)])
            awake = rest == 0
            s = ((h >= self.v_threshold) & awake).to(h.dtype)
            lost = rivals(h - self.v_threshold, s, 1) if self.competition else None
            v = torch.where(awake, self.after(h, s), v) if self.refractory else self.after(h, s)
            v = v if lost is None else torch.where(lost, self.v_reset, v)
            rest = (rest - 1).clamp(min=0) + self.refractory * s
            yield s, v

    def after(self, h: Tensor, s: Tensor) -> Tensor:
        """The potential that the spikes `s` leave of `h`."""
        if self.reset == "hard":
            return torch.where(s > 0, self.v_reset, h)
        return h - self.v_threshold * s  # s is 0 or 1: the product is exact


def rivals(distance: Tensor, s: Tensor, start: int) -> Tensor:
    """Leave of the spikes `s`, in place, that of the neuron furthest above its threshold.

    Who lost is returned: all others of the layer, dimensions from `start` on, if any fires. They
    begin again at v_reset.
    """
    flat = s.flatten(start)
    best = distance.flatten(start).masked_fill(flat == 0, -torch.inf).argmax(-1, keepdim=True)
    winner = torch.zeros_like(flat).scatter_(-1, best, flat.gather(-1, best))
    s.copy_(winner.view_as(s))
    lost = (winner == 0) & winner.any(-1, keepdim=True)
    return lost.view_as(s)


def decayed(v: Tensor, alpha: Value, current: Tensor) -> Tensor:
    """alpha v + i; with one alpha, rounded once where the processor can."""
    if isinstance(alpha, Tensor):
        return alpha * v + current
    return torch.add(current, v, alpha=alpha)


@dataclass(frozen=True, eq=False)
class Layer:
    """Synapses, and the population that they lead to."""

    name: str
    weight: Tensor  # dense (out, in) or convolution (out, in, k, k)
    bias: Tensor | None  # (out,), a constant current at each step
    shape_in: tuple[int, ...]  # without batch
    stride: int = 1
    padding: int = 0
    pool: Literal["none", "max", "average"] = "none"  # 2 x 2, of this layer's spikes
    dynamics: Dynamics | None = None  # none: readout, its mean current is the class score

    def __post_init__(self) -> None:
        place = f"layer {self.name}"
        one_of(f"{place}.pool", self.pool, ("none", "max", "average"))
        if self.weight.dim() not in (2, 4):
            self.refuse("weight", "of 2 or 4 dimensions", tuple(self.weight.shape), "Flatten it")
        if self.convolves and (self.stride < 1 or self.padding < 0):
            got = (self.stride, self.padding)
            self.refuse("stride and padding", "at least 1 and 0", got, "Set them to 1 and 0")
        if self.bias is not None and self.bias.shape != self.weight.shape[:1]:
            expected = f"of the shape {tuple(self.weight.shape[:1])}"
            self.refuse("bias", expected, tuple(self.bias.shape), "Give one for each output")
        if tuple(self.shape_in) != self.expected_in():
            way_out = "The weight's shape says so"
            self.refuse("shape_in", str(self.expected_in()), self.shape_in, way_out)
        if self.pool != "none" and len(self.shape_out) != 3:
            self.refuse("pool", "none for a dense layer", self.pool, "Leave it out")

    def refuse(self, field: str, expected: str, got: object, way_out: str) -> None:
        raise ValueError(f"layer {self.name}.{field} must be {expected}, got {got}. {way_out}")

    def expected_in(self) -> tuple[int, ...]:
        if not self.convolves:
            return (self.weight.shape[1],)
        return (self.weight.shape[1], *self.shape_in[1:])

    @property
    def shape_out(self) -> tuple[int, ...]:
        """Without batch, before pooling."""
        if not self.convolves:
            return (self.weight.shape[0],)
        sides = zip(self.shape_in[1:], self.weight.shape[2:], strict=True)
        across = ((n + 2 * self.padding - k) // self.stride + 1 for n, k in sides)
        return (self.weight.shape[0], *across)

    @property
    def convolves(self) -> bool:
        return self.weight.dim() == 4

    @property
    def neurons(self) -> int:
        return math.prod(self.shape_out)

    @property
    def shape_pooled(self) -> tuple[int, ...]:
        """Without batch: what the next layer is given."""
        if self.pool == "none":
            return self.shape_out
        return (self.shape_out[0], *(n // 2 for n in self.shape_out[1:]))

    def synapses(self, x: Tensor) -> Tensor:
        """The current (batch, *shape_out) of inputs (batch, *shape_in)."""
        if self.convolves:
            return conv2d(x, self.weight, self.bias, self.stride, self.padding)
        return linear(x, self.weight, self.bias)

    def pooled(self, spikes: Tensor) -> Tensor:
        """What (time, batch, *shape_out) leaves behind for the next layer."""
        if self.pool == "none":
            return spikes
        pool = max_pool2d if self.pool == "max" else avg_pool2d
        pooled: Tensor = pool(spikes.flatten(0, 1), 2)
        return pooled.view(*spikes.shape[:2], *pooled.shape[1:])


@dataclass(frozen=True, eq=False)
class Network:
    """Layers in a row; only the last may be a readout."""

    layers: tuple[Layer, ...]
    dt: float  # seconds of a step

    def __post_init__(self) -> None:
        if not self.layers:
            raise ValueError("network.layers must be one or more, got none. Add a layer")
        if not 0 < self.dt < math.inf:
            raise ValueError(f"network.dt must be more than 0 s, got {self.dt!r}. Try 1e-3")
        names = [layer.name for layer in self.layers]
        if len(set(names)) < len(names):
            raise ValueError(f"network.layers must differ in name, got {names}. Rename one")
        for before, after in pairwise(self.layers):
            if before.dynamics is None:
                before.refuse("dynamics", "given for all but the last layer", None, "Give one")
            if math.prod(before.shape_pooled) != math.prod(after.shape_in):
                way_out = f"Layer {before.name} gives that"
                after.refuse(
                    "shape_in", f"as large as {before.shape_pooled}", after.shape_in, way_out
                )

    def current(self, layer: Layer, x: Tensor) -> Tensor:
        """The current (time, batch, *shape_out) of inputs (time, batch, ...): time is folded."""
        folded = layer.synapses(x.reshape(-1, *layer.shape_in))
        return folded.view(*x.shape[:2], *folded.shape[1:])

    def run(self, x: Tensor, steps: int | None = None) -> Tensor:
        """What the last layer says at each step, (steps, batch, out); its mean is the score.

        `x` is (steps, batch, *in); or (1, batch, *in), a constant input for as many `steps`.
        """
        return self.trace(x, steps)[-1]

    def trace(self, x: Tensor, steps: int | None = None) -> list[Tensor]:
        """The spikes of each layer before pooling, and the readout's current."""
        steps = len(x) if steps is None else steps
        if len(x) not in (1, steps):
            raise ValueError(
                f"input must have 1 or {steps} steps, got {len(x)}. Give one for a constant input"
            )
        said = []
        for layer in self.layers:
            current = self.current(layer, x)
            if layer.dynamics is None:
                said.append(current.expand(steps, *current.shape[1:]))
                break
            said.append(layer.dynamics.scan(current, steps))
            x = layer.pooled(said[-1])
        return said
