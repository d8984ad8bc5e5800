"""The lab's web server as a process of its own, and somebody who asks it all the time."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from typing import Any

from tests.chaos.conftest import ROOT, Lab, environment
from tests.experiments.waiting import until


WEB = "-m gunicorn -c python:snnlab.client.gunicorn snnlab.wsgi"


class Web:
    """The lab's web server, as a process that can be killed and started again."""

    def __init__(self, lab: Lab) -> None:
        self.lab, self.log = lab, lab.folder / "web.log"
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.process: subprocess.Popen[bytes] | None = None

    def environment(self) -> dict[str, str]:
        return {**os.environ, **environment(self.lab.broker), "SNNLAB_WEB_WORKERS": "1"}

    def dress(self) -> None:
        """Put the files in place that pages, but no programs, ask for."""
        command = [sys.executable, "manage.py", "collectstatic", "--no-input", "-v0"]
        subprocess.run(command, cwd=ROOT, env=self.environment(), check=True)

    def start(self) -> None:
        command = [sys.executable, *WEB.split(), "-b", f"127.0.0.1:{self.port}"]
        told = self.environment()
        with self.log.open("ab") as out:
            self.process = subprocess.Popen(command, stdout=out, stderr=out, cwd=ROOT, env=told,
                                            start_new_session=True)  # fmt: skip
        until(self.answers, 60)

    def answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def kill(self) -> None:
        if self.process:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None


class Client(threading.Thread):
    """Asks again and again, as people do while things break; each answer is a line of the lab's."""

    def __init__(self, lab: Lab, web: Web, token: str, spec: dict[str, Any]) -> None:
        super().__init__(daemon=True)
        self.lab, self.base, self.token, self.spec = (
            lab,
            f"http://127.0.0.1:{web.port}",
            token,
            spec,
        )
        self.over, self.taken = threading.Event(), list[int]()

    def run(self) -> None:
        for number in range(1_000_000):
            if self.over.is_set():
                return
            self.ask("list", "GET", "/api/v1/runs?limit=5")
            self.ask("page", "GET", "/sign-in/")
            if number % 5 == 0:
                self.submit(number)
            time.sleep(0.1)

    def submit(self, number: int) -> None:
        """Queue a run by a key, until it is taken: as a client does that had no answer."""
        body = {"name": "asked", "spec": self.spec, "seeds": [number], "key": f"asked {number}"}
        for _ in range(100):
            status, answer = self.ask("submit", "POST", "/api/v1/experiments", body)
            if status == 201:
                self.taken.append(json.loads(answer)["id"])
                return
            if self.over.wait(0.2):
                return

    def ask(self, op: str, method: str, path: str, body: Any = None) -> tuple[int, bytes]:
        data = None if body is None else json.dumps(body).encode()
        asked = urllib.request.Request(self.base + path, data, method=method)
        asked.add_header("Authorization", f"Bearer {self.token}")
        asked.add_header("Content-Type", "application/json")
        began = time.monotonic()
        try:
            with urllib.request.urlopen(asked, timeout=20) as answer:
                status, text, retry = answer.status, answer.read(), ""
        except urllib.error.HTTPError as error:
            status, text, retry = error.code, error.read(), error.headers.get("Retry-After", "")
        seconds = time.monotonic() - began
        self.lab.clients.append({"op": op, "status": status, "seconds": seconds, "retry": retry})
        return status, text
