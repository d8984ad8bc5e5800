"""Keeps a lease: on a thread and a database connection of its own."""

import logging
import random
import threading
import time
from typing import Any

from django.db import Error, connection

from snnlab.experiments import queue
from snnlab.experiments.queue import Claim, LeaseLost
from workers.bell import Bell
from workers.child import Child
from workers.limits import Limits


SHOWN_EVERY = 1.0

log = logging.getLogger(__name__)


class Heart(threading.Thread):
    """Renews the lease each heartbeat, and sooner when there is progress to show or a ring.

    `until` is the moment, on the monotonic clock that the child shares, up to which the lease is
    surely ours: the fence, counted from before the last good renewal was sent.
    """

    def __init__(
        self, claim: Claim, child: Child, limits: Limits, bell: Bell, since: float
    ) -> None:
        super().__init__(daemon=True, name=f"heart of run {claim.run_id}")
        self.claim, self.child, self.limits, self.bell = claim, child, limits, bell
        self.until = since + limits.fence
        self.progress: dict[str, Any] = {}
        self.cancelling = self.pausing = self.lost = False
        self._stopped, self._heard = threading.Event(), threading.Event()

    def __enter__(self) -> "Heart":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._heard.set()
        self.join(timeout=5)

    @property
    def fenced(self) -> bool:
        """Whether another attempt may own the run by now."""
        return self.lost or time.monotonic() >= self.until

    def run(self) -> None:
        pause = min(SHOWN_EVERY, self.limits.heartbeat)
        shown, due = self.progress, time.monotonic() + self.limits.heartbeat
        try:
            with self.bell.listen() as self._heard:
                while not self._stopped.is_set() and not self.lost:
                    rung = self._heard.wait(pause)
                    self._heard.clear()
                    if self._stopped.is_set():
                        return
                    if rung or self.progress is not shown or time.monotonic() >= due:
                        shown, beaten = self.progress, self.beat(self.progress)
                        wait = self.limits.heartbeat if beaten else pause * random.uniform(0.2, 1)
                        due = time.monotonic() + wait
        finally:
            connection.close()

    def beat(self, progress: dict[str, Any]) -> bool:
        """Renew once. A database that cannot be reached is asked again, until the fence."""
        sent = time.monotonic()
        try:
            state = queue.renew(self.claim, progress)
        except LeaseLost:
            self.lost = True
            self.child.kill()
            return False
        except Error as error:
            log.warning("run %s: no heartbeat: %s", self.claim.run_id, error)
            connection.close()
            return False
        self.cancelling, self.pausing = state == "cancelling", state == "pausing"
        self.until = sent + self.limits.fence
        self.child.send({"kind": "lease", "until": self.until})
        return True
