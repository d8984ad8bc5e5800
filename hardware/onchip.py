"""Learning on the chip: many chips, each from what its own synapses see.

The learner is given a LocalView and nothing else: not the mismatch, not other layers, not steps to
come. A silent neuron's potential reads as infinitely far from its threshold, so its synapses never
change.
"""

from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import Tensor

from hardware.circuits import Chips, Circuit
from hardware.emulator import Signal, pooled, product
from hardware.firing import Population, charged
from hardware.local import Change, LocalTandem, LocalView, Rule
from hardware.rewritable import Rewritable, check_routing
from hardware.schedule import Schedule
from hardware.stores import Shadow, Stochastic


FOLLOWS = 0.1  # share by which the reward that is expected moves with each batch


class OnChip:
    """Chips that learn. `updates` counts, per chip, how often a neuron called for a change."""

    def __init__(
        self,
        chips: Chips,
        rule: Rule | None = None,
        store: Shadow | Stochastic | None = None,
        schedule: Schedule | None = None,
    ) -> None:
        check_routing(chips)
        self.chips, self.rule = chips, rule or LocalTandem()
        if not isinstance(self.rule, Rule):
            raise ValueError(
                f"rule must be local, as a chip's synapses see their own alone, got {rule!r}. "
                "Choose LocalTandem, STDP or RewardedSTDP, or train in the loop of a host"
            )
        self.schedule = schedule or self.rule.usual
        if self.rule.rewarded and self.schedule != self.rule.usual:
            raise ValueError(
                f"schedule must be left out for a rule by reward, got {self.schedule}. "
                "Weights change when the reward is known"
            )
        store = store or Shadow(chips.wrong.bits, scale=chips.wrong.scale)
        self.layers = [Plastic(chips, circuit, store) for circuit in chips.circuits]
        self.updates = torch.zeros(len(chips), dtype=torch.int64)
        self.expected = torch.zeros(len(chips), 1)  # reward, so far
        self.samples = 0

    def learn(self, x: Tensor, targets: Mapping[str, Tensor], labels: Tensor, steps: int) -> Tensor:
        """Show a batch (1 or steps, batch, ...) once and learn; scores (chips, batch, classes).

        `targets` are rates, (batch, *shape) by name of layer, which the host has sent.
        """
        for layer in self.layers:
            layer.begin(self.rule, targets, labels, first=self.samples)
        for t in range(1, steps + 1):
            self.step(x, t, learn=t > int(self.schedule.warm_up * steps), last=t == steps)
        self.samples += x.shape[1]
        scores = self.layers[-1].count / steps
        if self.rule.rewarded:
            self.reward(scores, labels)
        return scores

    def step(self, x: Tensor, t: int, *, learn: bool, last: bool) -> None:
        now = x[:1] if len(x) == 1 else x[t - 1 : t]
        signal = Signal(now[None], now[None, 0], own=False)
        for number, layer in enumerate(self.layers):
            given = signal
            signal = layer.forward(given, constant=number == 0 and len(x) == 1)
            layer.learn(given.steps[:, 0], t, learn=learn)
            if learn and (last or self.schedule.at == "step"):
                self.updates += layer.write()

    def reward(self, scores: Tensor, labels: Tensor) -> None:
        """The host says how good each answer was; one that says nothing is not right."""
        right = (scores.argmax(2) == labels) & (scores.amax(2) > 0)
        got = 2 * right.float() - 1
        for layer in self.layers:
            layer.reward(got - self.expected)
            self.updates += layer.write()
        self.expected.lerp_(got.mean(1, keepdim=True), FOLLOWS)

    def state(self) -> dict[str, Tensor]:
        """All that learning needs to go on, by name; a copy."""
        kept = {"updates": self.updates, "samples": torch.tensor(self.samples)}
        kept |= {"expected": self.expected} if self.rule.rewarded else {}
        for layer in self.layers:
            kept |= {f"{layer.layer.name}/{name}": x for name, x in layer.state().items()}
        return {name: x.clone() for name, x in kept.items()}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Go on from a `state` of the same chips; the weights act from now on."""
        self.updates, self.samples = state["updates"].clone(), int(state["samples"])
        if self.rule.rewarded:
            self.expected = state["expected"].clone()
        for layer in self.layers:
            start = f"{layer.layer.name}/"
            own = {k.removeprefix(start): x for k, x in state.items() if k.startswith(start)}
            layer.restore(own)

    def trained(self) -> Chips:
        """The chips as they are now, for the emulator."""
        circuits = tuple(layer.circuit_now() for layer in self.layers)
        return replace(self.chips, circuits=circuits)


class Plastic(Rewritable):
    """One layer of chips, whose weights change; its state is that of the batch at hand."""

    def __init__(self, chips: Chips, circuit: Circuit, store: Shadow | Stochastic) -> None:
        super().__init__(chips, circuit, store)
        self.pending: list[Change] = []

    def begin(self, rule: Rule, targets: Mapping[str, Tensor], labels: Tensor, first: int) -> None:
        n, batch = len(self.chips), len(labels)
        like = torch.zeros(n, batch, *self.layer.shape_out)
        self.count, self.learner = like, rule.learner()
        self.current: Tensor | None = None
        self.population: Population | None = None
        if self.circuit.cells is not None:
            self.population = Population(self.chips, self.circuit, like, first)
        self.target = self.wanted(targets, labels) if rule.supervised else torch.zeros(())

    def wanted(self, targets: Mapping[str, Tensor], labels: Tensor) -> Tensor:
        if self.population is None:
            return torch.nn.functional.one_hot(labels, self.layer.neurons).float()
        if self.layer.name not in targets:
            raise ValueError(
                f"targets must name each layer of neurons, got none for {self.layer.name}. "
                "Give the rates that its neurons shall have"
            )
        return targets[self.layer.name]

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

    def learn(self, given: Tensor, t: int, *, learn: bool) -> None:
        """Let the synapses see a step; what they ask for before they may learn is lost."""
        if learn or self.learner.remembers:
            changes = self.learner.changes(self.view(given, t))
            self.pending += changes if learn else []

    def reward(self, reward: Tensor) -> None:
        self.pending += self.learner.reward(reward)

    def write(self) -> Tensor:
        """Add what has been learned since the last time; how often a neuron called for it."""
        if not self.pending:
            return torch.zeros(len(self.chips), dtype=torch.int64)
        self.weight.add(self.pending)
        updates = sum((change.updates for change in self.pending[1:]), self.pending[0].updates)
        self.pending = []
        self.synapses, self.current = self.conducting(), None
        return updates
