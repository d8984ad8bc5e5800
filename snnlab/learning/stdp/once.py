r"""Layers of neurons that fire at most once: what counts is who is first.

A neuron adds up what it receives and fires when that reaches its threshold:

.. math:: v_t = \sum_{t' \le t} w * s_{t'}, \qquad t_{spike} = \min \{t : v_t \ge \theta\}

Weights are not negative, so v never falls, and the steps with v below the threshold, counted, are
the moment of the spike. A latency is that moment; the number of steps stands for "never".

Source: Kheradpisheh et al. 2018, arXiv:1611.01421 (contrasts, rank coding, integrate-and-fire at
most once, earliest-spike pooling).
"""

import math
from itertools import pairwise
from typing import NamedTuple

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.nn.functional import max_pool2d

from snnlab.learning.encoders import is_constant
from snnlab.learning.errors import TrainingError
from snnlab.learning.layers import over_time


INITIAL = (0.8, 0.05)  # mean and standard deviation of weights, as in the paper
WIDTH = 7  # of a filter of contrast, in pixels
SIGMAS = (1.0, 2.0)  # of its centre and its surround, in pixels
AT_ONCE = 20  # images whose potentials are held in memory together: more would leave the cache

Times = Float[Tensor, "batch maps height width"]


def latencies(spikes: Float[Tensor, "time batch *n"]) -> Float[Tensor, "batch *n"]:
    """The step of the only spike of each neuron; the number of steps if there is none."""
    left = torch.arange(len(spikes), 0, -1, dtype=spikes.dtype, device=spikes.device)
    return len(spikes) - (left @ spikes.flatten(1)).view_as(spikes[0])


def spikes_at(latency: Float[Tensor, "batch *n"], steps: int) -> Float[Tensor, "time batch *n"]:
    """The reverse of `latencies`."""
    moments = torch.arange(steps, dtype=latency.dtype, device=latency.device)
    spikes = latency.new_empty(steps, *latency.shape)
    return torch.eq(latency, moments.view(-1, *[1] * latency.dim()), out=spikes)


def ranked(strength: Float[Tensor, "batch *n"], steps: int, threshold: float) -> Tensor:
    """Latencies by order: all that exceed the threshold, strongest first, equally many a step."""
    flat = strength.flatten(1)
    lit = flat > threshold
    place = flat.argsort(dim=1, descending=True, stable=True).argsort(dim=1)
    latency = (place * steps).div(lit.sum(1, keepdim=True).clamp(min=1), rounding_mode="floor")
    return latency.where(lit, steps).to(strength.dtype).view_as(strength)


def difference_of_gaussians() -> Float[Tensor, "row column"]:
    """A bright centre in a dark surround: sums to 0, its positive part to 1."""
    offset = torch.arange(WIDTH) - WIDTH // 2
    square = offset.view(-1, 1) ** 2 + offset**2
    centre, surround = (torch.exp(-square / (2 * s * s)) / (2 * math.pi * s * s) for s in SIGMAS)
    kernel = centre - surround
    kernel -= kernel.mean()
    return 2 * kernel / kernel.abs().sum()


class Contrast(nn.Module):
    """Two maps for each channel, bright on dark and dark on bright, the stronger the earlier."""

    def __init__(self, channels: int, threshold: float) -> None:
        super().__init__()
        self.threshold = threshold
        self.synapse = nn.Conv2d(
            channels,
            2 * channels,
            WIDTH,
            padding=WIDTH // 2,
            padding_mode="replicate",
            groups=channels,
            bias=False,
        ).requires_grad_(requires_grad=False)
        kernel = difference_of_gaussians()
        self.synapse.weight.copy_(
            torch.stack([kernel, -kernel]).unsqueeze(1).repeat(channels, 1, 1, 1)
        )

    def forward(self, x: Float[Tensor, "time batch channels height width"]) -> Tensor:
        if not is_constant(x):
            raise TrainingError(
                "network.kind 'conv-stdp' makes its own spikes from images that stand still: set "
                "encoder.kind to 'direct'"
            )
        return spikes_at(ranked(self.synapse(x[0]), len(x), self.threshold), len(x))


class Response(NamedTuple):
    """When each neuron fired, and its `rank`: the earlier, then stronger, the more; 0 is never."""

    latency: Times
    rank: Times

    def inhibited(self) -> "Response":
        """With only the first of all maps at each place: it inhibits the others there."""
        first = self.rank.argmax(1, keepdim=True)
        kept = torch.zeros_like(self.rank).scatter_(1, first, self.rank.gather(1, first))
        return Response(self.latency.where(kept > 0, self.latency.new_tensor(torch.inf)), kept)


