"""What the broker can ask of a worker. Every task is short: no message carries work."""

from typing import Any

from celery import shared_task
from celery.signals import worker_init, worker_shutdown, worker_shutting_down

from workers.limits import Limits
from workers.slots import Slots


running: list[Slots] = []


@shared_task(name="workers.wake")
def wake() -> None:
    """Somebody rang: every slot looks at the queue now."""
    for slots in running:
        slots.bell.ring()


@shared_task(name="workers.reap")
def reap() -> None:
    """Take runs from workers that went silent."""
    Slots.reap()


@worker_init.connect
def start(**_: Any) -> None:
    """Begin before the broker answers, because the queue does not need it."""
    from django.conf import settings

    slots = Slots(Limits.of(settings))
    slots.start()
    running.append(slots)


@worker_shutting_down.connect
def drain(**_: Any) -> None:
    """Only a flag: this runs inside a signal handler."""
    for slots in running:
        slots.drain.set()


@worker_shutdown.connect
def leave(**_: Any) -> None:
    """Wait until every run is given back."""
    for slots in running:
        slots.stop()
        slots.join()
