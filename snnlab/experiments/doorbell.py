"""The doorbell: tells workers to look at the queue.

Losing a ring costs one poll of theirs, doubling it costs nothing.
"""

import logging

from celery import current_app
from django.db import transaction


WAKE = "workers.wake"
QUEUE = "doorbell"
PATIENCE = {
    "socket_connect_timeout": 1,
    "socket_timeout": 1,
    "connect_timeout": 1,
    "read_timeout": 1,
    "write_timeout": 1,
    "max_retries": 0,
    "interval_start": 0,
    "interval_step": 0,
    "interval_max": 0,
}

log = logging.getLogger(__name__)


def ring_on_commit() -> None:
    """Ring once the current transaction is in the database."""
    transaction.on_commit(ring, robust=True)


def ring() -> None:
    """Ring now, waiting a second at most. A broken bell is only logged, because workers poll."""
    try:
        options = {**current_app.conf.broker_transport_options, **PATIENCE}
        with current_app.connection_for_write(transport_options=options) as connection:
            current_app.send_task(
                WAKE,
                queue=QUEUE,
                connection=connection,
                retry=False,
                ignore_result=True,
                expires=60,
            )
    except Exception as error:  # whatever the broker does, the run is queued
        log.warning("the doorbell is broken, workers will poll: %s", error)
