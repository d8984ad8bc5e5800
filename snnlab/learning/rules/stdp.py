r"""Spike-timing-dependent plasticity with homeostasis: a network learns without labels.

Each input keeps a trace of its spikes, each neuron a fast and a slow one. With pairing
`all-to-all` a spike adds 1 to its trace, with `nearest` it sets the trace to 1:

.. math::
    \text{input spike:}\;  w \mathrel{-}= a_-\, y_1, \qquad
    \text{neuron spikes:}\; w \mathrel{+}= a_+\, x\,(y_2 \text{ or } 1), \qquad
    \dot x = -x/\tau_{pre}, \; \dot y_1 = -y_1/\tau_{post}, \; \dot y_2 = -y_2/\tau_{slow}

where the factor :math:`y_2`, taken just before the spike, makes it the triplet rule of the paper.
Each spike raises the threshold of its neuron by `theta_plus`; the threshold decays with
`tau_theta`. Weights stay within 0..1; after each presentation those to a neuron are scaled to sum
to `weight_sum`.

Source: Diehl & Cook 2015, doi:10.3389/fncom.2015.00099, values from its published code.
Deviations: the changes that the images of a batch ask for are added up, and with `every` = 0 take
effect together after the presentation (batch_size = 1 with every = 1 is the online form of the
paper); conduction has no delays; there is no pause between images, each begins at rest; an image
that hardly drives any neuron is not shown again brighter; the classes of the neurons come from the
responses while learning, of which the last `memory` images count, not from a pass of their own.
By default potentiation needs no earlier spike (order = "pair"; "triplet" is the paper's), and the
threshold decays in 2e6, not 1e7 ms: both learn faster, so that 100 steps of 1 ms at 200 Hz do for
an image, not 700 of 0.5 ms at 63.75 Hz and a pause of 150 ms.
"""

import math
from collections.abc import Iterator
from typing import ClassVar, Literal, NamedTuple

import torch
from jaxtyping import Float, Int64
from pydantic import Field
from pydantic.config import JsonDict
from torch import Tensor

from snnlab.learning.definition import Definition
from snnlab.learning.errors import TrainingError
from snnlab.learning.network import SpikingNetwork
from snnlab.learning.rule import Rule
from snnlab.learning.stdp.competition import Competition, State, Votes
from snnlab.learning.stdp.events import Events


MS: JsonDict = {"unit": "ms"}


