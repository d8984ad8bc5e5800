"""Fair measurements on a noisy machine: all candidates in turn, round after round, then ratios."""

import gc
import time
from collections.abc import Callable
from statistics import median

from torch.profiler import ProfilerActivity, profile


Step = Callable[[], object]
CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}  # cpu: for a machine that is busy


def alternate(steps: dict[str, Step], rounds: int, clock: str = "wall") -> dict[str, list[float]]:
    """Seconds of every step of every candidate, measured A B C A B C ... after a warm-up."""
    now = CLOCKS[clock]
    for step in steps.values():
        step()
        step()
    times: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(rounds):
        for name, step in steps.items():
            start = now()
            step()
            times[name].append(now() - start)
    return times


def ratio(seconds: list[float], ours: list[float]) -> float:
    """The median of the ratios within each round."""
    return median(a / b for a, b in zip(seconds, ours, strict=True))


def peak(step: Step) -> float:
    """MiB that torch has allocated at most during a step, beyond what was there before."""
    gc.collect()
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as record:
        step()
    events = record.profiler.kineto_results.events()
    changes = [(e.start_ns(), e.nbytes()) for e in events if e.name() == "[memory]"]
    now = most = 0
    for _, size in sorted(changes, key=lambda change: change[0]):
        now += size
        most = max(most, now)
    return most / 2**20
