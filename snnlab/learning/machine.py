"""How this process uses the machine."""

import ctypes
import hashlib
import subprocess
from functools import cache
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import torch

from snnlab import __version__
from snnlab.learning import parallel
from snnlab.learning.errors import TrainingError
from snnlab.learning.kernels import cuda
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


def check(precision: str, device: str) -> None:
    """Raise TrainingError for a precision that this machine can only imitate, slowly."""
    if precision == "bfloat16" and not has_bfloat16(device):
        raise TrainingError(
            f"precision: bfloat16 needs a processor that computes with it, and {device} here does "
            "not. Choose float32"
        )


def has_bfloat16(device: str) -> bool:
    if torch.device(device).type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    try:
        return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
    except (AttributeError, RuntimeError):  # a private operator of torch: it may go
        return False


def environment(device: str) -> dict[str, Any]:
    """What, beside spec and seed, decides the bits of a result or its speed."""
    return {
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
        "device": device,
        **({"processes": parallel.size()} if parallel.size() > 1 else {}),
        "linear": "onednn" if onednn() else "torch",
        **({"scan": "triton" if cuda.kernels() else "torch"} if "cuda" in device else {}),
        "processor": torch.backends.cpu.get_cpu_capability(),
    }


def code() -> dict[str, Any]:
    """The version of snnlab, and in a checkout the commit and whether nothing was changed since.

    `packages` is a digest of all that is installed: two environments with the same one are alike.
    """
    here = Path(__file__).parents[2]
    known: dict[str, Any] = {"version": __version__, "packages": packages()}
    if (here / ".git").exists():
        known["commit"] = git(here, "rev-parse", "HEAD")
        known["clean"] = not git(here, "status", "--porcelain")
    return known


@cache
def packages() -> str:
    """A digest of the names and versions of all installed packages."""
    found = {f"{d.metadata['Name']}=={d.version}".lower() for d in distributions()}
    return hashlib.sha256("\n".join(sorted(found)).encode()).hexdigest()


def git(folder: Path, *words: str) -> str:
    """What git says, or nothing where there is no git."""
    command = ["git", "-C", str(folder), *words]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()
