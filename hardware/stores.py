"""Where a chip keeps the weights that it learns, and what that takes.

A shadow: a high resolution accumulator beside each synapse, which is rounded on every read; with
Adam, two more that scale its steps. Or the synapse alone, of b bits: then a change is rounded up or
down by chance, in proportion, so that changes smaller than a step are not lost but rare.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from hardware.checks import one_of, within
from hardware.chips import Draws, generator
from hardware.local import Change, total
from hardware.network import Layer
from hardware.rounding import METHODS, Method, best_step, rounded, widest_step


WORD = 32  # bits of an accumulator


@dataclass(frozen=True)
class Adam:
    r"""Steps as large for rare as for frequent changes: two accumulators beside each synapse.

    With the gradient g that the synapse has seen at the n-th change and the rule's learning rate

    .. math:: m \leftarrow \beta_1 m + (1 - \beta_1) g, \quad
       v \leftarrow \beta_2 v + (1 - \beta_2) g^2, \quad
       \Delta w = -\eta \frac{m / (1 - \beta_1^n)}{\sqrt{v / (1 - \beta_2^n)} + \epsilon}

    Kingma and Ba 2015, arXiv:1412.6980. All of it is the synapse's own.
    """

    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8

    def __post_init__(self) -> None:
        within("adam.beta1", self.beta1, 0, 0.9999, "0.9 is usual, 0 is no momentum")
        within("adam.beta2", self.beta2, 0, 0.99999, "0.999 is usual")
        within("adam.epsilon", self.epsilon, 1e-30, 1, "1e-8 is usual")

    def of(self, values: list[Tensor]) -> torch.optim.Adam:
        """Torch's own, in one pass over the memory."""
        betas = self.beta1, self.beta2
        return torch.optim.Adam(values, betas=betas, eps=self.epsilon, fused=True)


@dataclass(frozen=True)
class Shadow:
    """Accumulators of 32 bits; synapses of `bits`, or as fine as these."""

    bits: int | None = None
    adam: Adam | None = None  # none: what the rule says is added as it is
    bounds: tuple[float, float] | None = None  # of a weight, where it saturates
    scale: Method = "absmax"  # a step that follows the largest weight; mse: that of the beginning

    def __post_init__(self) -> None:
        one_of("scale", self.scale, METHODS)
        if self.bits is not None:
            within("bits", self.bits, 2, 16, "Leave it out for synapses of full resolution")
        if self.bounds is not None and not self.bounds[0] < self.bounds[1]:
            raise ValueError(
                f"bounds must be a lower and a higher number, got {self.bounds}. Try (0.0, 1.0)"
            )

    def start(self, layer: Layer, draws: Draws, bias: Tensor | None = None) -> "ShadowWeights":
        return ShadowWeights(layer, len(draws.chips), self, bias)

    @property
    def memory(self) -> int:
        """Bits of a synapse, with all that it keeps to learn."""
        moments = 0 if self.adam is None else WORD * (1 + (self.adam.beta1 > 0))
        return WORD + moments + (self.bits or 0)


@dataclass(frozen=True)
class Stochastic:
    """Synapses of `bits` and nothing beside them."""

    bits: int = 8

    def __post_init__(self) -> None:
        within("bits", self.bits, 2, 16, "A weight of 1 bit has a sign only")

    def start(self, layer: Layer, draws: Draws, bias: Tensor | None = None) -> "CoarseWeights":
        return CoarseWeights(layer, self.bits, draws, bias)

    @property
    def memory(self) -> int:
        """Bits of a synapse."""
        return self.bits


