r"""Hardware in the loop: the chip computes, the host learns. Many chips as one batch.

The forward pass is that of the chips, with all that is wrong with them. The host reads the spikes
of all steps, and the potentials by an ADC; it knows its own weights and the neurons that it asked
for, and nothing of the flaws. Its backward pass is that of the network it meant,

.. math:: g_t = \sigma'(h_t - \theta) \frac{\partial L}{\partial s_t}
   + \alpha\, g_{t+1} \frac{\partial v_t}{\partial h_t}, \qquad
   \Delta W = -\eta \sum_t \gamma\, g_t\, s^{pre}_t

with the h and s that were read and the reset's own path left out: :math:`\partial v / \partial h`
is 1 after a soft and 1 - s after a hard reset. As Cramer et al. 2022, doi 10.1073/pnas.2109194119,
train BrainScaleS-2; their neurons and regularisers are other ones.
"""

from dataclasses import replace

import torch
from torch import Tensor
from torch.nn.functional import one_hot
from torch.nn.grad import conv2d_input

from hardware.adc import Adc
from hardware.circuits import Chips, Circuit
from hardware.emulator import Signal, pooled, product
from hardware.firing import fire
from hardware.local import Change
from hardware.network import Dynamics, Layer
from hardware.rewritable import Rewritable, check_routing
from hardware.stores import Shadow, Stochastic
from hardware.surrogate import Surrogate


class InTheLoop:
    """Chips that a host trains. `updates` counts, per chip, the errors that were not zero."""

    def __init__(
        self,
        chips: Chips,
        lr: float = 1e-3,
        store: Shadow | Stochastic | None = None,
        surrogate: Surrogate | None = None,
        adc: Adc | None = None,
    ) -> None:
        check_routing(chips)
        for layer in chips.network.layers:
            for field in ("refractory", "competition"):
                if getattr(layer.dynamics, field, 0):
                    rule = "left out where a host learns"
                    layer.refuse(f"dynamics.{field}", rule, layer.dynamics, "Learn on the chip")
        self.chips, self.lr = chips, lr
        self.surrogate, self.adc = surrogate or Surrogate(), adc or Adc()
        store = store or Shadow(chips.wrong.bits, scale=chips.wrong.scale)
        self.layers = [Probed(chips, circuit, store) for circuit in chips.circuits]
        self.updates = torch.zeros(len(chips), dtype=torch.int64)
        self.samples = 0

    def learn(self, x: Tensor, labels: Tensor, steps: int) -> Tensor:
        """Show a batch (1 or steps, batch, ...) once and learn; scores (chips, batch, classes)."""
        signal = x[None]
        for layer in self.layers:
            signal = layer.forward(signal, steps, self.samples, self.adc)
        self.samples += len(labels)
        said = self.layers[-1].said
        scores = said.mean(1)
        wrong = scores.softmax(2) - one_hot(labels, scores.shape[2])
        error = (wrong / (len(labels) * steps))[:, None].expand_as(said)
        for number, layer in reversed(list(enumerate(self.layers))):
            change, error = layer.backward(error, self.surrogate, self.lr, first=number == 0)
            self.updates += change.updates
            layer.write(change)
        return scores

    def trained(self) -> Chips:
        """The chips as they are now, for the emulator."""
        circuits = tuple(layer.circuit_now() for layer in self.layers)
        return replace(self.chips, circuits=circuits)


class Probed(Rewritable):
    """One layer, and what the host has read of it in the batch at hand."""

    given: Tensor  # (1 or chips, 1 or steps, batch, *in)
    said: Tensor  # spikes, or a readout's currents, (chips, steps, batch, *out)
    distance: Tensor  # of the potential from its threshold, the same shape

    def __init__(self, chips: Chips, circuit: Circuit, store: Shadow | Stochastic) -> None:
        super().__init__(chips, circuit, store)
        self.full: Tensor | None = None

    def forward(self, x: Tensor, steps: int, first: int, adc: Adc) -> Tensor:
        """What the next layer gets, (chips, steps, batch, ...)."""
        self.given = x
        signal = Signal(x, x.sum(1), own=len(x) > 1)
        current = product(self.chips, self.layer, signal, self.synapses)
        shape = (len(current), steps, *current.shape[2:])
        dynamics = self.layer.dynamics
        if dynamics is None:
            self.said = adc.read(current, self.scale(current)).expand(shape)
            return self.said
        self.distance, threshold = current.new_empty(shape), torch.as_tensor(dynamics.v_threshold)

        def probe(t: int, h: Tensor) -> None:
            self.distance[:, t] = adc.read(h - threshold, adc.span * threshold)

        circuit = replace(self.circuit, synapses=self.synapses, slope=None)
        self.said = fire(self.chips, circuit, current, steps, first, probe)
        return pooled(self.layer, self.said)

    def scale(self, current: Tensor) -> Tensor:
        """Twice the largest current of each chip's first batch that has any."""
        most = 2 * current.abs().amax(tuple(range(1, current.dim())), keepdim=True)
        self.full = most if self.full is None else torch.where(self.full > 0, self.full, most)
        return self.full.clamp(min=1e-30)

    def backward(
        self, error: Tensor, surrogate: Surrogate, lr: float, *, first: bool
    ) -> tuple[Change, Tensor]:
        """The change, and the error of what this layer was given (none for the first)."""
        dynamics = self.layer.dynamics
        if dynamics is not None:
            error = unpooled(self.layer, self.said, error)
            error = error * surrogate.slope(self.distance)
            error = through_time(error, self.said, dynamics)
        updates = error.count_nonzero(tuple(range(1, error.dim())))
        given = self.given
        told = error.sum(1, keepdim=True) if given.shape[1] == 1 else error
        change = Change(told.flatten(1, 2) * -lr, given.flatten(1, 2), updates, lr)
        if first:
            return change, error
        back = through_synapses(self.layer, self.weight.read(), error.flatten(1, 2))
        return change, back.reshape(*error.shape[:3], *given.shape[3:])

    def write(self, change: Change) -> None:
        self.weight.add([change])
        self.synapses = self.conducting()


def through_time(error: Tensor, spikes: Tensor, dynamics: Dynamics) -> Tensor:
    """Errors of the potentials as errors of the currents, in place; (chips, steps, ...)."""
    carried = torch.zeros_like(error[:, 0])
    for g, s in zip(reversed(error.unbind(1)), reversed(spikes.unbind(1)), strict=True):
        g += carried if dynamics.reset == "soft" else carried * (1 - s)
        carried = dynamics.alpha * g
    return error if dynamics.gain == 1 else error.mul_(dynamics.gain)


def unpooled(layer: Layer, spikes: Tensor, error: Tensor) -> Tensor:
    """The error of the spikes before pooling."""
    if layer.pool == "none":
        return error
    with torch.enable_grad():
        leaf = spikes.detach().requires_grad_()
        sent = pooled(layer, leaf)
        return torch.autograd.grad(sent, leaf, error.reshape(sent.shape))[0]


def through_synapses(layer: Layer, weight: Tensor, error: Tensor) -> Tensor:
    """The error (chips, inputs, *in) of the inputs, by the weights (chips, ...) of the host."""
    if not layer.convolves:
        return torch.bmm(error, weight)
    n, inputs = error.shape[:2]
    by_chip = error.transpose(0, 1).flatten(1, 2)
    size = (inputs, n * layer.shape_in[0], *layer.shape_in[1:])
    back = conv2d_input(size, weight.flatten(0, 1), by_chip, layer.stride, layer.padding, groups=n)
    by_input: Tensor = back.view(inputs, n, *layer.shape_in)
    return by_input.transpose(0, 1)
