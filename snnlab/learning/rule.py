"""The interface of a learning rule."""

from abc import abstractmethod
from collections.abc import Iterator
from typing import ClassVar

from jaxtyping import Float, Int64
from torch import Tensor

from snnlab.learning.definition import D, Definition
from snnlab.learning.network import SpikingNetwork
from snnlab.learning.part import Part


class Rule(Part):
    """How the error of one batch reaches the weights.

    A rule fills `.grad`; the optimizer turns `.grad` into a change. So a rule has no state of its
    own: what it must remember between batches it keeps in a buffer of the network, see `prepare`.
    """

    source: ClassVar[str]
    learning: ClassVar[str] = "gradients"  # what it needs of a network, see Network.learning
    recomputes: ClassVar[bool] = False  # whether its gradient allows to compute layers twice
    on_chip: ClassVar[bool] = False  # whether a synapse on a chip sees all that it needs

    def check(self, spec: Definition) -> None:
        """Raise ValueError for a definition that the rule cannot train. Nothing by default."""

    def teacher(self, spec: D) -> D | None:
        """A network that has to be trained before, and is then at hand as `network.teacher`."""
        return None

    def prepare(self, network: SpikingNetwork) -> None:
        """Add what the rule needs to the network, such as feedback weights. Nothing by default."""

    @abstractmethod
    def updates(
        self,
        network: SpikingNetwork,
        inputs: Float[Tensor, "time batch *pixels"],
        labels: Int64[Tensor, " batch"],
    ) -> Iterator[float]:
        """Each time the weights should change: fill `.grad`, then yield the loss.

        A rule that waits for the end of the sequence yields once, an online rule every step, and
        one that changes the weights itself, without a loss, never.
        """

    def settle(self, network: SpikingNetwork) -> None:
        """What is left to do after the last batch of an epoch. Nothing by default."""
