r"""What an inference costs on a chip: time, and energy with the source of each number.

.. math:: E = P_{static}\, t + \sum_k n_k e_k

with the number :math:`n_k` of events of each kind and what one more of them costs. A mean over a
running chip, "pJ per synaptic operation", is never used as such a price: it holds at its own load
alone. What is not published is unknown, and so is each sum that would need it.
"""

from collections.abc import Mapping as Table
from dataclasses import dataclass

import torch
from torch import Tensor

from hardware.emulator import Result, reached
from hardware.mapper import Mapping, Routes
from hardware.network import Network
from hardware.profile import Fact, Profile
from hardware.unknown import Quantity, Unknown


@dataclass(frozen=True)
class Events:
    """What happened in one layer, for one input or summed over many."""

    synaptic_event: float = 0.0  # a spike at a synapse
    neuron_update: float = 0.0  # a neuron in a step
    spike: float = 0.0  # that a neuron sent
    message: Quantity = 0.0  # a spike to a core
    learning_update: float = 0.0

    def of(self, kind: str) -> Quantity:
        """How many events of the kind that a profile prices."""
        if kind == "hop":
            return Unknown("cores have no place, so that hops are not counted")
        number: Quantity = self.neuron_update if kind == "neuron_access" else getattr(self, kind)
        return number

    def __add__(self, other: "Events") -> "Events":
        return Events(*(a + b for a, b in zip(vars(self).values(), vars(other).values())))  # noqa: B905

    def scaled(self, factor: float) -> "Events":
        return Events(*(factor * value for value in vars(self).values()))


@dataclass(frozen=True)
class Energy:
    """Joules and seconds."""

    static: Quantity
    events: Table[str, Quantity]  # of each kind that is priced
    seconds: Quantity
    average: Quantity  # the published power of a running chip x seconds, for comparison
    facts: tuple[Fact, ...]  # every number that was used

    @property
    def total(self) -> Quantity:
        return sum(self.events.values(), self.static)

    @property
    def known(self) -> float:
        """The sum of those parts that are known: the energy is at least that."""
        return sum(x for x in (self.static, *self.events.values()) if not isinstance(x, Unknown))

    @property
    def verified(self) -> bool:
        return all(fact.verified for fact in self.facts)


def energy(
    profile: Profile,
    layers: Table[str, Events],
    steps: float,
    dt: float,
    mapping: Mapping | None = None,
) -> Energy:
    """Of so many steps in which these events happened in the network's layers."""
    all_ = sum(layers.values(), Events())
    seconds = latency(profile, layers, steps, dt, mapping)
    priced = profile.words("energy.priced")
    costs: dict[str, Quantity] = {
        kind: all_.of(kind) * profile.number(f"energy.{kind}") for kind in priced
    }
    if not priced:
        costs["events"] = profile.unknown("energy.priced")
    if all_.learning_update:
        cost = profile.number("energy.learning_update")
        costs["learning_update"] = all_.learning_update * cost
    average = profile.number("energy.average_power") * seconds
    used = ["energy.static", "energy.average_power", *(f"energy.{kind}" for kind in costs)]
    facts = tuple(profile.facts[key] for key in (*used, *TIMED) if key in profile.facts)
    return Energy(profile.number("energy.static") * seconds, costs, seconds, average, facts)


def prices(profile: Profile) -> dict[str, Fact | None]:
    """What the energy of a step is made of; none where nobody has published it."""
    kinds = profile.words("energy.priced")
    keys = ["energy.static", *([f"energy.{kind}" for kind in kinds] or ["energy.priced"])]
    return {key: profile.facts.get(key) for key in keys}


TIMED = ("time.step", "time.speedup", "time.synaptic_event", "time.neuron_update", "time.barrier")


def latency(
    profile: Profile,
    layers: Table[str, Events],
    steps: float,
    dt: float,
    mapping: Mapping | None = None,
) -> Quantity:
    """Seconds that the steps take.

    Chips without a clock wait for the busiest core and for each other at each step; a core has
    its neurons' share of the layer's events.
    """
    mode = profile.word("time.mode")
    if mode == "fixed":
        return profile.number("time.step") * steps
    if mode == "network":
        return dt * steps / profile.number("time.speedup")
    if mode != "busiest":
        return profile.unknown("time.mode")
    if mapping is None:
        return Unknown("the busiest core is not known without a mapping")
    return profile.number("time.barrier") * steps + busiest(profile, layers, mapping)


def busiest(profile: Profile, layers: Table[str, Events], mapping: Mapping) -> Quantity:
    synapses: dict[int, float] = {}
    updates: dict[int, float] = {}
    sizes = {layer.name: layer.neurons for layer in mapping.network.layers}
    for piece in mapping.pieces:
        share = len(piece.neurons) / sizes[piece.layer]
        events = layers.get(piece.layer, Events())
        synapses[piece.core] = synapses.get(piece.core, 0) + share * events.synaptic_event
        updates[piece.core] = updates.get(piece.core, 0) + share * events.neuron_update
    event, update = profile.number("time.synaptic_event"), profile.number("time.neuron_update")
    if isinstance(event, Unknown) or isinstance(update, Unknown):
        return event + update
    return max((synapses[c] * event + updates[c] * update for c in synapses), default=0.0)


def counted(
    network: Network, x: Tensor, steps: int | None = None, mapping: Mapping | None = None
) -> dict[str, Events]:
    """The events of each layer on inputs (time, batch, ...), summed over the batch.

    A constant input is a bias, and no event. Elsewhere inputs are events by their size, and a
    weight of 0 is no synapse.
    """
    steps = len(x) if steps is None else steps
    hits, counts = {}, {}
    for number, (layer, said) in enumerate(
        zip(network.layers, network.trace(x, steps), strict=True)
    ):
        if number or len(x) > 1 or steps == 1:
            arrived = x.sum(0).reshape(1, -1, *layer.shape_in)
            hits[layer.name] = reached(layer, arrived).item()
        if layer.dynamics is not None:
            counts[layer.name] = said.sum(0)
        x = layer.pooled(said)
    return tallied(network, hits, counts, steps * x.shape[1], mapping)


def of_chip(
    network: Network, result: Result, chip: int, steps: int, mapping: Mapping | None = None
) -> dict[str, Events]:
    """The same for one of the chips that the emulator has run."""
    hits = {name: event[chip].item() for name, event in result.events.items()}
    counts = {name: count[chip] for name, count in result.counts.items()}
    return tallied(network, hits, counts, steps * result.scores.shape[1], mapping)


def tallied(
    network: Network,
    hits: Table[str, float],
    counts: Table[str, Tensor],
    steps: int,
    mapping: Mapping | None,
) -> dict[str, Events]:
    """Events from synaptic events, spikes of each neuron and steps, all over the whole batch."""
    cores = Routes(mapping.profile, network, mapping.pieces).reached if mapping else {}
    events = {}
    for layer in network.layers:
        spikes = counts.get(layer.name, torch.zeros(1, *layer.shape_out)).sum(0).double()
        message: Quantity = Unknown("messages are not counted without a mapping")
        if mapping is not None:  # what the last layer says goes to the host
            message = (spikes.flatten() * cores.get(layer.name, torch.zeros(1))).sum().item()
        updates = float(layer.neurons * steps)
        hit = hits.get(layer.name, 0.0)
        events[layer.name] = Events(hit, updates, spikes.sum().item(), message)
    return events
