"""Chips that learn by online local tandem learning, taught by the host batch by batch.

The host prepares the rates for the next batch while the chips learn the last one. Chips come in
chunks that fit the cache; each chunk sees all images before the next one does.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from hardware.chips import generator
from hardware.circuits import Chips
from hardware.network import Network
from hardware.onchip import OnChip
from hardware.traffic import ahead, local_tandem, sent
from snnlab.learning.chip import Local


TARGET_BITS = 8  # of a rate that the host sends


class Lesson(NamedTuple):
    """What the host sends of a batch."""

    x: Tensor  # (1 or time, batch, ...)
    targets: Mapping[str, Tensor]  # rates (batch, *shape) by name of layer
    labels: Tensor


Teach = Callable[[Tensor], Lesson]  # of the numbers of training images


class Calibration:
    """Learning chips and where they stand."""

    def __init__(
        self, made: Sequence[Chips], local: Local, bits: int | None, steps: int, seed: int
    ) -> None:
        dynamics = made[0].network.layers[0].dynamics
        threshold = float(torch.as_tensor(dynamics.v_threshold).mean()) if dynamics else 1.0
        rule, schedule = local.rule(threshold), local.schedule()
        self.learners = [OnChip(chips, rule, local.weights(bits), schedule) for chips in made]
        self.steps, self.seed = steps, seed

    def epoch(
        self, number: int, images: int, batch: int, teach: Teach
    ) -> Iterator[tuple[int, int]]:
        """Pass `number` through the first `images`, in an order of its own; how far, of how far."""
        order = torch.randperm(images, generator=generator(self.seed, number, "calibration"))
        batches = order.split(batch)[: max(1, images // batch)]
        total, done = len(batches) * len(self.learners), 0
        for learner in self.learners:
            for x, targets, labels in ahead(teach, batches):
                learner.learn(x, sent(targets, TARGET_BITS), labels, self.steps)
                done += 1
                yield done, total

    def chips(self) -> list[Chips]:
        """As they are now, for the emulator."""
        return [learner.trained() for learner in self.learners]

    def state(self) -> dict[str, Tensor]:
        """All that is needed to go on."""
        return {
            f"{number}/{name}": tensor
            for number, learner in enumerate(self.learners)
            for name, tensor in learner.state().items()
        }

    def restore(self, state: Mapping[str, Tensor]) -> None:
        for number, learner in enumerate(self.learners):
            start = f"{number}/"
            own = {k.removeprefix(start): v for k, v in state.items() if k.startswith(start)}
            learner.restore(own)

    def metrics(self) -> dict[str, float]:
        """How often a neuron called for a change, and the bits that were sent, both per image."""
        updates = torch.cat([learner.updates for learner in self.learners]).double().mean()
        traffic = local_tandem(self.learners[0].chips.network, TARGET_BITS)
        return {
            "chip_updates": updates.item() / max(1, self.learners[0].samples),
            "chip_traffic": traffic.to_chip + traffic.from_chip,
        }


def own_rates(network: Network, x: Tensor, steps: int) -> dict[str, Tensor]:
    """The rate of each neuron where nothing is degraded: what its chips shall have."""
    said = zip(network.layers, network.trace(x, steps), strict=True)
    return {layer.name: out.mean(0) for layer, out in said if layer.dynamics is not None}
