"""How this process uses the machine."""

import ctypes
from typing import Any

import torch

from snnlab.learning.kernels import cpu
from snnlab.learning.linear import onednn


M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3


def prepare(threads: int) -> None:
    """Use that many threads and keep freed memory, before the first tensor is made.

    glibc returns large blocks to the system at once and faults them in again at the next step:
    on convolutional networks keeping them makes a step about a quarter faster.
    """
    torch.set_num_threads(threads)
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_MMAP_THRESHOLD, 1 << 30)
        mallopt(M_TRIM_THRESHOLD, (1 << 31) - 1)


def environment(device: str) -> dict[str, Any]:
    """What, beside spec and seed, decides the bits of a result or its speed."""
    return {
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
        "device": device,
        "linear": "onednn" if onednn() else "torch",
        "scan": "c" if cpu.library() else "torch",  # same bits; it says how fast
        "processor": torch.backends.cpu.get_cpu_capability(),
    }
