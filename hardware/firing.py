r"""Neurons of many chips, all steps of one layer.

.. math:: h = \alpha v + g i + \xi, \qquad s = [h \ge \theta]

and a reset, soft or hard, as in the network. :math:`\xi` is the thermal noise of the step. A silent
neuron's spikes never leave it; a hot one fires at every step whatever its potential. With
competition only the neuron furthest above its threshold fires, and resets all others.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from hardware.chips import generator
from hardware.circuits import Cells, Chips, Circuit
from hardware.network import Dynamics, rivals


def fire(
    chips: Chips,
    circuit: Circuit,
    current: Tensor,
    steps: int,
    first: int,
    probe: Callable[[int, Tensor], None] | None = None,
) -> Tensor:
    """Spikes (chips, steps, batch, *shape) of a current (chips, 1 or steps, batch, *shape).

    A probe is given each step's number and potentials before the reset.
    """
    population = populate(chips, circuit, current, first)
    current = charged(current, population.cells)
    v = population.v
    spikes = v.new_empty(len(v), steps, *v.shape[1:])
    for t, s in enumerate(spikes.unbind(1)):
        population.step(current[:, min(t, current.shape[1] - 1)], out=s)
        if probe is not None:
            probe(t, population.h)
    return spikes


def count(chips: Chips, circuit: Circuit, current: Tensor, steps: int, first: int) -> Tensor:
    """How often each neuron fires (chips, batch, *shape); no step is stored."""
    population = populate(chips, circuit, current, first)
    current = charged(current, population.cells)
    total, s = torch.zeros_like(population.v), torch.empty_like(population.v)
    for t in range(steps):
        total += population.step(current[:, min(t, current.shape[1] - 1)], out=s)
    return total


def populate(chips: Chips, circuit: Circuit, current: Tensor, first: int) -> "Population":
    """Neurons at rest: of each chip, or of one where all are alike."""
    own = circuit.cells is not None and circuit.cells.differ
    size = len(chips) if own else len(current)
    return Population(chips, circuit, current.new_empty(size, *current.shape[2:]), first)


class Population:
    """Neurons (chips, batch, *shape) like `like` that remember their state from step to step."""

    def __init__(self, chips: Chips, circuit: Circuit, like: Tensor, first: int) -> None:
        assert circuit.cells is not None
        assert circuit.layer.dynamics is not None
        self.cells, self.dynamics = circuit.cells, circuit.layer.dynamics
        self.v = torch.full_like(like, self.dynamics.v_initial)
        self.h = torch.empty_like(like)  # before the reset
        self.rest = torch.zeros_like(like) if self.dynamics.refractory else None
        std = self.cells.noise
        self.noise = None if std is None else Noise(chips, circuit.layer.name, std, first)

    def step(self, current: Tensor, out: Tensor) -> Tensor:
        """Write into `out` the spikes of a current that the gain has been applied to."""
        decay(current, self.v, self.cells.alpha, out=self.h)
        if self.noise is not None:
            self.noise.add_to(self.h)
        torch.ge(self.h, self.cells.v_threshold, out=out)
        threshold = self.cells.v_threshold
        lost = self.compete(out, threshold) if self.dynamics.competition else None
        self.rest = settle(self.h, out, self.v, self.rest, self.dynamics, threshold)
        if lost is not None:
            self.v.masked_fill_(lost, self.dynamics.v_reset)
        if self.cells.alive is not None and self.cells.hot is not None:
            torch.clamp(out.mul_(self.cells.alive), min=self.cells.hot, out=out)
        return out

    def compete(self, spikes: Tensor, threshold: float | Tensor) -> Tensor:
        """One spike is left; who lost to it is returned. The silent and resting do not compete."""
        if self.cells.alive is not None:
            spikes *= self.cells.alive
        if self.rest is not None:
            spikes *= self.rest == 0
        return rivals(self.h - threshold, spikes, 2)


def charged(current: Tensor, cells: Cells) -> Tensor:
    """The current times the gain of the neurons."""
    if isinstance(cells.gain, Tensor):
        return current * cells.gain.unsqueeze(1)
    return current if cells.gain == 1 else current * cells.gain


def decay(current: Tensor, v: Tensor, alpha: float | Tensor, out: Tensor) -> None:
    """out = alpha v + current; for a number alpha by the operation that the network uses."""
    if isinstance(alpha, Tensor):
        torch.addcmul(current, v, alpha, out=out)
    else:
        torch.add(current, v, alpha=alpha, out=out)


def settle(
    h: Tensor,
    s: Tensor,
    v: Tensor,
    rest: Tensor | None,
    dynamics: Dynamics,
    threshold: float | Tensor,
) -> Tensor | None:
    """Write into `v` what the spikes leave of `h`; those that rest keep their `v`, and are mute."""
    if rest is None:
        reset(h, s, dynamics, threshold, out=v)
        return None
    awake = rest == 0
    s.mul_(awake)
    v.copy_(torch.where(awake, reset(h, s, dynamics, threshold, out=h.clone()), v))
    return (rest - 1).clamp(min=0) + dynamics.refractory * s


def reset(
    h: Tensor, s: Tensor, dynamics: Dynamics, threshold: float | Tensor, out: Tensor
) -> Tensor:
    if dynamics.reset == "hard":
        torch.addcmul(h, h, s, value=-1, out=out)
        return out.add_(s, alpha=dynamics.v_reset) if dynamics.v_reset else out
    if isinstance(threshold, Tensor):
        return torch.addcmul(h, s, threshold, value=-1, out=out)
    return torch.add(h, s, alpha=-threshold, out=out)


class Noise:
    """Thermal noise of a layer: one stream of random numbers per chip, from `first` on."""

    def __init__(self, chips: Chips, name: str, std: Tensor, first: int) -> None:
        draws = chips.draws
        key = f"{name}.thermal/{first}"
        self.streams = [generator(draws.seed, chip, key) for chip in draws.chips]
        self.std = std

    def add_to(self, h: Tensor) -> None:
        noise = torch.empty_like(h)
        for row, stream in zip(noise, self.streams, strict=True):
            row.normal_(generator=stream)
        h.addcmul_(noise, self.std)
