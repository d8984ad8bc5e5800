"""Fair timing on a noisy machine: all candidates in turn, round after round, then ratios."""

import time
from collections.abc import Callable
from statistics import median

from rich.console import Console
from rich.table import Table


def alternate(steps: dict[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """Seconds of every step of every candidate, measured A B C A B C ... after a warm-up."""
    for step in steps.values():
        step()
        step()
    times: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(rounds):
        for name, step in steps.items():
            start = time.perf_counter()
            step()
            times[name].append(time.perf_counter() - start)
    return times


def show(title: str, times: dict[str, list[float]], ours: str) -> None:
    """Print median, fastest and the median of the ratios to `ours` within each round."""
    table = Table("candidate", "median ms", "fastest ms", "times ours", title=title)
    for name, seconds in times.items():
        ratio = median(a / b for a, b in zip(seconds, times[ours], strict=True))
        row = (1e3 * median(seconds), 1e3 * min(seconds), ratio)
        table.add_row(name, *(f"{value:.2f}" for value in row))
    Console(width=100).print(table)
