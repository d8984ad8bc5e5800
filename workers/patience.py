"""Repeats what goes over the network, while the lease is ours."""

import logging
import random
import time
from collections.abc import Callable
from typing import TypeVar

from django.db import InterfaceError, OperationalError, connection

from snnlab.experiments.queue import LeaseLost
from snnlab.experiments.store import Shut, TooLarge, Unreachable
from workers.heart import Heart


T = TypeVar("T")

log = logging.getLogger(__name__)


class GivenUp(Exception):
    """Nothing can be stored from here: another worker may go on."""


def persist(change: Callable[[], T], heart: Heart, tick: Callable[[], None]) -> T:
    """Repeat a change until it is done, or until the lease may be another's.

    Raises GivenUp where the store does not answer for as long as a training may be silent.
    """
    claim, pause, began = heart.claim, 0.1, time.monotonic()
    while not heart.fenced:
        try:
            return change()
        except (OperationalError, InterfaceError) as error:
            log.warning("run %s: the database does not answer: %s", claim.run_id, error)
            connection.close()
        except Unreachable as error:
            log.warning("run %s: %s", claim.run_id, error)
            if time.monotonic() > began + heart.limits.stall:
                raise GivenUp(str(error)) from error
            tick()
        except TooLarge:
            raise
        except Shut as error:
            raise GivenUp(str(error)) from error
        time.sleep(random.uniform(0.5, 1) * pause)
        pause = min(2 * pause, 5)
    raise LeaseLost(claim)
