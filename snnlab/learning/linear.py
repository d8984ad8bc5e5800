"""A linear layer that is twice as fast where torch's own is slow.

On AMD processors the matrix library that torch calls for 32-bit floats leaves AVX-512 unused.
oneDNN does not, and torch ships it too. Which of the two computes is decided by the processor
alone, so a resumed training gets the same bits; it stands in the environment of each result.
"""

from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import linear


class Linear(nn.Linear):
    """As torch's, with the faster of two implementations."""

    def forward(self, x: Tensor) -> Tensor:
        single = x.device.type == "cpu" and x.dtype == torch.float32 and x.dim() == 2
        if not single or torch.is_autocast_enabled("cpu") or not onednn():
            return super().forward(x)
        product: Tensor = OneDNN.apply(x, self.weight, self.bias)
        return product


class OneDNN(torch.autograd.Function):
    """x W^T + b and its gradients by oneDNN."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(x, weight)
        return product(x, weight, bias)

    @staticmethod
    def backward(ctx: Any, e: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
        x, weight = ctx.saved_tensors
        e = e.contiguous()
        wanted = ctx.needs_input_grad
        return (
            product(e, weight.t()) if wanted[0] else None,
            product(e.t(), x.t()) if wanted[1] else None,
            e.sum(0) if wanted[2] else None,
        )


def product(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    result: Tensor = torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], "")
    return result


@cache
def onednn() -> bool:
    """Whether oneDNN is the faster here, is there, and is right."""
    if torch.backends.cpu.get_cpu_capability() != "AVX512" or not amd():
        return False
    x, weight = torch.ones(3, 5), torch.arange(10.0).view(2, 5)
    try:
        return torch.allclose(product(x, weight), linear(x, weight))
    except (AttributeError, RuntimeError):  # a private operator of torch: it may go
        return False


def amd() -> bool:
    facts = Path("/proc/cpuinfo")
    return facts.exists() and "AuthenticAMD" in facts.read_text()
