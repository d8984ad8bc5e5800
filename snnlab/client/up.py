"""`snnlab up`: everything in one terminal, until Ctrl-C."""

import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field

from snnlab import __version__
from snnlab.client import lab
from snnlab.client.lab import Lab
from snnlab.client.supervisor import GaveUp, Supervisor
from snnlab.embedded.lock import AlreadyUp, only_one
from snnlab.embedded.postgres import Postgres
from snnlab.embedded.process import EmbeddedError, dying_with_parent, tail
from snnlab.embedded.valkey import Valkey


STOPPED, GAVE_UP, REFUSED = 0, 1, 2
PATIENCE = 120.0  # seconds for the web server's first answer
GLANCE = 0.2  # seconds between two looks at everything


def up(
    *,
    port: int | None = None,
    bind: str = "127.0.0.1",
    demo: bool = False,
    once: bool = False,
) -> int:
    """Run the lab until Ctrl-C, and return an exit code: 0 stopped, 1 gave up, 2 refused.

    With `demo`, also train a first network; with `once`, stop after it, with its exit code.
    """
    try:
        found = lab.read(port, bind)
        with only_one(found.home):
            found.announcement.unlink(missing_ok=True)  # of one that was killed
            return Up(found).run(demo=demo, once=once)
    except AlreadyUp as error:
        url = lab.url_of_running(error.home) or "not ready yet"
        return _complain(f"{error}: {url}. Use that one, or set SNNLAB_HOME", REFUSED)
    except GaveUp as error:
        return _complain(str(error), GAVE_UP)
    except EmbeddedError as error:
        return _complain(str(error), REFUSED)


@dataclass
class Up:
    """One life of the lab, from the first server's start to the last one's stop."""

    lab: Lab
    began: float = field(default_factory=time.monotonic)
    stop: threading.Event = field(default_factory=threading.Event)
    demo: "subprocess.Popen[bytes] | None" = None

    def __post_init__(self) -> None:
        self.supervisor = Supervisor(self.say)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:  # nohup
                signal.signal(number, lambda *_: self.stop.set())

    def run(self, *, demo: bool, once: bool) -> int:
        self.say(f"snnlab {__version__}, data in {self.lab.home}")
        try:
            return self._serve(demo=demo, once=once)
        finally:
            self._stop_everything()

    def say(self, text: str) -> None:
        print(f"[{time.monotonic() - self.began:4.1f} s] {text}", flush=True)

    def _serve(self, *, demo: bool, once: bool) -> int:
        self._start_servers()
        token = self._prepare()
        for child in self.lab.children():
            self.supervisor.keep(child)
        if not self._wait_until_healthy():
            return STOPPED
        with self.lab.announced():
            self._greet(token)
            if demo:
                self._start_demo()
            return self._watch(once=once)

    def _start_servers(self) -> None:
        """Start the servers that no variable replaces."""
        for variable, server in (("DATABASE_URL", Postgres), ("BROKER_URL", Valkey)):
            if not os.environ.get(variable):
                self.supervisor.keep(server(self.lab.home))
                self.say(f"{server.title} is ready")

    def _prepare(self) -> str | None:
        """Bring tables and pages up to date; give the first user's token."""
        import django

        django.setup()
        from snnlab.client import prepare  # it needs the settings read

        prepare.database()
        prepare.leases()
        prepare.static_files()
        self.say("the tables are up to date")
        return prepare.sign_in_token()

    def _wait_until_healthy(self) -> bool:
        """Whether the web server answers; False when we are to stop before."""
        deadline = time.monotonic() + PATIENCE
        while not self.lab.address.healthy(self.lab.hosts[0]):
            if time.monotonic() > deadline:
                log = self.lab.home / "logs" / "web.log"
                raise GaveUp(
                    f"the web server did not answer within {PATIENCE:g} s."
                    f" The end of {log} says:\n{tail(log)}"
                )
            if self.stop.wait(GLANCE):
                return False
            self.supervisor.look()
        return True

    def _greet(self, token: str | None) -> None:
        url = self.lab.address.url
        self.say(f"ready: {url}")
        if token:
            print(
                f"\n  Sign in with this link (once, within 15 minutes):\n  {url}welcome/{token}/\n"
            )
            print("  Ctrl-C stops the lab.\n", flush=True)

    def _start_demo(self) -> None:
        command = [sys.executable, "-m", "snnlab.client.demo", self.lab.address.url]
        self.demo = subprocess.Popen(
            dying_with_parent(command, signal.SIGKILL),
            stdin=subprocess.DEVNULL,
            env=os.environ | self.lab.environment,
            start_new_session=True,
        )

    def _watch(self, *, once: bool) -> int:
        """Keep everything running until we are to stop, or the demo ended and that was all."""
        while not self.stop.wait(GLANCE):
            self.supervisor.look()
            if self.demo and once and self.demo.poll() is not None:
                return self.demo.returncode
        return STOPPED

    def _stop_everything(self) -> None:
        if self.demo and self.demo.poll() is None:
            self.demo.kill()
        if self.supervisor.any_alive():
            self.say("stopping")
            self.supervisor.stop()
            self.say("stopped")


def _complain(message: str, code: int) -> int:
    print(f"snnlab up: {message}", file=sys.stderr, flush=True)
    return code
