"""What a spiking network is made of. Tensors are time first: time batch features."""

from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, max_pool2d

from snnlab.learning.encoders import is_constant
from snnlab.learning.neuron import Neuron
from snnlab.learning.norms import Currents, PerStep
from snnlab.learning.scan import can_pool, scan


Sequence = Float[Tensor, "time batch ..."]


def over_time(function: Callable[[Tensor], Tensor], x: Sequence) -> Sequence:
    """Apply a layer without memory to all steps in one call: time is folded into the batch.

    A constant input is computed once and its result shared by all steps. Whatever the precision of
    the layer, neurons and scores go on in that of the input.
    """
    if is_constant(x):
        once = function(x[0]).to(x.dtype)
        return once.expand(len(x), *once.shape)
    folded = function(x.flatten(0, 1)).to(x.dtype)
    return folded.view(*x.shape[:2], *folded.shape[1:])


def current(synapse: nn.Module, norm: nn.Module, x: Sequence) -> Currents:
    """What reaches a population at each step; only one step of it, if it is constant."""
    # one step of a constant input is enough: its current is computed and stored once
    given = x[:1] if is_constant(x) else x
    if isinstance(norm, PerStep):
        normed: Tensor = norm(over_time(synapse, given), len(x))
        return normed
    return over_time(lambda s: norm(synapse(s)), given)


class Current(nn.Module):
    """Synapses whose normalised current is added to others before it reaches a population."""

    def __init__(self, synapse: nn.Module, norm: nn.Module) -> None:
        super().__init__()
        self.synapse, self.norm = synapse, norm

    def forward(self, x: Sequence) -> Sequence:
        reached = current(self.synapse, self.norm, x)
        return reached.expand(len(x), *reached.shape[1:])


class Spiking(nn.Module):
    """A population of neurons and the synapses that lead to it."""

    def __init__(self, synapse: nn.Module, norm: nn.Module, neuron: Neuron) -> None:
        super().__init__()
        self.synapse, self.norm, self.neuron = synapse, norm, neuron

    @property
    def neuron(self) -> Neuron:
        """The neuron as it is now: what is trained of it is a tensor."""
        return self.untrained.bound(dict(self.cells)) if len(self.cells) else self.untrained

    @neuron.setter
    def neuron(self, neuron: Neuron) -> None:
        self.untrained = neuron
        self.cells = nn.ParameterDict(
            {name: nn.Parameter(torch.tensor(value)) for name, value in neuron.free().items()}
        )

    def forward(self, x: Sequence) -> Sequence:
        return self.neuron.scan(self.current(x), len(x), overwrite=self.fresh)

    @property
    def fresh(self) -> bool:
        """Whether nobody else uses the currents: a synapse or norm has made them anew."""
        return not isinstance(self.synapse, nn.Identity)

    def pooled(self, x: Sequence) -> Sequence:
        """The largest of every 2 x 2 outputs: the others are not even stored, if that can be."""
        current, dynamics = self.current(x), self.neuron.fused()
        if dynamics and can_pool(current, dynamics):
            return scan(current, dynamics, len(x), overwrite=self.fresh, pool=True)
        return largest(self.neuron.scan(current, len(x), overwrite=self.fresh))

    @property
    def watched(self) -> bool:
        """Whether somebody looks at, or replaces, what this layer alone puts out."""
        return bool(self._forward_hooks or self._forward_pre_hooks or "forward" in vars(self))

    def current(self, x: Sequence) -> Currents:
        """What the neurons receive at each step; only one step of it, if it is constant."""
        return current(self.synapse, self.norm, x)


class Shortcut(nn.Module):
    """The way of a current around a block, as it is: here a rule can get hold of it."""

    def forward(self, x: Sequence) -> Sequence:
        return x


class Block(nn.Module):
    """Adds to its input current what its layers make of the spikes that this current causes."""

    def __init__(
        self, enter: Spiking, inner: nn.Sequential, leave: Current, project: Current | None
    ) -> None:
        super().__init__()
        self.enter, self.inner, self.leave = enter, inner, leave
        self.project = project
        self.shortcut = Shortcut()

    def forward(self, x: Sequence) -> Sequence:
        spikes = self.enter(x)
        around = self.shortcut(x) if self.project is None else self.project(spikes)
        total: Tensor = self.leave(self.inner(spikes)) + around
        return total


class Readout(nn.Module):
    """Non-spiking output: the current of each class at every step."""

    def __init__(self, synapse: nn.Module) -> None:
        super().__init__()
        self.synapse = synapse

    def forward(self, x: Sequence) -> Sequence:
        return over_time(self.synapse, x)


class Potential(nn.Module):
    """Non-spiking output neurons: the potential, a running sum of the current, at every step."""

    def __init__(self, synapse: nn.Module) -> None:
        super().__init__()
        self.synapse = synapse

    def forward(self, x: Sequence) -> Sequence:
        return over_time(self.synapse, x).cumsum(0)


class FirstSpike(nn.Module):
    """Output 0 until the first spike of a class and 1 from then on; so its mean is 1 - t / T.

    The earliest class has the largest score; of two that are equally early, the first in order.
    Gradient: at the first spike, or the last step if there is none, a spike is worth one step of
    time, elsewhere nothing: the sign estimator of snnTorch's losses on spike times, of Eshraghian
    et al. 2021, arXiv:2109.12894.
    """

    def __init__(self, population: Spiking) -> None:
        super().__init__()
        self.population = population

    def forward(self, x: Sequence) -> Sequence:
        score: Tensor = Fired.apply(self.population(x))
        return score


class Fired(torch.autograd.Function):
    """Whether there has been a spike yet."""

    @staticmethod
    def forward(ctx: Any, spikes: Tensor) -> Tensor:
        fired = spikes.cummax(0).values
        ctx.save_for_backward(fired)
        return fired

    @staticmethod
    def backward(ctx: Any, e: Tensor) -> Tensor:
        (fired,) = ctx.saved_tensors
        moment = (len(fired) - fired.sum(0).long()).clamp(max=len(fired) - 1)
        return torch.zeros_like(e).scatter_(0, moment[None], e.mean(0, keepdim=True))


class Flatten(nn.Module):
    """All features of a sample in one row."""

    def forward(self, x: Sequence) -> Sequence:
        return over_time(lambda s: s.flatten(1), x)


class MaxPool(nn.Module):
    """The largest of every 2 x 2: for spikes, whether any of the four fired."""

    def forward(self, x: Sequence) -> Sequence:
        return largest(x)


def largest(x: Sequence) -> Sequence:
    return over_time(lambda s: max_pool2d(s, 2), x)


class AveragePool(nn.Module):
    """The mean of every 2 x 2: its outputs are no spikes any more."""

    def forward(self, x: Sequence) -> Sequence:
        return over_time(lambda s: avg_pool2d(s, 2), x)


class GlobalAverage(nn.Module):
    """The mean of each map, one number in its place."""

    def forward(self, x: Sequence) -> Sequence:
        return over_time(lambda s: s.mean((2, 3)), x)
