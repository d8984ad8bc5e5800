"""A whole lab as `snnlab up` starts it: real processes on a data folder of its own."""

import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import psutil

from snnlab.embedded.process import wait_for
from tests.experiments.waiting import gone, words


MARKS = {  # what tells each process of a lab from the others
    "postgres": "bin/postgres",
    "valkey": "valkey-server",
    "web": "gunicorn",
    "worker": "worker",
    "beat": "beat",
}


class Lab:
    """A `snnlab up` on a data folder of its own."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.port = free_port()
        self.process: subprocess.Popen | None = None

    def command(self, *arguments: str) -> tuple[list[str], dict[str, str]]:
        hidden = ("DATABASE_URL", "BROKER_URL", "ALLOWED_HOSTS", "DJANGO_SETTINGS_MODULE")
        environment = {name: value for name, value in os.environ.items() if name not in hidden}
        environment["SNNLAB_HOME"] = str(self.home)
        return [sys.executable, "-m", "snnlab.client", "up", *arguments], environment

    def refused(self, *arguments: str) -> str:
        """Try to start another one; what it says."""
        command, environment = self.command(*arguments)
        result = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=60
        )
        assert result.returncode == 2, result
        assert "Traceback" not in result.stderr
        return result.stderr

    def start(self) -> None:
        command, environment = self.command("--port", str(self.port))
        with open(self.home / "terminal", "w") as terminal:
            self.process = subprocess.Popen(
                command, env=environment, stdout=terminal, stderr=terminal
            )
        wait_for(lambda: self.ready() or self.process.poll() is not None, timeout=60)
        assert self.ready(), self.said()

    def ready(self) -> bool:
        return (self.home / "up.json").exists() and self.answers()

    def answers(self) -> bool:
        try:
            return urllib.request.urlopen(f"{self.url}healthz", timeout=2).status == 200
        except (OSError, urllib.error.URLError):
            return False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def said(self) -> str:
        return (self.home / "terminal").read_text()

    def find(self, name: str) -> psutil.Process | None:
        """The process of that name which the lab itself started."""
        for child in psutil.Process(self.process.pid).children():
            if MARKS[name] in words(child) and not gone(child):
                return child
        return None

    def everything(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def stop(self) -> None:
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(30)


def free_port() -> int:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return trial.getsockname()[1]