class STDP(Rule):
    """Spike-timing-dependent plasticity, adaptive thresholds and normalised weights; no labels."""

    source: ClassVar[str] = "Diehl & Cook 2015, doi:10.3389/fncom.2015.00099"
    learning: ClassVar[str] = "competition"

    kind: Literal["stdp"] = "stdp"
    pairing: Literal["nearest", "all-to-all"] = Field(
        "nearest", description="which spikes pair: a trace is set to 1 by a spike, or grows by 1"
    )
    order: Literal["pair", "triplet"] = Field(
        "pair", description="whether potentiation also needs an earlier spike of the neuron"
    )
    potentiation: float = Field(0.01, ge=0, le=1, description="a+, growth when the neuron fires")
    depression: float = Field(1e-4, ge=0, le=1, description="a-, decline when the input fires")
    tau_pre: float = Field(
        20.0, gt=0, le=1e6, description="memory of input spikes", json_schema_extra=MS
    )
    tau_post: float = Field(
        20.0, gt=0, le=1e6, description="memory of the neuron's spikes", json_schema_extra=MS
    )
    tau_slow: float = Field(
        40.0,
        gt=0,
        le=1e6,
        description="memory of earlier spikes, for triplets",
        json_schema_extra=MS,
    )
    weight_sum: float = Field(
        78.0, gt=0, le=1e6, description="sum of the weights to each neuron after a presentation"
    )
    theta_plus: float = Field(
        0.05,
        ge=0,
        le=1e3,
        description="rise of the threshold by a spike",
        json_schema_extra={"unit": "mV"},
    )
    tau_theta: float = Field(
        2e6,
        gt=0,
        le=1e12,
        description="decay of the threshold's rise, in shown time",
        json_schema_extra=MS,
    )
    every: int = Field(
        0,
        ge=0,
        le=1000,
        description="time between changes of the weights, 0 for once in a presentation",
        json_schema_extra={"unit": "steps"},
    )
    memory: float = Field(
        5000.0,
        gt=0,
        le=1e9,
        description="training images that decide for which class a neuron votes",
        json_schema_extra={"unit": "images"},
    )

    def check(self, spec: Definition) -> None:
        if not spec.encoder.spiking:
            raise ValueError(
                "rule 'stdp' needs input spikes: set encoder.kind to 'poisson', encoder.signed and "
                "encoder.mean to false"
            )

    def updates(
        self,
        network: SpikingNetwork,
        inputs: Float[Tensor, "time batch *pixels"],
        labels: Int64[Tensor, " batch"],
    ) -> Iterator[float]:
        population, votes = parts(network)
        votes.count(self.present(population, inputs.flatten(2)), labels, self.memory)
        yield from ()

    def settle(self, network: SpikingNetwork) -> None:
        parts(network)[1].assign()

    @torch.no_grad()
    def present(
        self, population: Competition, x: Float[Tensor, "time batch inputs"]
    ) -> Float[Tensor, "batch neurons"]:
        """Show images and learn from them; return how often each neuron fired."""
        weight = population.synapse.weight.t().contiguous()
        shown = Shown.start(population, x)
        for chunk in x.split(self.every or len(x)):
            weight += self.changes(population, chunk, weight, shown)
            weight.clamp_(0, 1)
        weight *= self.weight_sum / weight.sum(0).clamp(min=1e-9)
        population.synapse.weight.copy_(weight.t())
        time = x.shape[0] * x.shape[1] * population.circuit.dt
        population.theta *= math.exp(-time / self.tau_theta)
        return shown.spikes

    def changes(
        self,
        population: Competition,
        x: Float[Tensor, "time batch inputs"],
        weight: Float[Tensor, "inputs neurons"],
        shown: "Shown",
    ) -> Float[Tensor, "inputs neurons"]:
        """Simulate some steps with constant weights; return by how much these should change."""
        _, pre, fast, slow, count = shown
        events = Events.of(x.flatten(0, 1))
        currents = events.currents(weight)
        grown, growing = [], []
        for spikes, current in zip(x, currents.view(*x.shape[:2], -1), strict=True):
            self.decay(shown, spikes, population.circuit.dt)
            fired = population.step(current, shown.state)
            current.copy_(fast)  # from here on this memory holds what depression needs
            if fired is None:
                continue
            amount = slow[fired] if self.order == "triplet" else torch.ones_like(slow[fired])
            grown.append(pre[fired.image] * amount.unsqueeze(1))
            growing.append(fired.neuron)
            for trace in fast, slow:
                trace[fired] = 1 + (trace[fired] if self.pairing == "all-to-all" else 0)
            count[fired] += 1
            population.theta += self.theta_plus * fired.neuron.bincount(minlength=count.shape[1])
        change = events.correlate(currents, len(weight)).mul_(-self.depression)
        if grown:
            growth = torch.zeros_like(population.synapse.weight)
            growth.index_add_(0, torch.cat(growing), torch.cat(grown))
            change.add_(growth.t(), alpha=self.potentiation)
        return change

    def decay(self, shown: "Shown", spikes: Tensor, dt: float) -> None:
        """Let one step pass for all traces, and enter the input spikes (batch inputs)."""
        shown.pre.mul_(math.exp(-dt / self.tau_pre))
        shown.fast.mul_(math.exp(-dt / self.tau_post))
        shown.slow.mul_(math.exp(-dt / self.tau_slow))
        if self.pairing == "nearest":
            torch.maximum(shown.pre, spikes, out=shown.pre)
        else:
            shown.pre.add_(spikes)


class Shown(NamedTuple):
    """What is remembered during a presentation: potentials, traces and how often each fired."""

    state: State
    pre: Float[Tensor, "batch inputs"]
    fast: Float[Tensor, "batch neurons"]
    slow: Float[Tensor, "batch neurons"]
    spikes: Float[Tensor, "batch neurons"]

    @classmethod
    def start(cls, population: Competition, x: Float[Tensor, "time batch inputs"]) -> "Shown":
        rest = x.new_zeros(x.shape[1], len(population.theta))
        traces = (torch.zeros_like(rest) for _ in range(3))
        return cls(population.start(rest), torch.zeros_like(x[0]), *traces)


def parts(network: SpikingNetwork) -> tuple[Competition, Votes]:
    """The population and the vote of a network. Raises TrainingError for another network."""
    found = [m for m in network.layers if isinstance(m, Competition | Votes)]
    match found:
        case [Competition() as population, Votes() as votes]:
            return population, votes
    raise TrainingError("rule 'stdp' trains only networks of kind 'diehl-cook'")
