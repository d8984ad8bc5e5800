"""The scan by C, for 32-bit floats in ordinary memory.

`SNNLAB_KERNELS=off` leaves it out. It is also left out where there is no C compiler, or where its
results are not bit for bit those of loop.py; so no result depends on whether it was there.
"""

import ctypes
import os
import subprocess
from collections.abc import Iterator
from functools import cache
from itertools import product

import torch
from torch import Tensor

from snnlab.learning import loop
from snnlab.learning.kernels import build
from snnlab.learning.loop import Dynamics
from snnlab.learning.surrogates import Shape, Surrogate


SHAPES: list[Shape] = ["boxcar", "triangle", "fast_sigmoid", "arctan"]  # no exponential function
FEW = 1 << 16  # below so many numbers a second thread costs more than it saves
CHANNELS_LAST = torch.channels_last


class Job(ctypes.Structure):
    """As in scan.c."""

    _fields_ = [
        *((name, ctypes.c_float) for name in ("alpha", "threshold", "v_reset", "v_initial")),
        *((name, ctypes.c_float) for name in ("width", "height")),
        *((name, ctypes.c_int32) for name in ("reset", "path", "shape")),
        *((name, ctypes.c_void_p) for name in ("kept", "out", "given")),
        *((name, ctypes.c_int64) for name in ("stride", "steps", "neurons", "row", "channels")),
        *((name, ctypes.c_int64) for name in ("tile", "next")),
        ("run", ctypes.c_void_p),
    ]


def takes(current: Tensor) -> bool:
    """Whether the kernel can scan these currents as they lie in memory, without holes."""
    return current.device.type == "cpu" and lies_dense(current) and kernel() is not None


def lies_dense(current: Tensor) -> bool:
    """Whether these are 32-bit floats, step after step without holes, in whatever order."""
    if current.dtype != torch.float32 or not current.numel():
        return False
    step = current[0]
    dense = torch.empty_like(step, device="meta").stride() == step.stride()
    return dense and (len(current) == 1 or current.stride(0) == step.numel())


def differentiates(dynamics: Dynamics) -> bool:
    return dynamics.surrogate.shape in SHAPES


def pools(current: Tensor) -> bool:
    """Whether each step is images, channels-last, of an even number of pixels in both directions.

    Two rows have to fit into a cache.
    """
    if current.dim() != 5 or not current[0].is_contiguous(memory_format=CHANNELS_LAST):
        return False
    maps, height, width = current.shape[2:]
    fits = bool(2 * width * maps <= compiled().largest())
    return fits and height % 2 == width % 2 == 0


def forward(current: Tensor, dynamics: Dynamics, spikes: Tensor, kept: Tensor | None) -> None:
    """As the loop; the spikes are pooled if there is room for a quarter of them only."""
    job = described(dynamics, current, len(spikes), pooled=spikes[0].numel() < current[0].numel())
    job.kept, job.out = address(kept), spikes.data_ptr()
    job.given, job.stride = current.data_ptr(), current.stride(0) if len(current) > 1 else 0
    run("forward", job)


def backward(kept: Tensor, e: Tensor, dynamics: Dynamics, total: Tensor | None) -> None:
    """As the loop; errors of pooled spikes are a quarter as many."""
    pooled = e[0].numel() < kept[0].numel()
    e = pooled_layout(e) if pooled else layout(e, kept)
    job = described(dynamics, kept, len(kept), pooled=pooled)
    job.kept, job.out = kept.data_ptr(), address(total)
    job.given, job.stride = e.data_ptr(), e.stride(0) if len(e) > 1 else 0
    run("backward", job)


def described(dynamics: Dynamics, like: Tensor, steps: int, *, pooled: bool) -> Job:
    shape, width, height = dynamics.surrogate
    path = 2 * dynamics.hard + (not dynamics.detach_reset)
    return Job(
        alpha=dynamics.alpha,
        threshold=dynamics.v_threshold,
        v_reset=dynamics.v_reset,
        v_initial=dynamics.v_initial,
        width=width,
        height=height,
        reset=(2 if dynamics.v_reset else 1) if dynamics.hard else 0,
        path=path,
        shape=SHAPES.index(shape) if shape in SHAPES else 0,
        steps=steps,
        neurons=like[0].numel(),
        row=like.shape[-1] * like.shape[-3] if pooled else 0,
        channels=like.shape[-3] if pooled else 0,
    )


def run(name: str, job: Job) -> None:
    threads = torch.get_num_threads() if job.steps * job.neurons >= FEW else 1
    getattr(compiled(), name)(ctypes.byref(job), ctypes.c_int64(threads))


def address(tensor: Tensor | None) -> int | None:
    return None if tensor is None else tensor.data_ptr()


def layout(e: Tensor, kept: Tensor) -> Tensor:
    """The errors in the same order in memory as the potentials; one step alone if all are equal."""
    e = e[:1] if e.stride(0) == 0 else e
    same = e[0].stride() == kept[0].stride()
    if same and (len(e) == 1 or e.stride(0) == kept.stride(0)):
        return e
    return kept.new_empty_strided(e.shape, kept.stride()).copy_(e)


def pooled_layout(e: Tensor) -> Tensor:
    """The same for errors of pooled images."""
    e = e[:1] if e.stride(0) == 0 else e
    return e.movedim(2, -1).contiguous()


@cache
def kernel() -> ctypes.CDLL | None:
    """The compiled kernel, if it is wanted, can be had, and computes what the loop does."""
    if os.environ.get("SNNLAB_KERNELS", "").strip().lower() in ("off", "0"):
        return None
    try:
        found = compiled()
    except (OSError, subprocess.SubprocessError):
        return None
    return found if all(map(agrees, modes())) else None


@cache
def compiled() -> ctypes.CDLL:
    loaded = build.load()
    loaded.largest.restype = ctypes.c_int64
    return loaded


def modes() -> Iterator[Dynamics]:
    """Every kind of neuron that the kernel knows."""
    for hard, v_reset, detach, shape in product((False, True), (0.0, -0.3), (False, True), SHAPES):
        yield Dynamics(0.9, 0.8, hard, v_reset, detach, Surrogate(shape, 0.7, 1.3), 0.1)


def agrees(dynamics: Dynamics) -> bool:
    """Whether the kernel gives the bits of the loop, for vectors and what is left over of them."""
    wave = torch.arange(5 * 83, dtype=torch.float32).mul_(0.7).sin_().view(5, 83)
    mine, theirs = ([torch.empty_like(wave), wave * 2] for _ in range(2))
    forward(mine[1], dynamics, *mine)
    loop.forward(theirs[1], dynamics, *theirs)
    same = all(map(torch.equal, mine, theirs))
    backward(mine[1], wave, dynamics, None)
    loop.backward(theirs[1], wave, dynamics, None)
    return same and torch.equal(mine[1], theirs[1])
