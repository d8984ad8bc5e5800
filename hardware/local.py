r"""Local learning rules: what a synapse may see, and what it makes of it.

Local tandem learning, online: with :math:`C_t` the neuron's own spikes so far, :math:`\hat r` its
target rate and B the size of the batch,

.. math:: \Delta w_{ij} = -\frac{\eta}{B} \sum_b \frac{2}{t} \Big(\frac{C_{i,t}}{t} - \hat r_i\Big)
   \frac{[|u_i - \theta| < p/2]}{p} s_j

which is the gradient of the loss of that step, the past taken as given: Yang et al. 2022,
arXiv:2210.04532, Eq. 8 to 11. A readout has its mean current o instead, and learns from
:math:`(\mathrm{softmax}(o) - y)/t`.

Gates: "boxcar" as above; "sign" sends the sign of the error alone; "error-triggered" sends it only
where the error is at least `trigger` (after Payvand et al. 2020, arXiv:1910.06152, where the
trigger is moreover servoed to a rate of updates: here it is fixed).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Literal, Protocol, runtime_checkable

import torch
from torch import Tensor
from torch.nn.grad import conv2d_weight

from hardware.checks import one_of, within
from hardware.network import Layer
from hardware.schedule import Schedule


GATES = ("boxcar", "sign", "error-triggered")


@dataclass(frozen=True, eq=False)
class LocalView:
    """All that the synapses of one layer see at one step. There is no way to anything else."""

    pre_spikes: Tensor  # (chips, batch, *in)
    u_minus_threshold: Tensor | None  # (chips, batch, *out), before the reset; none for a readout
    spike_count: Tensor  # of the neuron itself, so far; of a readout, its summed current
    target: Tensor  # the neuron's own rate, (batch, *out); of a readout, 1 for the right class
    t: int  # steps so far


@dataclass(frozen=True, eq=False)
class Change:
    """What to add to the weights and biases of one layer: a product of two local factors."""

    error: Tensor  # (chips, batch, *out), what each neuron tells its synapses
    pre: Tensor  # (1 or chips, batch, *in), what each synapse has got
    updates: Tensor  # per chip: how often a neuron told its synapses to change
    lr: float = 1.0  # which `error` has as a factor

    @property
    def bias(self) -> Tensor:
        return self.error.sum((1, *range(3, self.error.dim())))

    def add_to(self, weight: Tensor, layer: Layer) -> Tensor:
        """Add to weights (chips, *weight), in place."""
        n = len(self.error)
        pre = self.pre.expand(n, *self.pre.shape[1:])
        if not layer.convolves:
            return weight.baddbmm_(self.error.transpose(1, 2), pre.flatten(2))
        return weight.add_(kernels(pre, self.error, layer))


def total(changes: Sequence[Change]) -> Change:
    """Several steps as one: errors add up where the input was the same, else batches do."""
    first = changes[0]
    if len(changes) == 1:
        return first
    updates = sum((change.updates for change in changes[1:]), first.updates)
    if all(same(change.pre, first.pre) for change in changes[1:]):
        error = torch.stack([change.error for change in changes]).sum(0)
        return replace(first, error=error, updates=updates)
    error = torch.cat([change.error for change in changes], 1)
    pre = torch.cat([change.pre for change in changes], 1)
    return replace(first, error=error, pre=pre, updates=updates)


def same(one: Tensor, other: Tensor) -> bool:
    """Whether both are one piece of memory, as a constant input is."""
    return one.data_ptr() == other.data_ptr() and one.shape == other.shape


def kernels(pre: Tensor, error: Tensor, layer: Layer) -> Tensor:
    """What each kernel, shared by all positions, gets from them: a group for each chip."""
    n, shape = len(error), layer.weight.shape
    x, e = (y.transpose(0, 1).flatten(1, 2) for y in (pre, error))
    size = (n * shape[0], *shape[1:])
    weight: Tensor = conv2d_weight(x, size, e, layer.stride, layer.padding, groups=n)
    return weight.view(n, *shape)


class Learner(Protocol):
    """The synapses of one layer while a batch is shown; their state is built from views."""

    remembers: ClassVar[bool]  # whether they must see each step, learning or not

    def changes(self, view: LocalView) -> Sequence[Change]:
        """What they ask for at one step."""

    def reward(self, reward: Tensor) -> Sequence[Change]:
        """What they ask for at the end, told a number for each sample (chips, batch)."""


@runtime_checkable
class Rule(Protocol):
    """How synapses learn."""

    supervised: ClassVar[bool]  # whether neurons need targets
    rewarded: ClassVar[bool]  # whether the host says at the end how good the answers were
    usual: ClassVar[Schedule]

    def learner(self) -> Learner: ...


@dataclass(frozen=True)
class LocalTandem:
    """Each neuron follows its target rate by what it sees itself."""

    lr: float = 1e-2
    width: float = 0.4  # p, in units of the potential
    gate: Literal["boxcar", "sign", "error-triggered"] = "boxcar"
    trigger: float = 0.1  # the least error of a rate that an error-triggered neuron reports

    supervised: ClassVar[bool] = True
    rewarded: ClassVar[bool] = False
    remembers: ClassVar[bool] = False
    usual: ClassVar[Schedule] = Schedule()

    def __post_init__(self) -> None:
        one_of("gate", self.gate, GATES)
        within("lr", self.lr, 0, 1e3, "Start with 0.01")
        within("trigger", self.trigger, 0, 1, "It is an error of a rate")
        if not 0 < self.width < math.inf:
            raise ValueError(f"width must be more than 0, got {self.width!r}. Try 0.4")

    def error(self, view: LocalView) -> Tensor:
        """The third factor of each neuron, (chips, batch, *out): what it tells its synapses."""
        mean = view.spike_count / view.t
        readout = view.u_minus_threshold is None
        error = (mean.softmax(2) if readout else mean) - view.target
        if self.gate == "sign":
            error = error.sign()
        if self.gate == "error-triggered":
            error = error.sign() * (error.abs() >= self.trigger)
        if view.u_minus_threshold is None:
            return error.div(view.t)
        near = view.u_minus_threshold.abs() < self.width / 2
        return error * near * (2 / (view.t * self.width))

    def change(self, view: LocalView) -> Change:
        error = self.error(view)
        updates = error.count_nonzero(tuple(range(1, error.dim())))
        return Change(error * (-self.lr / error.shape[1]), view.pre_spikes, updates, self.lr)

    def learner(self) -> "LocalTandem":
        """Itself: it remembers nothing."""
        return self

    def changes(self, view: LocalView) -> list[Change]:
        return [self.change(view)]

    def reward(self, _: Tensor) -> list[Change]:
        return []
