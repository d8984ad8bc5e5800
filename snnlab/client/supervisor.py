"""Keeps processes running: starts again what falls over, and stops all of it in order."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from snnlab.embedded.process import EmbeddedError, dying_with_parent, log_file, tail
from snnlab.embedded.server import Server


CRASHES, WITHIN = 5, 120.0  # give up at the fifth crash within so many seconds
LONGEST_PAUSE = 10.0  # seconds between a crash and the next start


class Kept(Protocol):
    """What can be kept running: an embedded server or a child."""

    @property
    def title(self) -> str: ...
    @property
    def log(self) -> Path: ...
    def start(self) -> object: ...
    def alive(self) -> bool: ...


class GaveUp(EmbeddedError):
    """A process falls over again and again."""


@dataclass
class Child:
    """A program of ours; the kernel ends it by `orphaned` when the supervisor is gone."""

    title: str
    command: Sequence[str]
    log: Path
    grace: float = 5
    orphaned: signal.Signals = signal.SIGKILL
    environment: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = field(default=None, init=False, repr=False)

    def start(self) -> None:
        with log_file(self.log) as log:
            self.process = subprocess.Popen(
                dying_with_parent([sys.executable, "-m", *self.command], self.orphaned),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=os.environ | {"PYTHONUNBUFFERED": "1"} | self.environment,
                start_new_session=True,
            )

    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def ask_to_stop(self) -> None:
        if self.process and self.alive():
            self.process.terminate()

    def wait_or_kill(self, since: float) -> None:
        """Wait until `grace` seconds after `since`, then end the child and all it started."""
        if self.process is None:
            return
        try:
            self.process.wait(max(0.0, since + self.grace - time.monotonic()))
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(5)


@dataclass
class Watch:
    """What is known about one kept process: when it fell over, and when it may start again."""

    kept: Kept
    crashes: list[float] = field(default_factory=list)
    due: float | None = None

    def look(self, now: float) -> Iterator[str]:
        """Start it again when it is due, and say so; raise GaveUp when that is no use."""
        if self.due is not None and now >= self.due:
            yield from self._start_again(now)
        elif self.due is None and not self.kept.alive():
            yield f"{self.kept.title} has stopped; starting it again (see {self.kept.log})"
            self._crashed(now)

    def _start_again(self, now: float) -> Iterator[str]:
        self.due = None
        try:
            self.kept.start()
        except EmbeddedError as error:
            yield str(error)
            self._crashed(now)

    def _crashed(self, now: float) -> None:
        self.crashes = [then for then in self.crashes if now - then < WITHIN] + [now]
        if len(self.crashes) >= CRASHES:
            raise GaveUp(
                f"{self.kept.title} fell over {CRASHES} times within {WITHIN:g} s, so snnlab stops."
                f" The end of {self.kept.log} says:\n{tail(self.kept.log)}"
            )
        self.due = now + min(0.25 * 2 ** (len(self.crashes) - 1), LONGEST_PAUSE)


class Supervisor:
    """Servers first, then children; the way back when it ends."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self.say = say
        self.watches: list[Watch] = []

    def keep(self, kept: Kept) -> None:
        """Start something, and keep it running from now on."""
        self.watches.append(Watch(kept))  # before the start, so that a failed one is stopped too
        kept.start()

    def look(self) -> None:
        """Look at everything once; call it a few times a second."""
        for watch in self.watches:
            for message in watch.look(time.monotonic()):
                self.say(message)

    def any_alive(self) -> bool:
        return any(watch.kept.alive() for watch in self.watches)

    def stop(self) -> None:
        """Stop the children together, then the servers they need, the last one first."""
        since = time.monotonic()
        children = [watch.kept for watch in self.watches if isinstance(watch.kept, Child)]
        for child in children:
            child.ask_to_stop()
        for child in children:
            child.wait_or_kill(since)
        for watch in reversed(self.watches):
            if isinstance(watch.kept, Server):
                watch.kept.stop(timeout=10)
