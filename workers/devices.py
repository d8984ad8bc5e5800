"""The devices of one worker: each belongs to one training at a time."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from snnlab.experiments.queue import Claim


Taken = tuple[Claim, tuple[int, ...]]


class Devices:
    """So many devices, by their numbers. A training takes one or several of them, all at once."""

    def __init__(self, count: int, freed: Callable[[], None] = lambda: None) -> None:
        self._free, self._freed = set(range(count)), freed
        self._lock = threading.Lock()

    @contextmanager
    def taken(self, claim: Callable[[int], Claim | None]) -> Iterator[Taken | None]:
        """Claim with what is free, and hold the devices that the run asks for."""
        with self._lock:
            found = claim(len(self._free)) if self._free else None
            chosen = tuple(sorted(self._free)[: found.devices]) if found else ()
            self._free -= set(chosen)
        try:
            yield (found, chosen) if found else None
        finally:
            with self._lock:
                self._free |= set(chosen)
            if len(chosen) > 1:  # the slots that had no device may look again
                self._freed()
