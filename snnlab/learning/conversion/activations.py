"""What is known of the activations of each layer, kept in buffers from batch to batch."""

import torch
from jaxtyping import Float
from torch import Tensor, nn


OCTAVES, BINS_PER_OCTAVE = 24, 64
BINS = 2 * OCTAVES * BINS_PER_OCTAVE


class Activations(nn.Module):
    """Histograms of the positive activations, on a logarithmic scale, and extremes of the input.

    The bins reach from 2^-24 to 2^24 and are 1.1 % wide, so that a percentile over any number of
    batches takes a fixed amount of memory and does not depend on their order.
    """

    counts: Tensor
    largest: Tensor
    lowest_input: Tensor
    highest_input: Tensor
    scales: Tensor
    images: Tensor

    def __init__(self, layers: int) -> None:
        super().__init__()
        self.register_buffer("counts", torch.zeros(layers, BINS, dtype=torch.int64))
        self.register_buffer("largest", torch.zeros(layers))
        self.register_buffer("lowest_input", torch.zeros(()))
        self.register_buffer("highest_input", torch.zeros(()))
        self.register_buffer("scales", torch.zeros(layers))
        self.register_buffer("images", torch.zeros((), dtype=torch.int64))
        self.inputs: Tensor | None = None  # of the first batch; gone before any checkpoint

    def restart(self) -> None:
        self.inputs = None
        for buffer in self.buffers():
            buffer.zero_()

    def note_input(self, x: Float[Tensor, "batch *pixels"]) -> None:
        self.images += len(x)
        self.lowest_input.copy_(torch.minimum(self.lowest_input, x.min()))
        self.highest_input.copy_(torch.maximum(self.highest_input, x.max()))

    def note(self, layer: int, activation: Tensor) -> None:
        positive = activation[activation > 0]
        bins = ((positive.log2() + OCTAVES) * BINS_PER_OCTAVE).long().clamp_(0, BINS - 1)
        self.counts[layer] += bins.bincount(minlength=BINS)
        self.largest[layer] = torch.maximum(self.largest[layer], activation.max())

    def percentile(self, layer: int, percent: float) -> float:
        """At most 100 - `percent` % of the positive activations exceed it; 0 if there are none.

        It is the upper end of a bin, or the largest of all.
        """
        cumulative = self.counts[layer].cumsum(0)
        enough = percent / 100 * cumulative[-1].item()
        last = int((cumulative < enough).sum())
        end: float = 2.0 ** ((last + 1) / BINS_PER_OCTAVE - OCTAVES)
        return min(end, self.largest[layer].item())
