"""A slow wire: forwards a TCP port to a server, with a delay and so many bytes a second."""

import contextlib
import socket
import threading
import time
from collections.abc import Callable


PIECE = 4096


class SlowWire:
    """Listens on a port of its own. Each direction of a connection has its delay and rate."""

    def __init__(self, connect: Callable[[], socket.socket], delay: float, rate: float) -> None:
        self.connect, self.delay, self.rate = connect, delay, rate
        self.carried = 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self.listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self.listener.accept()
                threading.Thread(target=self._join, args=(near,), daemon=True).start()

    def _join(self, near: socket.socket) -> None:
        """Carry both ways until both are done."""
        with near, self.connect() as far:
            back = threading.Thread(target=self._carry, args=(far, near), daemon=True)
            back.start()
            self._carry(near, far)
            back.join()

    def _carry(self, source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(PIECE):
                time.sleep(self.delay + len(data) / self.rate)
                target.sendall(data)
                self.carried += len(data)
        with contextlib.suppress(OSError):
            target.shutdown(socket.SHUT_WR)


def to_socket(path: str) -> Callable[[], socket.socket]:
    """Connects to a server's socket in the file system."""

    def connect() -> socket.socket:
        line = socket.socket(socket.AF_UNIX)
        line.connect(path)
        return line

    return connect
