"""Input spikes as a list of events: at 1 % activity a hundred times cheaper than a product."""

from typing import NamedTuple

import torch
from jaxtyping import Float, Int64
from torch import Tensor
from torch.nn.functional import embedding_bag


class Events(NamedTuple):
    """The spikes of `samples` rows of inputs: the row and the input of each, ordered by row."""

    row: Int64[Tensor, " events"]
    input: Int64[Tensor, " events"]
    samples: int

    @classmethod
    def of(cls, x: Float[Tensor, "samples inputs"]) -> "Events":
        row, input_ = x.nonzero(as_tuple=True)
        return cls(row, input_.contiguous(), len(x))

    def currents(self, weight: Float[Tensor, "inputs neurons"]) -> Float[Tensor, "samples neurons"]:
        """x @ weight: for each row the sum of the weights of the inputs that spiked."""
        return embedding_bag(self.input, weight, starts(self.row, self.samples), mode="sum")

    def correlate(
        self, values: Float[Tensor, "samples neurons"], inputs: int
    ) -> Float[Tensor, "inputs neurons"]:
        """x.T @ values: for each input the sum of the values of the rows in which it spiked."""
        ordered, order = self.input.sort(stable=True)
        return embedding_bag(self.row[order], values, starts(ordered, inputs), mode="sum")


def starts(ordered: Int64[Tensor, " events"], groups: int) -> Int64[Tensor, " groups"]:
    """Where each group begins in an ordered list of group numbers."""
    return torch.searchsorted(ordered, torch.arange(groups, device=ordered.device))
