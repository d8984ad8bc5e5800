"""A ring that every listener of this process hears."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Bell:
    """Any thread may ring; each listener has an event of its own, which it clears itself."""

    def __init__(self) -> None:
        self._listeners: set[threading.Event] = set()
        self._lock = threading.Lock()

    def ring(self) -> None:
        with self._lock:
            for heard in self._listeners:
                heard.set()

    @contextmanager
    def listen(self) -> Iterator[threading.Event]:
        heard = threading.Event()
        with self._lock:
            self._listeners.add(heard)
        try:
            yield heard
        finally:
            with self._lock:
                self._listeners.discard(heard)
