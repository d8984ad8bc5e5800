"""Where the lab listens, and whether it answers there.

`python -m snnlab.client.address 8000` ends with 0 if it does on this machine.
"""

import errno
import http.client
import os
import socket
import sys
from dataclasses import dataclass

from snnlab.embedded.process import EmbeddedError


FIRST_PORT, PORTS = 8000, 100
WILDCARDS = {"0.0.0.0": "127.0.0.1", "::": "::1"}


@dataclass(frozen=True)
class Address:
    """A host and a port to listen on."""

    bind: str
    port: int

    @property
    def host(self) -> str:
        """The host as a browser on this machine writes it."""
        host = WILDCARDS.get(self.bind, self.bind)
        return f"[{host}]" if ":" in host else host

    @property
    def listen(self) -> str:
        """The address as a server writes it."""
        return f"[{self.bind}]:{self.port}" if ":" in self.bind else f"{self.bind}:{self.port}"

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}/"

    def healthy(self, host_header: str) -> bool:
        """Whether /healthz says yes; no proxy is asked."""
        connection = http.client.HTTPConnection(self.host.strip("[]"), self.port, timeout=2)
        try:
            host = host_header.lstrip(".")  # ".example.org" allows example.org too
            connection.request("GET", "/healthz", headers={"Host": host})
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


def choose(bind: str, port: int | None) -> Address:
    """The address asked for, or the first free port from 8000 on if none was."""
    if port is not None:
        if not _free(bind, port):
            raise EmbeddedError(
                f"port {port} on {bind} is in use. Stop what uses it, or choose another: --port"
                f" {port + 1}"
            )
        return Address(bind, port)
    for candidate in range(FIRST_PORT, FIRST_PORT + PORTS):
        if _free(bind, candidate):
            return Address(bind, candidate)
    raise EmbeddedError(
        f"ports {FIRST_PORT} to {FIRST_PORT + PORTS - 1} on {bind} are all in use."
        " Name a free one: --port"
    )


def hosts_to_allow(address: Address, allowed: list[str]) -> list[str]:
    """ALLOWED_HOSTS, with the address itself unless the user chose them."""
    if os.environ.get("ALLOWED_HOSTS"):
        return allowed
    if address.bind in WILDCARDS:
        raise EmbeddedError(
            f"--bind {address.bind} lets other machines in: say by which names they may ask,"
            " for example ALLOWED_HOSTS=lab.example.org,192.0.2.7"
        )
    return list(dict.fromkeys([*allowed, address.host]))


def _free(bind: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in bind else socket.AF_INET
    with socket.socket(family) as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((bind, port))
        except PermissionError:
            raise EmbeddedError(
                f"port {port} is for root only. Choose one from 1024 on: --port {FIRST_PORT}"
            ) from None
        except (OSError, OverflowError) as error:
            if getattr(error, "errno", None) == errno.EADDRINUSE:
                return False
            raise EmbeddedError(
                f"cannot listen on {bind} port {port}: {error}. Choose others: --bind, --port"
            ) from error
    return True


def main(port: str) -> int:
    host = os.environ.get("ALLOWED_HOSTS", "localhost").split(",")[0].strip()
    return 0 if Address("127.0.0.1", int(port)).healthy(host) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
