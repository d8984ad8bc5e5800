"""The threads of a worker: each slot trains one run at a time, the janitor reaps."""

import logging
import os
import socket
import threading
import time
from dataclasses import replace

from django.db import Error, close_old_connections, connection

from snnlab.experiments import actions_queue, actions_schedules, doorbell, queue
from snnlab.experiments.store import Shut, store
from snnlab.experiments.sweeping import sweep
from snnlab.learning.version import code
from workers.bell import Bell
from workers.child import Child
from workers.devices import Devices
from workers.limits import Limits
from workers.supervisor import supervise
from workers.sweeper import Sweeper
from workers.usage import Usage


SWEPT_EVERY = 3600.0

log = logging.getLogger(__name__)


class Slots:
    """All that one worker process does, but for hearing the broker."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.name = f"{socket.gethostname()}:{os.getpid()}"
        self.bell = Bell()
        self.offer = queue.Offer(
            name=self.name, labels=limits.labels, memory=limits.memory, code=code()
        )
        self.devices = Devices(limits.slots, freed=self.bell.ring)
        self.store, self.shut_out = store(), False
        self.usage, self.sweeper = Usage(), Sweeper()
        self.drain = threading.Event()
        self.threads = [
            threading.Thread(target=self._train, args=(slot,), name=f"slot {slot}", daemon=True)
            for slot in range(limits.slots)
        ]
        self.threads.append(threading.Thread(target=self._clean, name="janitor", daemon=True))

    def start(self) -> None:
        for thread in self.threads:
            thread.start()

    def stop(self) -> None:
        """Claim nothing more, and give back what is being trained."""
        self.drain.set()
        self.bell.ring()

    def join(self) -> None:
        """Wait until every run is given back; then nobody counts on this worker any more."""
        deadline = time.monotonic() + self.limits.grace + 5
        for thread in self.threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        try:
            queue.left(self.name)
        except Error as error:
            log.warning("cannot say goodbye: %s", error)
        finally:
            connection.close()

    def _train(self, slot: int) -> None:
        """Take run after run, each in a fresh child that was started ahead of it."""
        owner = f"worker:{self.name}:{slot}"
        with self.bell.listen() as heard:
            while not self.drain.is_set():
                try:
                    self._train_one(owner, heard)
                except Exception:  # the edge of the slot: one run must not end the others
                    log.exception("slot %s", slot)
                    self.drain.wait(min(1, self.limits.poll))
                finally:
                    connection.close()

    def _train_one(self, owner: str, heard: threading.Event) -> None:
        child = Child(self.limits.engine, self.limits.threads)
        try:
            if child.ready(self.limits.start):
                self._serve(owner, child, heard)
            else:
                log.error("the trainer does not start: %s", child.log.take())
                self.drain.wait(self.limits.poll)
        finally:
            child.close()

    def _serve(self, owner: str, child: Child, heard: threading.Event) -> None:
        """Wait for a run and train it."""
        while not self.drain.is_set() and child.process.poll() is None:
            heard.clear()
            if self._can_store() and self._claim_one(owner, child):
                return
            heard.wait(self.limits.poll)

    def _claim_one(self, owner: str, child: Child) -> bool:
        """Train the next run, if there is one."""
        since = time.monotonic()
        with self.devices.taken(lambda free: self._claim(owner, free)) as taken:
            if taken is None:
                return False
            claim, places = taken
            may = self.limits.of_slots(places)
            supervise(claim, child, self.limits, self.bell, self.drain, since, may)
            return True

    def _claim(self, owner: str, free: int) -> queue.Claim | None:
        try:
            close_old_connections()
            return queue.claim(owner, self.limits.pools, replace(self.offer, devices=free))
        except Error as error:
            log.warning("the queue does not answer: %s", error)
            connection.close()
            return None

    def _can_store(self) -> bool:
        """Whether the lab's store answers; a worker that it does not let in takes nothing more."""
        try:
            return self.store.open()
        except Shut as error:
            log.error("%s", error)
            self.shut_out = True
            return False

    def _clean(self) -> None:
        swept = -SWEPT_EVERY
        while not self.drain.is_set():
            try:
                close_old_connections()
                self._show()
                self.reap()
                actions_schedules.fire()
                self.sweeper.look()
                if time.monotonic() > swept + SWEPT_EVERY:
                    swept = time.monotonic()
                    sweep()
            except (Error, OSError) as error:
                log.warning("nothing can be reaped or swept: %s", error)
                connection.close()
            except Exception:  # the edge of the janitor: without it nobody would reap any more
                log.exception("the janitor")
                connection.close()
            self.drain.wait(self.limits.reap)
        self.sweeper.close()
        connection.close()

    def _show(self) -> None:
        """Tell that this worker is there, and how busy its machine is."""
        load = self.usage.look(gpus=self.limits.device == "cuda")
        draining = queue.seen(self.offer, self.limits.pools, self.limits.slots, load)
        if self.shut_out and not draining:
            actions_queue.drain(self.name)

    @staticmethod
    def reap() -> None:
        """Give runs of silent workers to others, and tell them."""
        if moved := queue.reap():
            log.warning("silent workers: %s", moved)
            doorbell.ring()
