r"""A population whose neurons compete: each spike inhibits all others.

Potentials are relative to rest, in mV. Conductances are in units of the leak conductance:

.. math::
    \tau \dot v = -v + g_e (E_e - v) + g_i (E_i - v), \quad
    \tau_e \dot g_e = -g_e + \sum_k w_k \delta(t - t_k), \quad
    s = [v > v_{th} + \vartheta - \vartheta_0]

Each step is one of backward Euler for v, which no conductance can make unstable, and exact decay
for the conductances. After a spike v is reset, the neuron cannot fire while it is refractory, and
the inhibitory conductance of every other neuron grows by `inhibition`.

Source: Diehl & Cook 2015, doi:10.3389/fncom.2015.00099, and its published code. Deviations: there
each neuron drives an inhibitory neuron of its own, which then inhibits all others; as that one
fires once for each spike, about half a millisecond later, its spike is replaced by its effect. Of
several neurons that would fire for one image in the same step only the one furthest above its
threshold does: without delays many would, all driven by the same spikes.
"""

import math
from typing import NamedTuple

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from snnlab.learning.layers import over_time


INITIAL = 0.3  # weights begin uniform between 0 and this
FAR = 1e6  # more than any potential is above its threshold: by this much `rested` grows in a step


class Circuit(NamedTuple):
    """Constants of the competition: times in ms, potentials in mV above rest."""

    dt: float
    tau: float
    v_threshold: float
    v_reset: float
    tau_excitatory: float
    tau_inhibitory: float
    reversal_excitatory: float
    reversal_inhibitory: float
    refractory: float
    inhibition: float
    theta: float


class State(NamedTuple):
    """What the population remembers from step to step; it fires only where `rested` > 0."""

    v: Float[Tensor, "batch neurons"]
    excitation: Float[Tensor, "batch neurons"]
    inhibition: Float[Tensor, "batch neurons"]
    rested: Float[Tensor, "batch neurons"]


class Spikes(NamedTuple):
    """Which neuron fired for which image of the batch."""

    image: Int64[Tensor, " spikes"]
    neuron: Int64[Tensor, " spikes"]


class Competition(nn.Module):
    """Neurons with plastic synapses from the input and an adaptive threshold, theta."""

    theta: Tensor

    def __init__(self, inputs: int, neurons: int, circuit: Circuit) -> None:
        super().__init__()
        self.circuit = circuit
        self.synapse = nn.Linear(inputs, neurons, bias=False).requires_grad_(requires_grad=False)
        nn.init.uniform_(self.synapse.weight, 0, INITIAL)
        self.register_buffer("theta", torch.full((neurons,), circuit.theta))

    def forward(self, x: Float[Tensor, "time batch inputs"]) -> Float[Tensor, "time batch neurons"]:
        """Spikes at every step; nothing is learned."""
        current = over_time(self.synapse, x)
        state = self.start(current[0])
        out = torch.zeros_like(current)
        for spikes, i in zip(out, current, strict=True):
            if fired := self.step(i, state):
                spikes[fired] = 1
        return out

    def start(self, like: Float[Tensor, "batch neurons"]) -> State:
        """The state before an image is shown: at rest."""
        v, g_e, g_i = (torch.zeros_like(like) for _ in range(3))
        return State(v, g_e, g_i, torch.full_like(like, FAR))

    def step(self, current: Tensor, state: State) -> Spikes | None:
        """Advance `state` in place by one step of `current` (batch neurons).

        Returns who fired, None if nobody did.
        """
        c = self.circuit
        v, g_e, g_i, rested = state
        g_e.mul_(math.exp(-c.dt / c.tau_excitatory)).add_(current)
        g_i.mul_(math.exp(-c.dt / c.tau_inhibitory))
        k = c.dt / c.tau
        v.add_(g_e, alpha=k * c.reversal_excitatory).add_(g_i, alpha=k * c.reversal_inhibitory)
        v.div_(g_e.add(g_i).mul_(k).add_(1 + k))
        rested.add_(FAR)
        over = torch.minimum(v - (self.theta + (c.v_threshold - c.theta)), rested)
        most, winner = over.max(1)
        image = most.gt(0).nonzero()[:, 0]
        if not len(image):
            return None
        fired = Spikes(image, winner[image])
        v[fired] = c.v_reset
        rested[fired] = -FAR * round(c.refractory / c.dt)
        g_i[image] += c.inhibition
        g_i[fired] -= c.inhibition
        return fired


class Votes(nn.Module):
    """The score of a class: the mean rate of the neurons that respond most to that class.

    `responses` holds the spikes of each neuron to the images of each class, `seen` the number of
    those images; both forget. Only training images are ever counted.
    """

    responses: Tensor
    seen: Tensor
    votes: Tensor

    def __init__(self, neurons: int, classes: int) -> None:
        super().__init__()
        self.register_buffer("responses", torch.zeros(classes, neurons))
        self.register_buffer("seen", torch.zeros(classes))
        self.register_buffer("votes", torch.zeros(neurons, classes))

    def forward(
        self, x: Float[Tensor, "time batch neurons"]
    ) -> Float[Tensor, "time batch classes"]:
        return over_time(lambda s: s @ self.votes, x)

    def count(
        self,
        spikes: Float[Tensor, "batch neurons"],
        labels: Int64[Tensor, " batch"],
        memory: float,
    ) -> None:
        """Remember the responses to a batch; those before fade, by 1/e after `memory` images."""
        keep = math.exp(-len(labels) / memory)
        self.responses.mul_(keep).index_add_(0, labels, spikes)
        self.seen.mul_(keep).add_(labels.bincount(minlength=len(self.seen)))

    def assign(self) -> None:
        """Give every neuron the class to which its mean response is highest.

        A neuron that never fired has no vote.
        """
        mean = self.responses / self.seen.clamp(min=1e-9).unsqueeze(1)
        mine = torch.nn.functional.one_hot(mean.argmax(0), len(mean)) * (mean.amax(0) > 0)[:, None]
        self.votes.copy_(mine / mine.sum(0).clamp(min=1))
