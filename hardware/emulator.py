"""Runs chips: many as one batch, by floats, layer after layer with time folded into the batch.

Tensors are (chips, time, batch, ...). As long as all chips are alike the first dimension is 1 and
the work is done once; from the first difference on it is theirs. An ideal chip gets the bits of
Network.run, for it is computed by the same operations. The current of the input layer is
x W + level x (W z) wherever there is a mismatch: exact up to the last bits, and the two products
are shared by all levels that are given the same `Products`.
"""

from dataclasses import dataclass, field, replace

import torch
from torch import Tensor
from torch.nn.functional import conv2d
from torch.nn.grad import conv2d_input

from hardware.chips import uniform
from hardware.circuits import Chips, Circuit, Synapses
from hardware.firing import count, fire
from hardware.network import Layer


@dataclass(frozen=True, eq=False)
class Result:
    """What chips did with a batch; by name of layer, per chip."""

    scores: Tensor  # (chips, batch, classes)
    counts: dict[str, Tensor]  # spikes of each neuron, (chips, batch, *shape)
    rates: dict[str, Tensor]  # spikes per neuron and step
    events: dict[str, Tensor]  # synapses of that layer that a spike reached, over the whole batch

    def correct(self, labels: Tensor) -> Tensor:
        """How many of the batch each chip gets right."""
        return (self.scores.argmax(2) == labels).sum(1)


@dataclass(frozen=True, eq=False)
class Signal:
    """What enters a layer: (1 or chips, time, batch, ...), and its sum over time.

    A single step is a constant, or the mean of all where a readout is all that comes.
    """

    steps: Tensor
    total: Tensor
    own: bool  # whether each chip has its own


@dataclass
class Products:
    """Currents of one batch of inputs through weights, each made once.

    What is kept holds its weights, so that no other object can take their place in memory.
    """

    kept: dict[int, tuple[Synapses, Tensor]] = field(default_factory=dict)

    def __call__(self, chips: Chips, layer: Layer, x: Signal, synapses: Synapses) -> Tensor:
        if id(synapses) not in self.kept:
            self.kept[id(synapses)] = synapses, product(chips, layer, x, synapses)
        return self.kept[id(synapses)][1]


def run(
    chips: Chips, x: Tensor, steps: int, *, first: int = 0, products: Products | None = None
) -> Result:
    """Show `x`, (time, batch, ...), to all chips; one step of it stays for all.

    `first` is the number of the batch's first sample: temporal noise is drawn by it, so that the
    next batch has other noise.
    """
    if len(x) not in (1, steps):
        raise ValueError(f"x must have 1 or {steps} steps, got {len(x)}. Encode it for all steps")
    counts: dict[str, Tensor] = {}
    events: dict[str, Tensor] = {}
    signal = Signal(x[None], x.sum(0)[None], own=False)
    for number, circuit in enumerate(chips.circuits):
        name = circuit.layer.name
        if number or len(x) > 1:
            events[name] = reached(circuit.layer, signal.total)
        made = products if products is not None and number == 0 else Products()
        if circuit.cells is None:
            scores = readout(chips, circuit, signal, made)
            break
        current, own = drive(chips, circuit, signal, made), signal.own or circuit.own
        if own and number in chips.counted:
            counts[name] = count(chips, circuit, current, steps, first)
            signal = Signal(counts[name][:, None] / steps, counts[name], own)
        else:
            spikes = fire(chips, circuit, current, steps, first)
            counts[name] = spikes.sum(1)
            signal = travel(chips, circuit.layer, Signal(spikes, counts[name], own), first)
        scores = counts[name] / steps
    return gather(len(chips), steps, scores, counts, events)


def gather(
    chips: int, steps: int, scores: Tensor, counts: dict[str, Tensor], events: dict[str, Tensor]
) -> Result:
    def each(x: Tensor) -> Tensor:
        return x.expand(chips, *x.shape[1:])

    rates = {name: each(count.flatten(1).mean(1) / steps) for name, count in counts.items()}
    return Result(
        each(scores),
        {name: each(count) for name, count in counts.items()},
        rates,
        {name: each(event) for name, event in events.items()},
    )