class FireOnce(nn.Module):
    """Maps of neurons that fire at most once; `shown` counts the images they learned from."""

    shown: Tensor

    def __init__(
        self,
        inputs: int,
        maps: int,
        kernel: int,
        threshold: float,
        unit: float = 1.0,
        *,
        inhibition: bool = False,
    ) -> None:
        super().__init__()
        self.threshold, self.unit, self.inhibition = threshold * unit, unit, inhibition
        self.synapse = nn.Conv2d(inputs, maps, kernel, bias=False).requires_grad_(
            requires_grad=False
        )
        nn.init.normal_(self.synapse.weight, *INITIAL).clamp_(0, 1)
        self.register_buffer("shown", torch.zeros((), dtype=torch.int64))

    def forward(self, x: Float[Tensor, "time batch maps height width"]) -> Tensor:
        """Spikes at every step; nothing is learned."""
        parts = [spikes_at(self.fired(part), len(x)) for part in x.split(AT_ONCE, 1)]
        return torch.cat(parts, 1)

    def fired(self, x: Float[Tensor, "time batch ..."]) -> Tensor:
        if self.inhibition:
            return self.respond(x, self.threshold).inhibited().latency
        return below(self.potentials(x), self.threshold)

    def potentials(self, x: Float[Tensor, "time batch maps height width"]) -> Tensor:
        """What each neuron has received up to each step."""
        v: Tensor = self.synapse(x.flatten(0, 1)).unflatten(0, x.shape[:2])
        for before, now in pairwise(v):  # in place: ten times faster than cumsum in this layout
            now += before
        return v

    def respond(
        self, x: Float[Tensor, "time batch maps height width"], threshold: float
    ) -> Response:
        """The race of all neurons, none of which inhibits another."""
        v = self.potentials(x)
        latency = below(v, threshold)
        last = len(x) - 1
        reached = v.gather(0, latency.clamp(max=last).long().unsqueeze(0))[0]
        synapses = self.synapse.weight[0].numel()  # v is at most that
        rank = (len(x) - latency + reached / (synapses + 1)).where(latency <= last, 0)
        return Response(latency, rank)


def below(v: Float[Tensor, "time *n"], threshold: float) -> Float[Tensor, "*n"]:
    """For how many steps a rising potential is below the threshold."""
    under = v < threshold
    if len(v) <= torch.iinfo(torch.uint8).max:  # sums of bytes are several times faster
        return under.view(torch.uint8).sum(0, dtype=torch.uint8).to(v.dtype)
    return under.sum(0).to(v.dtype)


class FirstPool(nn.Module):
    """Of every square of neurons the earliest spike."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size

    def forward(self, x: Float[Tensor, "time batch maps height width"]) -> Tensor:
        return spikes_at(-max_pool2d(-latencies(x), self.size), len(x))


class Choice(nn.Module):
    """Some neurons for each class, which never fire: the highest potential chooses its class.

    At each step the output is the growth of the highest potential of each class, so its sum over
    time is that potential. `wrong` is the running share of wrong choices, `shown` the images
    learned from, `dice` what the next random draw depends on.
    """

    wrong: Tensor
    shown: Tensor
    dice: Tensor

    def __init__(self, inputs: int, classes: int, per_class: int) -> None:
        super().__init__()
        self.classes, self.per_class = classes, per_class
        self.synapse = nn.Linear(inputs, classes * per_class, bias=False).requires_grad_(
            requires_grad=False
        )
        nn.init.normal_(self.synapse.weight, *INITIAL).clamp_(0, 1)
        self.register_buffer("wrong", torch.tensor(1 - 1 / classes))
        self.register_buffer("shown", torch.zeros((), dtype=torch.int64))
        self.register_buffer("dice", torch.randint(2**62, (), dtype=torch.int64))

    def forward(self, x: Float[Tensor, "time batch inputs"]) -> Float[Tensor, "time batch classes"]:
        v = over_time(self.synapse, x).cumsum(0)
        best = v.view(*v.shape[:2], self.classes, self.per_class).amax(3)
        return best.diff(dim=0, prepend=torch.zeros_like(best[:1]))

    def draw(self, *shape: int) -> Tensor:
        """Uniform random numbers, other ones at each call; resumed training draws the same."""
        generator = torch.Generator().manual_seed(int(self.dice))
        self.dice.fill_(int(torch.randint(2**62, (), generator=generator)))
        return torch.rand(shape, generator=generator).to(self.wrong.device)


class Winners(NamedTuple):
    """The neurons that learn: for which image, in which map, where."""

    image: Int64[Tensor, " winners"]
    map: Int64[Tensor, " winners"]
    row: Int64[Tensor, " winners"]
    column: Int64[Tensor, " winners"]


def winners(rank: Times, most: int, radius: int) -> Winners:
    """For each image the first neuron, then the first of those it does not inhibit, and so on.

    A winner inhibits its whole map, and all maps up to `radius` pixels away. Up to `most` win.
    """
    rank, rounds = rank.clone(), []
    _, maps, height, width = rank.shape
    for _ in range(most):
        value, place = rank.flatten(1).max(1)
        here = (place // (height * width), place // width % height, place % width)
        won = value > 0
        rounds.append(Winners(won.nonzero()[:, 0], *(axis[won] for axis in here)))
        own, row, column = (
            torch.arange(size, device=rank.device) - axis[:, None]
            for size, axis in zip((maps, height, width), here, strict=True)
        )
        near = (row.abs() <= radius)[:, :, None] & (column.abs() <= radius)[:, None]
        rank.masked_fill_(near[:, None] | (own == 0)[:, :, None, None], 0)
    return Winners(*(torch.cat(part) for part in zip(*rounds, strict=True)))
