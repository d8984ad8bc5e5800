"""Learning on the chip: many chips, each from what its own synapses see.

The learner is given a LocalView and nothing else: not the mismatch, not other layers, not steps to
come. A silent neuron's potential reads as infinitely far from its threshold, so its synapses never
change.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from hardware.circuits import Chips, Circuit
from hardware.emulator import Signal, pooled, product
from hardware.firing import Population, charged
from hardware.local import Change, LocalTandem, LocalView
from hardware.rewritable import Rewritable, check_routing
from hardware.stores import Shadow, Stochastic


@dataclass(frozen=True)
class Schedule:
    """When weights change: not in the first share of the steps, then at each, or once per batch."""

    warm_up: float = 0.75
    at: str = "step"

    def __post_init__(self) -> None:
        if self.at not in ("step", "batch"):
            raise ValueError(f"at must be step or batch, got {self.at!r}. Choose one of them")
        if not 0 <= self.warm_up < 1:
            raise ValueError(
                f"warm_up must be in 0..1, less than 1, got {self.warm_up!r}. It is the share of "
                "steps that change nothing"
            )


class OnChip:
    """Chips that learn. `updates` counts, per chip, how often a neuron called for a change."""

    def __init__(
        self,
        chips: Chips,
        rule: LocalTandem | None = None,
        store: Shadow | Stochastic | None = None,
        schedule: Schedule | None = None,
    ) -> None:
        check_routing(chips)
        self.chips, self.rule = chips, rule or LocalTandem()
        self.schedule = schedule or Schedule()
        store = store or Shadow(chips.wrong.bits)
        self.layers = [Plastic(chips, circuit, store) for circuit in chips.circuits]
        self.updates = torch.zeros(len(chips), dtype=torch.int64)
        self.samples = 0

    def learn(self, x: Tensor, targets: Mapping[str, Tensor], labels: Tensor, steps: int) -> Tensor:
        """Show a batch (1 or steps, batch, ...) once and learn; scores (chips, batch, classes).

        `targets` are rates, (batch, *shape) by name of layer, which the host has sent.
        """
        for layer in self.layers:
            layer.begin(targets, labels, first=self.samples)
        for t in range(1, steps + 1):
            self.step(x, t, learn=t > int(self.schedule.warm_up * steps), last=t == steps)
        self.samples += x.shape[1]
        return self.layers[-1].count / steps

    def step(self, x: Tensor, t: int, *, learn: bool, last: bool) -> None:
        now = x[:1] if len(x) == 1 else x[t - 1 : t]
        signal = Signal(now[None], now[None, 0], own=False)
        for number, layer in enumerate(self.layers):
            given = signal
            signal = layer.forward(given, constant=number == 0 and len(x) == 1)
            if learn:
                self.updates += layer.learn(self.rule, given.steps[:, 0], t)
                if last or self.schedule.at == "step":
                    layer.write()

    def trained(self) -> Chips:
        """The chips as they are now, for the emulator."""
        circuits = tuple(layer.circuit_now() for layer in self.layers)
        return replace(self.chips, circuits=circuits)


class Plastic(Rewritable):
    """One layer of chips, whose weights change; its state is that of the batch at hand."""

    def __init__(self, chips: Chips, circuit: Circuit, store: Shadow | Stochastic) -> None:
        super().__init__(chips, circuit, store)
        self.pending: list[Change] = []

    def begin(self, targets: Mapping[str, Tensor], labels: Tensor, first: int) -> None:
        n, batch = len(self.chips), len(labels)
        like = torch.zeros(n, batch, *self.layer.shape_out)
        self.count = like
        self.current: Tensor | None = None
        self.population: Population | None = None
        if self.circuit.cells is None:
            self.target = torch.nn.functional.one_hot(labels, like.shape[2]).float()
            return
        if self.layer.name not in targets:
            raise ValueError(
                f"targets must name each layer of neurons, got none for {self.layer.name}. "
                "Give the rates that its neurons shall have"
            )
        self.population = Population(self.chips, self.circuit, like, first)
        self.target = targets[self.layer.name]

    def forward(self, x: Signal, *, constant: bool) -> Signal:
        """One step: what the next layer gets of it."""
        if self.current is None or not constant:
            self.current = product(self.chips, self.layer, x, self.synapses)
        if self.population is None:
            self.count = self.count + self.current[:, 0]
            return x
        spikes = torch.empty_like(self.count)
        self.population.step(charged(self.current, self.population.cells)[:, 0], out=spikes)
        self.count = self.count + spikes
        sent = pooled(self.layer, spikes[:, None])
        return Signal(sent, sent[:, 0], own=True)

    def view(self, given: Tensor, t: int) -> LocalView:
        """What the synapses see; a silent neuron is infinitely far from its threshold."""
        distance = None
        if self.population is not None:
            cells = self.population.cells
            distance = self.population.h - cells.v_threshold
            if cells.alive is not None:
                distance = distance.masked_fill(cells.alive == 0, -torch.inf)
        return LocalView(given, distance, self.count, self.target, t)

    def learn(self, rule: LocalTandem, given: Tensor, t: int) -> Tensor:
        change = rule.change(self.view(given, t))
        self.pending.append(change)
        return change.updates

    def write(self) -> None:
        """Add what has been learned since the last time."""
        self.weight.add(self.pending)
        self.pending = []
        self.synapses, self.current = self.conducting(), None
