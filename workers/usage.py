"""How busy this machine is, and what a training uses of it. Read from /proc and nvidia-smi."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any


PROC = Path("/proc")
PAGE = os.sysconf("SC_PAGE_SIZE")
MB = 2**20
ASKED = "index,utilization.gpu,memory.used,memory.total"
FIELDS = ("index", "use", "memory", "total")


def memory_total() -> int | None:
    """The memory of this machine, or of the container that we are in [MB]."""
    limits = [PROC.parent / "sys/fs/cgroup/memory.max"]
    known = [text for text in map(_read, limits) if text.isdigit()]
    total = _meminfo().get("MemTotal")
    return min([int(text) // MB for text in known] + ([total] if total else []), default=None)


def resident(process: int) -> int:
    """The memory of a process and of all that it started [MB]."""
    children: dict[int, list[int]] = {}
    for entry in PROC.iterdir():
        if entry.name.isdigit() and (stat := _read(entry / "stat")):
            parent = int(stat.rpartition(")")[2].split()[1])
            children.setdefault(parent, []).append(int(entry.name))
    family, waiting = [], [process]
    while waiting:
        family.append(waiting.pop())
        waiting += children.get(family[-1], [])
    sizes = (_read(PROC / str(one) / "statm").split() for one in family)
    return sum(int(size[1]) * PAGE for size in sizes if size) // MB


class Usage:
    """Looks at the machine again and again; a share of the CPU is that since the last look."""

    def __init__(self) -> None:
        self._before = (0, 0)

    def look(self, *, gpus: bool) -> dict[str, Any]:
        """Shares in 0..1, memory in MB."""
        memory = _meminfo()
        total, free = memory.get("MemTotal", 0), memory.get("MemAvailable", 0)
        known: dict[str, Any] = {"cpu": self._cpu(), "memory": total - free, "total": total}
        return known | ({"gpus": graphics()} if gpus else {})

    def _cpu(self) -> float:
        times = [int(field) for field in _read(PROC / "stat").partition("\n")[0].split()[1:9]]
        idle, total = sum(times[3:5]), sum(times)
        rest, spent = idle - self._before[0], total - self._before[1]
        self._before = (idle, total)
        return round(1 - rest / spent, 3) if spent else 0.0


def graphics() -> list[dict[str, float]]:
    """The GPUs of this machine: index, use [0..1], memory used and in total [MB]."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return []
    command = [program, f"--query-gpu={ASKED}", "--format=csv,noheader,nounits"]
    try:
        said = subprocess.run(command, capture_output=True, text=True, timeout=5, check=True).stdout
        rows = [[float(cell) for cell in line.split(",")] for line in said.splitlines()]
    except (OSError, ValueError, subprocess.SubprocessError):
        return []
    found = [dict(zip(FIELDS, row, strict=True)) for row in rows]
    return [gpu | {"use": gpu["use"] / 100} for gpu in found]


def _meminfo() -> dict[str, int]:
    lines = (line.split() for line in _read(PROC / "meminfo").splitlines())
    return {line[0].rstrip(":"): int(line[1]) // 1024 for line in lines if len(line) > 1}


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""
