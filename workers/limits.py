"""How long things may take in a worker, and what it offers."""

from dataclasses import dataclass
from typing import Any, Self


@dataclass(frozen=True)
class Limits:
    """Times are in seconds. The fence must be shorter than the lease that the database gives."""

    heartbeat: float
    fence: float
    poll: float
    reap: float
    slots: int
    threads: int
    stall: float
    wall: float
    pools: tuple[str, ...] = ("cpu",)
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
        )

    @property
    def device(self) -> str:
        """Where trainings compute: the pools of a worker are all of one kind."""
        return "cuda" if any(pool.startswith("gpu") for pool in self.pools) else "cpu"
