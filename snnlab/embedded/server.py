"""A server run as a child process, whichever server it is."""

import signal
import subprocess
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Self

from snnlab.embedded.process import (
    EmbeddedError,
    clean_environment,
    log_file,
    private_folder,
    socket_folder,
    tail,
    wait_for,
)


@dataclass
class Server(ABC):
    """A server we start as a child, reach over a private socket, and stop in its orderly way."""

    title: ClassVar[str]
    stop_signal: ClassVar[signal.Signals]

    home: Path
    process: subprocess.Popen[bytes] | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        self.home = self.home.resolve()

    @abstractmethod
    def prepare(self) -> None:
        """Make the folders, and clear what a crash left behind."""

    @abstractmethod
    def command(self) -> list[str]:
        """The command line of the server."""

    @abstractmethod
    def ready(self) -> bool:
        """Whether the server answers."""

    @property
    def log(self) -> Path:
        return self.home / "logs" / f"{self.title.lower()}.log"

    def start(self, timeout: float = 60) -> Self:
        """Start the server, anew if it was started before, and wait until it answers."""
        self.stop()
        private_folder(self.home)
        private_folder(self.log.parent)
        private_folder(socket_folder(self.home))
        self.prepare()
        with log_file(self.log) as log:
            self.process = subprocess.Popen(
                self.command(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                env=clean_environment(),
                start_new_session=True,
            )
        self._wait_until_ready(timeout)
        return self

    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def stop(self, timeout: float = 30) -> None:
        """Stop the server in its orderly way, or by force after `timeout` seconds."""
        if self.process is None or not self.alive():
            return
        self.process.send_signal(self.stop_signal)
        try:
            self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(10)

    def _wait_until_ready(self, timeout: float) -> None:
        try:
            wait_for(lambda: self.ready() or not self.alive(), timeout)
        except TimeoutError:
            self.stop()
        if not self.alive():
            raise EmbeddedError(
                f"{self.title} did not start in {self.home}; the end of {self.log} says:\n"
                f"{tail(self.log)}"
            )
