"""What `snnlab up` needs to know of a lab before it starts anything."""

import contextlib
import json
import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from snnlab.client.address import Address, choose, hosts_to_allow
from snnlab.client.supervisor import Child
from snnlab.embedded.process import EmbeddedError


@dataclass(frozen=True)
class Lab:
    """Where a lab keeps its data, where it listens, and by which names it may be asked."""

    home: Path
    address: Address
    hosts: list[str]

    @property
    def environment(self) -> dict[str, str]:
        """What every process of this lab is told."""
        return {"SNNLAB_HOME": str(self.home), "ALLOWED_HOSTS": ",".join(self.hosts)}

    def children(self) -> list[Child]:
        """The processes that do the work, all at once."""
        celery = ["celery", "-A", "snnlab.celery", "--quiet"]
        worker = ["worker", "-P", "solo", "--without-mingle", "--without-gossip", "-l", "INFO"]
        beat = ["beat", "--pidfile=", "-S", "celery.beat:Scheduler", "-l", "WARNING"]
        web = ["gunicorn", "-c", "python:snnlab.client.gunicorn", "-b", self.address.listen]
        return [
            self.child("web", *web, "snnlab.wsgi", orphaned=signal.SIGTERM),
            self.child("worker", *celery, *worker),
            self.child("beat", *celery, *beat),
        ]

    def child(self, title: str, *command: str, orphaned: signal.Signals = signal.SIGKILL) -> Child:
        log = self.home / "logs" / f"{title}.log"
        return Child(title, command, log, orphaned=orphaned, environment=self.environment)

    @property
    def announcement(self) -> Path:
        return self.home / "up.json"

    @contextlib.contextmanager
    def announced(self) -> Iterator[None]:
        """Let other commands find this lab while it runs."""
        place = self.announcement
        draft = place.with_suffix(".new")
        where = {"url": self.address.url, "pid": os.getpid(), "port": self.address.port}
        draft.write_text(json.dumps(where))
        draft.replace(place)
        try:
            yield
        finally:
            place.unlink(missing_ok=True)


def read(port: int | None, bind: str) -> Lab:
    """The lab that the environment describes; nothing is started."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "snnlab.settings")
    from django.conf import settings
    from django.core.exceptions import ImproperlyConfigured

    try:
        home = settings.SNNLAB_HOME
    except ImproperlyConfigured as error:
        raise EmbeddedError(str(error)) from error
    address = choose(bind, port)
    return Lab(home, address, hosts_to_allow(address, settings.ALLOWED_HOSTS))


def url_of_running(home: Path) -> str | None:
    """The address of the lab that runs on a data folder, once it is ready."""
    try:
        return json.loads((home / "up.json").read_text())["url"]
    except (OSError, ValueError, KeyError):
        return None
