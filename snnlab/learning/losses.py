"""Losses of the output over time that several rules share."""

from jaxtyping import Float, Int64
from torch import Tensor
from torch.nn.functional import cross_entropy


def each_step(
    outputs: Float[Tensor, "time batch classes"],
    labels: Int64[Tensor, " batch"],
    label_smoothing: float = 0.0,
) -> Float[Tensor, ""]:
    """Mean over steps and batch of the cross-entropy of each step's own output."""
    every = labels.expand(len(outputs), len(labels)).flatten()
    return cross_entropy(outputs.flatten(0, 1), every, label_smoothing=label_smoothing)
