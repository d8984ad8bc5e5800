"""Compiles the C source that lies beside this file, once for each machine."""

import ctypes
import hashlib
import os
import platform
import subprocess
import tempfile
from pathlib import Path

from platformdirs import user_cache_path


SOURCE = Path(__file__).with_name("scan.c")
# no contraction: which operations are fused stands in the source, and decides the bits
FLAGS = ("-O2", "-march=native", "-ffp-contract=off", "-fopenmp-simd", "-fPIC", "-shared")
PATIENCE = 120.0  # seconds for the compiler


def load() -> ctypes.CDLL:
    """The compiled source. Raises OSError or SubprocessError where it cannot be compiled."""
    place = user_cache_path("snnlab") / "kernels" / f"{name()}.so"
    place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not place.exists():
        compile_to(place)
    own(place.parent)
    own(place)
    try:
        return ctypes.CDLL(str(place))
    except OSError:  # half of it is there, after a power cut: once more
        compile_to(place)
        return ctypes.CDLL(str(place))


def own(path: Path) -> None:
    """Run nothing that another user could have put there. Raises PermissionError."""
    facts = path.stat()
    if facts.st_uid != os.getuid() or facts.st_mode & 0o022:
        raise PermissionError(f"{path} is not ours alone: it is not loaded")


def name() -> str:
    """Different for every source, compiler and processor."""
    facts = (SOURCE.read_text(), *FLAGS, compiled("--version"), platform.machine(), features())
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()[:16]


def features() -> str:
    """What the processor can do, as far as the system tells."""
    facts = Path("/proc/cpuinfo")
    lines = facts.read_text().splitlines() if facts.exists() else []
    wanted = ("model name", "flags", "Features", "CPU part")
    return "\n".join(sorted({line for line in lines if line.startswith(wanted)}))


def compile_to(place: Path) -> None:
    """Write the library whole or not at all; of several processes at once, any may win."""
    with tempfile.TemporaryDirectory(dir=place.parent) as folder:
        draft = Path(folder) / place.name
        compiled(*FLAGS, str(SOURCE), "-o", str(draft))
        draft.rename(place)


def compiled(*arguments: str) -> str:
    """What the C compiler says."""
    command = [os.environ.get("CC") or "cc", *arguments]
    result = subprocess.run(command, capture_output=True, text=True, check=True, timeout=PATIENCE)
    return result.stdout