def drive(chips: Chips, circuit: Circuit, x: Signal, products: Products) -> Tensor:
    """The current (1 or chips, time, batch, *shape) of a layer."""
    current = products(chips, circuit.layer, x, circuit.synapses)
    if circuit.slope is None:
        return current
    deviation = products(chips, circuit.layer, x, circuit.slope)
    return torch.add(current, deviation, alpha=circuit.level)


def readout(chips: Chips, circuit: Circuit, x: Signal, products: Products) -> Tensor:
    """The mean current of each class; chips that differ have that of the mean of their spikes."""
    if x.own or circuit.synapses.own or circuit.slope is not None:
        length = x.steps.shape[1]
        mean = x.steps if length == 1 else x.total[:, None] / length
        return drive(chips, circuit, Signal(mean, x.total, x.own), Products())[:, 0]
    return drive(chips, circuit, x, products).mean(1)


def product(chips: Chips, layer: Layer, x: Signal, synapses: Synapses) -> Tensor:
    """The current of inputs through weights: once for all chips that are alike."""
    weight, bias, inputs = synapses.weight, synapses.bias, x.steps
    if not (x.own or synapses.own):
        shared = replace(layer, weight=weight[0], bias=None if bias is None else bias[0])
        return chips.network.current(shared, inputs[0])[None]
    n = len(chips)
    inputs = inputs.expand(n, *inputs.shape[1:])
    weight = weight.expand(n, *weight.shape[1:])
    if bias is not None:
        bias = bias.expand(n, -1)
    compute = matrices if weight.dim() == 3 else convolutions
    current: Tensor = compute(layer, inputs.flatten(1, 2), weight, bias)
    return current.view(*inputs.shape[:3], *current.shape[2:])


def matrices(layer: Layer, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """One product of a batch of matrices: (chips, inputs, in) and (chips, out, in)."""
    current: Tensor = torch.bmm(x.flatten(2), weight.transpose(1, 2))
    return current if bias is None else current.add_(bias[:, None])


def convolutions(layer: Layer, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """One convolution with a group for each chip: (chips, inputs, in, h, w)."""
    current = conv2d(
        x.transpose(0, 1).flatten(1, 2),
        weight.flatten(0, 1),
        None if bias is None else bias.flatten(),
        layer.stride,
        layer.padding,
        groups=len(weight),
    )
    current = current.reshape(len(current), len(weight), -1, *current.shape[2:])
    return current.transpose(0, 1).contiguous()


def travel(chips: Chips, layer: Layer, x: Signal, first: int) -> Signal:
    """Spikes as the next layer gets them: pooled and routed."""
    routing, spikes, own = chips.wrong.routing, x.steps, x.own
    if layer.pool != "none":
        spikes = pooled(layer, spikes)
    if routing.loss or routing.late:
        spikes, own = spikes.expand(len(chips), *spikes.shape[1:]), True
        chances = [
            uniform(chips.draws.seed, chips.draws.chips, f"{layer.name}.{fate}/{first}", shape)
            for fate, shape in (("lost", spikes.shape[1:]), ("late", spikes.shape[1:]))
        ]
        spikes = routing.arrive(spikes, *chances)
    return Signal(spikes, x.total if spikes is x.steps else spikes.sum(1), own)


def pooled(layer: Layer, spikes: Tensor) -> Tensor:
    small = layer.pooled(spikes.flatten(0, 1))
    return small.reshape(*spikes.shape[:2], *small.shape[1:])


def reached(layer: Layer, arrived: Tensor) -> Tensor:
    """Synaptic events per chip; a weight of 0 is no synapse. `arrived`: (chips, batch, ...)."""
    present = (layer.weight != 0).float()
    if present.dim() == 2:
        fan_out = present.sum(0)
    else:
        shape, ones = (1, *layer.shape_in), torch.ones(1, *layer.shape_out)
        fan_out = conv2d_input(shape, present, ones, layer.stride, layer.padding)
    return arrived.sum(1).flatten(1).double() @ fan_out.flatten().double()
