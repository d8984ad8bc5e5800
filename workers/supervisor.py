"""Sees one run through: the only one that writes about it, and only while the lease is ours.

This process never imports torch. It may be killed at any moment: then the kernel ends the trainer,
the lease runs out, and another worker goes on from the last recorded checkpoint.
"""

import errno
import logging
import shutil
import signal
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from django.conf import settings

from snnlab.experiments import queue, recording
from snnlab.experiments.queue import Claim, LeaseLost
from snnlab.experiments.store import TooLarge, store
from workers.beginning import Beginning
from workers.bell import Bell
from workers.child import Child
from workers.heart import Heart
from workers.limits import Limits
from workers.patience import GivenUp, persist
from workers.protocol import Message
from workers.usage import Gauge, resident


TICK = 0.2
LOG_EVERY = 1.0
FENCED = -signal.SIGALRM
KILLED = (-signal.SIGKILL, 137)

T = TypeVar("T")

log = logging.getLogger(__name__)


class Supervisor:
    """One attempt at one run, from its claim to its end."""

    def __init__(
        self,
        claim: Claim,
        child: Child,
        limits: Limits,
        heart: Heart,
        drain: threading.Event,
        may: dict[str, list[int]],
    ) -> None:
        self.claim, self.child, self.limits = claim, child, limits
        self.heart, self.drain, self.may = heart, drain, may
        self.wall = min(limits.wall, claim.wall or limits.wall)
        self.scratch = scratch(claim)
        self.store = store()
        self.beginning = Beginning(None, None, ())
        self.final = False
        self.started = self.sign = self.logged = time.monotonic()
        self.asked: float | None = None
        self.chunks = 0
        self.gauge = Gauge(child.process.pid, limits.heartbeat, limits.watched(may))

    def run(self) -> str:
        """Train until the attempt has ended; gives the state that the run is in then."""
        try:
            self.fetch()
            self.send_job()
            return self.train()
        except GivenUp as why:
            log.error("run %s is given back: %s", self.claim.run_id, why)
            self.child.close()
            return self.give_back()

    def fetch(self) -> None:
        """Have the files that the attempt begins with, however long that takes."""
        self.beginning = Beginning.of(self.claim, self.copy)
        self.final = bool(self.beginning.resume and self.beginning.resume.final)
        self.started = self.sign = time.monotonic()

    def copy(self, sha256: str) -> Path | None:
        """A sound copy of a stored file, as it was when it was stored; None if there is none."""
        return self.write(lambda: self.store.fetch(sha256, self.scratch, self.tick))

    def tick(self) -> None:
        """Look up from a long transfer. A cancelled run needs no file; one given back, few."""
        now = time.monotonic()
        self.sign = now
        if self.heart.fenced:
            raise LeaseLost(self.claim)
        if self.drain.is_set():
            self.stop()
        if self.heart.cancelling or (self.asked and now > self.asked + self.limits.grace):
            raise GivenUp("it was asked to stop while a file was on its way")

    def train(self) -> str:
        while True:
            message = self.child.next(TICK)
            if self.heart.fenced:
                raise LeaseLost(self.claim)
            if message and (state := self.take(message)):
                return state
            if state := self.watch():
                return state

    def send_job(self) -> None:
        self.child.send(
            {
                "kind": "job",
                "definition": self.claim.definition,
                "seed": self.claim.seed,
                "threads": self.limits.threads,
                "device": self.limits.device,
                "processes": self.claim.devices,
                "given": self.beginning.given,
                "scratch": str(self.scratch),
                "resume": self.beginning.path,
                "until": self.heart.until,
                **self.may,
            }
        )

    def take(self, message: Message) -> str | None:
        """Do what a message asks for; gives the run's new state if that ends the attempt."""
        self.sign = time.monotonic()
        kind = message["kind"]
        if kind == "step":
            self.heart.progress = message["progress"]
        elif kind == "started":
            self.begin(message["environment"])
        elif kind == "checkpoint":
            return self.checkpoint(message)
        else:
            return self.end(message)
        return None

    def begin(self, environment: dict[str, Any]) -> None:
        resume = self.beginning.resume
        self.write(
            lambda: recording.begin(
                self.claim,
                environment,
                resume.step if resume else 0,
                restarted=bool(self.claim.checkpoints) and not resume,
            )
        )

    def checkpoint(self, message: Message) -> str | None:
        step, final = message["step"], message["final"]
        fresh = recording.Fresh(
            step=step,
            path=message["path"],
            sha256=message["sha256"],
            size=message["size"],
            weights=message["weights"],
            final=final,
            data=message["data"],
            caveat=message["caveat"],
        )
        points = [(metric, step, value) for metric, value in message["metrics"].items()]
        try:
            self.record(points, fresh)
        except TooLarge as error:
            return self.fail("config", f"checkpoint {step} {error}: see SNNLAB_LARGEST")
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            return self.fail("disk_full", f"checkpoint {step} cannot be stored: {error}")
        Path(fresh.path).unlink(missing_ok=True)  # a copy of what is in the store now
        self.final = self.final or final
        if self.heart.pausing and not final:
            self.stop()
        return None

    def stop(self) -> None:
        """Ask the trainer to stop; it has the time of `grace` for that."""
        if not self.asked:
            self.asked = time.monotonic()
            self.child.send({"kind": "stop"})

    def end(self, message: Message) -> str:
        """Record the last lines of the log, then how the attempt ended."""
        kind = message["kind"]
        code = self.child.close()
        self.record()
        if kind == "failed":
            return self.fail(message["reason"], message["message"])
        if kind == "done" and self.final:
            return self.write(lambda: queue.finish(self.claim))
        if kind == "stopped" or self.asked:
            return self.give_back()
        if code == FENCED:
            raise LeaseLost(self.claim)
        what = "ended before its last checkpoint" if kind == "done" else f"died with code {code}"
        return self.write(
            lambda: queue.crash(self.claim, f"the trainer {what}", killed=code in KILLED)
        )

    def give_back(self) -> str:
        """A cancelled run ends, a paused one is held, any other goes back into the queue."""
        return self.write(lambda: queue.release(self.claim))

    def watch(self) -> str | None:
        """Ask the trainer to stop if it should; end one that hangs."""
        now = time.monotonic()
        if now > self.logged + LOG_EVERY:
            self.logged = now
            self.record()
            if over := self.over_memory():
                return over
        if self.gauge.due and (seen := self.gauge.look()):
            self.write(partial(recording.note_usage, self.claim, *seen))
        if self.heart.cancelling or self.drain.is_set():
            self.stop()
        if self.asked and now > self.asked + self.limits.grace:
            self.child.kill()
        if now > self.sign + self.limits.stall:
            return self.hang(f"the trainer was silent for {self.limits.stall:g} s")
        if now > self.started + self.wall:
            return self.hang(f"a run may take {self.wall:g} s")
        return None

    def over_memory(self) -> str | None:
        """End a trainer that uses more than its run may."""
        most = self.claim.memory
        if most is None or (used := resident(self.child.process.pid)) <= most:
            return None
        return self.hang(f"the run used {used} MB of memory, and may use {most} MB", "oom")

    def hang(self, message: str, reason: str = "timeout") -> str:
        self.child.close()
        self.record()
        return self.fail(reason, message)

    def fail(self, reason: str, message: str) -> str:
        return self.write(lambda: queue.fail(self.claim, reason, message))

    def record(
        self,
        points: list[tuple[str, int, float]] | None = None,
        fresh: recording.Fresh | None = None,
    ) -> None:
        """Write what came since the last time, all or nothing."""
        text, points = self.child.log.take(), points or []
        if text or points or fresh:
            self.chunks += 1
            self.write(partial(self.store_all, points, fresh, text, self.chunks))

    def store_all(
        self,
        points: list[tuple[str, int, float]],
        fresh: recording.Fresh | None,
        text: str,
        seq: int,
    ) -> None:
        """The file first, which may take long, then in one transaction all that names it."""
        if fresh:
            self.store.send(Path(fresh.path), fresh.sha256, self.tick)
        recording.record(self.claim, points, fresh, text, seq)

    def write(self, change: Callable[[], T]) -> T:
        return persist(change, self.heart, self.tick)


def supervise(
    claim: Claim,
    child: Child,
    limits: Limits,
    bell: Bell,
    drain: threading.Event,
    since: float,
    may: dict[str, list[int]],
) -> None:
    """Train a claimed run; whatever happens, the child is gone afterwards.

    `since` is the monotonic time from before the claim was sent, `may` what the run may use.
    """
    log.info("run %s: attempt %s", claim.run_id, claim.lease_epoch)
    folder = scratch(claim)
    try:
        with Heart(claim, child, limits, bell, since) as heart:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            state = Supervisor(claim, child, limits, heart, drain, may).run()
        log.info("run %s: %s", claim.run_id, state)
    except LeaseLost as lost:
        log.warning("%s: stopped", lost)
    finally:
        child.close()
        shutil.rmtree(folder, ignore_errors=True)


def scratch(claim: Claim) -> Path:
    """The folder of one attempt: another attempt can never write into it."""
    return Path(settings.SNNLAB_HOME) / "scratch" / f"{claim.run_id}-{claim.lease_epoch}"
