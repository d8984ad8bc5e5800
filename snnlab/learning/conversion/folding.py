r"""Batch-norm as part of the weights and bias that it follows.

.. math:: \bar W = \frac{\gamma}{\sigma} W, \qquad \bar b = \frac{\gamma}{\sigma} (b - \mu) + \beta

Rueckauer et al. 2017, doi:10.3389/fnins.2017.00682, section 2.2. Computed in 64 bit.
"""

import torch
from torch import Tensor, nn

from snnlab.learning.errors import TrainingError


def folded(synapse: nn.Module, norm: nn.Module) -> tuple[Tensor, Tensor]:
    """Weight and bias of the one layer that does what `synapse` and then `norm` do."""
    assert isinstance(synapse, nn.Linear | nn.Conv2d)
    weight = synapse.weight.detach().double()
    bias = weight.new_zeros(len(weight)) if synapse.bias is None else synapse.bias.detach().double()
    if isinstance(norm, nn.Identity):
        return weight, bias
    gain, mean, shift = affine(norm)
    return weight * gain.view(-1, *[1] * (weight.dim() - 1)), gain * (bias - mean) + shift


def affine(norm: nn.Module) -> tuple[Tensor, Tensor, Tensor]:
    """Factor, mean and shift of each channel, as they are in evaluation."""
    if not isinstance(norm, nn.BatchNorm1d | nn.BatchNorm2d) or norm.running_mean is None:
        raise TrainingError(
            f"{type(norm).__name__} cannot be folded into weights. "
            "Choose network.norm none, batch or tdbn"
        )
    assert norm.running_var is not None
    gain = norm.weight.detach().double() / (norm.running_var.double() + norm.eps).sqrt()
    return gain, norm.running_mean.double(), norm.bias.detach().double()


def fold_(synapse: nn.Module) -> None:
    """Make room for a bias, so that the layer can do without its norm."""
    assert isinstance(synapse, nn.Linear | nn.Conv2d)
    if synapse.bias is None:
        synapse.bias = nn.Parameter(synapse.weight.detach().new_zeros(len(synapse.weight)))


@torch.no_grad()
def put(synapse: nn.Module, weight: Tensor, bias: Tensor) -> None:
    """Set the layer's weights."""
    assert isinstance(synapse, nn.Linear | nn.Conv2d)
    assert synapse.bias is not None
    synapse.weight.copy_(weight)
    synapse.bias.copy_(bias)
