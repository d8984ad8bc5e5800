"""The scan by Triton, for 32-bit floats on an NVIDIA GPU: all time steps of a neuron in registers.

The torch loop reads and writes every array several times for each step; here each is read or
written once. Results equal those of loop.py but for rounding. It is left out where Triton or a GPU
is missing, where it computes something else, and by `SNNLAB_KERNELS=off`.
"""

import os
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType

import torch
from torch import Tensor

from snnlab.learning import loop
from snnlab.learning.kernels import cpu
from snnlab.learning.loop import Dynamics


BLOCK = 256  # neurons of a program


def takes(current: Tensor) -> bool:
    """Whether the kernel can scan these currents as they lie in memory, without holes."""
    return current.is_cuda and cpu.lies_dense(current) and kernels() is not None


def forward(current: Tensor, dynamics: Dynamics, spikes: Tensor, kept: Tensor | None) -> None:
    """As the loop."""
    source = compiled()
    neurons = current[0].numel()
    stride = neurons if len(current) > 1 else 0
    with torch.cuda.device(current.device):  # Triton launches on the current one
        source.forward[blocks(neurons)](
            current,
            spikes,
            spikes if kept is None else kept,
            len(spikes),
            neurons,
            stride,
            *constants(dynamics),
            HARD=dynamics.hard,
            KEEP=kept is not None,
            BLOCK=BLOCK,
        )


def backward(kept: Tensor, e: Tensor, dynamics: Dynamics, total: Tensor | None) -> None:
    """As the loop."""
    source = compiled()
    e = cpu.layout(e, kept)
    neurons = kept[0].numel()
    _, width, height = dynamics.surrogate
    with torch.cuda.device(kept.device):
        source.backward[blocks(neurons)](
            e[-1],
            kept[-1],
            kept if total is None else total,
            len(kept),
            neurons,
            neurons if len(e) > 1 else 0,
            *constants(dynamics),
            width,
            height,
            SHAPE=cpu.SHAPES.index(dynamics.surrogate.shape),
            HARD=dynamics.hard,
            DETACHED=dynamics.detach_reset,
            TOTAL=total is not None,
            BLOCK=BLOCK,
        )


def blocks(neurons: int) -> tuple[int]:
    return (-(-neurons // BLOCK),)


def constants(dynamics: Dynamics) -> tuple[float, ...]:
    return dynamics.alpha, dynamics.v_threshold, dynamics.v_reset, dynamics.v_initial


@cache
def kernels() -> ModuleType | None:
    """The kernels, if they are wanted, can be had, and compute what the loop does."""
    off = os.environ.get("SNNLAB_KERNELS", "").strip().lower() in ("off", "0")
    if off or find_spec("triton") is None or not torch.cuda.is_available():
        return None
    try:
        right = all(agrees(dynamics, "cuda") for dynamics in cpu.modes())
    except Exception:  # whatever a compiler of another version raises: torch computes then
        return None
    return compiled() if right else None


def compiled() -> ModuleType:
    return import_module("snnlab.learning.kernels.scan_triton")


def agrees(dynamics: Dynamics, device: str) -> bool:
    """Whether spikes are those of the loop, and gradients but for rounding."""
    wave = torch.arange(5 * 83, dtype=torch.float32).mul_(0.7).sin_().view(5, 83).to(device)
    mine, theirs = ([torch.empty_like(wave), wave * 2] for _ in range(2))
    forward(mine[1], dynamics, *mine)
    loop.forward(theirs[1], dynamics, *theirs)
    same = torch.equal(mine[0], theirs[0]) and torch.allclose(mine[1], theirs[1])
    backward(mine[1], wave, dynamics, None)
    loop.backward(theirs[1], wave, dynamics, None)
    return same and torch.allclose(mine[1], theirs[1], rtol=1e-4, atol=1e-6)
