"""Whether a network still speaks after it was changed for a chip."""

from dataclasses import dataclass
from typing import TYPE_CHECKING


if TYPE_CHECKING:  # those who judge numbers alone do without PyTorch
    from torch import Tensor

    from hardware.network import Network

QUIET = 0.1  # of its spikes: a layer with fewer has fallen silent


@dataclass(frozen=True)
class Firing:
    """Spikes for each neuron and step, of each layer, before and after."""

    before: dict[str, float]
    after: dict[str, float]

    @property
    def warnings(self) -> tuple[str, ...]:
        return tuple(
            f"layer {name} falls silent: {self.after[name]:.3g} spikes for each neuron and step, "
            f"{rate:.3g} before. Use more bits, the mse step, or lower thresholds"
            for name, rate in self.before.items()
            if self.after[name] < QUIET * rate
        )


def rates(network: "Network", x: "Tensor", steps: int | None = None) -> dict[str, float]:
    """The mean rate of each spiking layer on inputs (time, batch, ...)."""
    said = zip(network.layers, network.trace(x, steps), strict=True)
    return {layer.name: out.mean().item() for layer, out in said if layer.dynamics is not None}


def compared(before: "Network", after: "Network", x: "Tensor", steps: int | None = None) -> Firing:
    return Firing(rates(before, x, steps), rates(after, x, steps))