class ShadowWeights:
    """The weights of one layer on all chips, and their biases (chips, out)."""

    def __init__(
        self, layer: Layer, chips: int, store: Shadow | None = None, bias: Tensor | None = None
    ) -> None:
        store = store or Shadow()
        self.layer, self.store, self.bias = layer, store, bias
        self.weight = layer.weight.repeat(chips, *[1] * layer.weight.dim())
        self.step: Tensor | None = None
        if store.bits is not None and store.scale == "mse":
            self.step = best_step(layer.weight, store.bits, "mse")
        learned = [self.weight] if bias is None else [self.weight, bias]
        self.adam = None if store.adam is None else store.adam.of(learned)

    def add(self, changes: Sequence[Change]) -> None:
        change = total(changes)
        if self.adam is not None:
            self.adapt(self.adam, change)
        else:
            change.add_to(self.weight, self.layer)
            if self.bias is not None:
                self.bias += change.bias
        if self.store.bounds is not None:
            self.weight.clamp_(*self.store.bounds)

    def adapt(self, adam: torch.optim.Adam, change: Change) -> None:
        """A step of Adam; the gradient is the change that the rule wants, over -lr."""
        wanted = change.add_to(torch.zeros_like(self.weight), self.layer)
        self.weight.grad = wanted.div_(-change.lr)
        if self.bias is not None:
            self.bias.grad = change.bias.div_(-change.lr)
        adam.param_groups[0]["lr"] = change.lr
        adam.step()

    def read(self) -> Tensor:
        """(chips, *weight), as each chip's synapses have them."""
        bits = self.store.bits
        if bits is None:
            return self.weight
        step = widest_step(self.weight, bits, 1) if self.step is None else self.step
        return rounded(self.weight, step, bits) * step

    def state(self) -> dict[str, Tensor]:
        """The accumulators by name, and the moments of those that have adapted."""
        learned = {"weight": self.weight} | ({} if self.bias is None else {"bias": self.bias})
        adapted = self.adam.state if self.adam else {}
        moments = {
            f"{name}/{moment}": value
            for name, tensor in learned.items()
            for moment, value in adapted.get(tensor, {}).items()
        }
        return learned | moments

    def restore(self, state: Mapping[str, Tensor]) -> None:
        for name, tensor in (("weight", self.weight), ("bias", self.bias)):
            if tensor is None:
                continue
            tensor.copy_(state[name])
            start = f"{name}/"
            moments = {k.removeprefix(start): v for k, v in state.items() if k.startswith(start)}
            if self.adam is not None and moments:
                self.adam.state[tensor] = {k: v.clone() for k, v in moments.items()}


class CoarseWeights:
    r"""Multiples k of a step, :math:`|k| \le 2^{b-1} - 1`; the largest weight at first is half.

    The other half is room to learn in. Biases are learned at full resolution.
    """

    def __init__(self, layer: Layer, bits: int, draws: Draws, bias: Tensor | None = None) -> None:
        weight, self.layer, self.bias = layer.weight, layer, bias
        self.most = 2 ** (bits - 1) - 1
        self.step = 2 * weight.abs().max().clamp(min=1e-12) / self.most
        self.streams = [
            generator(draws.seed, chip, f"{layer.name}.rounding") for chip in draws.chips
        ]
        whole = torch.round(weight / self.step)
        self.whole = whole.repeat(len(draws.chips), *[1] * weight.dim())

    def add(self, changes: Sequence[Change]) -> None:
        change = total(changes)
        if self.bias is not None:
            self.bias += change.bias
        wanted = change.add_to(torch.zeros_like(self.whole), self.layer)
        chance = torch.empty_like(self.whole)
        for row, stream in zip(chance, self.streams, strict=True):
            row.uniform_(generator=stream)
        self.whole += torch.floor(wanted / self.step + chance)
        self.whole.clamp_(-self.most, self.most)

    def read(self) -> Tensor:
        return torch.mul(self.whole, self.step)

    def state(self) -> dict[str, Tensor]:
        """The multiples, and where each chip's stream of chances stands."""
        streams = {f"stream/{n}": stream.get_state() for n, stream in enumerate(self.streams)}
        biases = {} if self.bias is None else {"bias": self.bias}
        return {"whole": self.whole} | biases | streams

    def restore(self, state: Mapping[str, Tensor]) -> None:
        self.whole.copy_(state["whole"])
        if self.bias is not None:
            self.bias.copy_(state["bias"])
        for number, stream in enumerate(self.streams):
            stream.set_state(state[f"stream/{number}"])
