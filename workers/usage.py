"""How busy this machine is, and what a training uses of it. Read from /proc and nvidia-smi."""

import os
import shutil
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any


PROC = Path("/proc")
PAGE = os.sysconf("SC_PAGE_SIZE")
TICKS = os.sysconf("SC_CLK_TCK")
LOOKS = 256  # at one training, before the time between two of them doubles
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
    sizes = (_read(PROC / str(one) / "statm").split() for one in family(process))
    return sum(int(size[1]) * PAGE for size in sizes if size) // MB


def spent(process: int) -> float:
    """The time that a process and all that it started have computed [s]."""
    stats = (_read(PROC / str(one) / "stat").rpartition(")")[2].split() for one in family(process))
    return sum(int(ticks) for stat in stats for ticks in stat[11:15]) / TICKS


def family(process: int) -> list[int]:
    """A process and all that it started."""
    children: dict[int, list[int]] = {}
    for entry in PROC.iterdir():
        if entry.name.isdigit() and (stat := _read(entry / "stat")):
            parent = int(stat.rpartition(")")[2].split()[1])
            children.setdefault(parent, []).append(int(entry.name))
    found, waiting = [], [process]
    while waiting:
        found.append(waiting.pop())
        waiting += children.get(found[-1], [])
    return found


class Gauge:
    """Looks at one training again and again: the longer it takes, the more rarely."""

    def __init__(self, process: int, every: float, gpus: Sequence[int] | None) -> None:
        """`gpus` are those of the run; none for one that uses no GPU."""
        self.process, self.every, self.gpus = process, every, gpus
        self.looks = 0
        self._before, self._due = (time.monotonic(), spent(process)), time.monotonic() + every

    @property
    def due(self) -> bool:
        return time.monotonic() >= self._due

    def look(self) -> tuple[int, dict[str, float | None]] | None:
        """The number of the look; CPU in percent of one core, GPUs in percent, memory in MB.

        None once the training has ended: its process may wait for us to notice, without memory.
        """
        memory = resident(self.process)
        if not memory:
            return None
        now, used = time.monotonic(), spent(self.process)
        share = (used - self._before[1]) / max(now - self._before[0], 1e-3)
        self._before = (now, used)
        self.looks += 1
        if self.looks % LOOKS == 0:
            self.every *= 2
        self._due = now + self.every
        known: dict[str, float | None] = {
            "cpu": round(100 * max(0.0, share), 1),
            "memory": memory,
        }
        return self.looks, known | self._graphics()

    def _graphics(self) -> dict[str, float | None]:
        found = [] if self.gpus is None else graphics()
        own = [gpu for gpu in found if not self.gpus or gpu["index"] in self.gpus]
        if not own:
            return {"gpu": None, "gpu_memory": None}
        use = 100 * sum(gpu["use"] for gpu in own) / len(own)
        return {"gpu": round(use, 1), "gpu_memory": round(sum(gpu["memory"] for gpu in own))}


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
