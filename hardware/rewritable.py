"""Layers of chips whose weights change: what is stored, and what conducts."""

from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import Tensor

from hardware.circuits import Chips, Circuit, Synapses, response
from hardware.stores import Shadow, Stochastic


class Rewritable:
    """One layer of chips: the numbers of a store, as mismatch and faults let them act."""

    def __init__(self, chips: Chips, circuit: Circuit, store: Shadow | Stochastic) -> None:
        layer = circuit.layer
        self.chips, self.circuit, self.layer = chips, circuit, layer
        self.factor, self.offset = response(layer, chips.draws, chips.wrong)
        self.weight = store.start(layer, chips.draws, bias_of(chips, circuit))
        self.acting = torch.empty_like(self.factor)
        self.synapses = self.conducting()

    def conducting(self) -> Synapses:
        """The weights as they act: what is stored, as mismatch and faults let it."""
        torch.mul(self.weight.read(), self.factor, out=self.acting)
        if self.offset.dim():
            self.acting += self.offset
        return Synapses(self.acting, self.weight.bias, own=True)

    def state(self) -> dict[str, Tensor]:
        """What is stored; between batches nothing else is left."""
        return self.weight.state()

    def restore(self, state: Mapping[str, Tensor]) -> None:
        self.weight.restore(state)
        self.synapses = self.conducting()

    def circuit_now(self) -> Circuit:
        """A copy for the emulator, which learns no more."""
        bias = self.weight.bias
        now = Synapses(self.acting.clone(), None if bias is None else bias.clone(), own=True)
        return replace(self.circuit, synapses=now, slope=None)


def bias_of(chips: Chips, circuit: Circuit) -> Tensor | None:
    """Biases (chips, out) with their mismatch; they are learned at full resolution."""
    synapses = circuit.synapses
    if circuit.slope is not None:
        synapses = synapses.plus(circuit.level, circuit.slope)
    return None if synapses.bias is None else synapses.bias.expand(len(chips), -1).clone()


def check_routing(chips: Chips) -> None:
    routing = chips.wrong.routing
    if routing.loss or routing.late:
        raise ValueError(
            "routing must be ideal while chips learn, got spikes lost or late. "
            "Set routing to none, and evaluate with it afterwards"
        )
