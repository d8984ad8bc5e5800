"""How long things may take in a worker, and what it offers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

from workers.usage import memory_total


@dataclass(frozen=True)
class Limits:
    """Times are in seconds, memory in MB, for each slot.

    The fence must be shorter than the lease that the database gives. A slot has `threads` of the
    `cores`, if any are named, or one of the `gpus`.
    """

    heartbeat: float
    fence: float
    poll: float
    reap: float
    slots: int
    threads: int
    stall: float
    wall: float
    pools: tuple[str, ...] = ("cpu",)
    labels: tuple[str, ...] = ()
    memory: int | None = None
    cores: tuple[int, ...] = ()
    gpus: tuple[int, ...] = ()
    grace: float = 15
    start: float = 120
    engine: str = "workers.engine"

    @classmethod
    def of(cls, settings: Any) -> Self:
        """What Django's settings say."""
        return cls(
            heartbeat=settings.SNNLAB_HEARTBEAT,
            fence=settings.SNNLAB_FENCE,
            poll=settings.SNNLAB_POLL,
            reap=settings.SNNLAB_REAP,
            stall=settings.SNNLAB_STALL,
            wall=settings.SNNLAB_WALL,
            slots=settings.SNNLAB_SLOTS,
            threads=settings.SNNLAB_THREADS,
            pools=tuple(settings.SNNLAB_POOLS),
            labels=tuple(settings.SNNLAB_LABELS),
            memory=settings.SNNLAB_MEMORY or shared(memory_total(), settings.SNNLAB_SLOTS),
            cores=tuple(settings.SNNLAB_CORES),
            gpus=tuple(settings.SNNLAB_GPUS),
        )

    @property
    def device(self) -> str:
        """Where trainings compute: the pools of a worker are all of one kind."""
        return "cuda" if any(pool.startswith("gpu") for pool in self.pools) else "cpu"

    def watched(self, may: dict[str, list[int]]) -> list[int] | None:
        """The GPUs of a training on those slots, none named for all; None where it uses none."""
        return may.get("gpus", []) if self.device == "cuda" else None

    def of_slots(self, slots: Sequence[int]) -> dict[str, list[int]]:
        """What a training on these slots may use: cores if they were given out, and GPUs."""
        cores = [core for slot in slots for core in self._cores(slot)]
        found = {"cores": cores} if cores else {}
        if self.device == "cuda":
            found["gpus"] = [self.gpus[slot] if self.gpus else slot for slot in slots]
        return found

    def _cores(self, slot: int) -> tuple[int, ...]:
        return self.cores[slot * self.threads : (slot + 1) * self.threads]


def shared(total: int | None, slots: int) -> int | None:
    return total // slots if total else None
