"""The doorbell between processes. No message carries work: the row is the job."""

import os
from collections.abc import Callable
from functools import wraps
from typing import Any

from celery import Celery, bootsteps


os.environ.setdefault("DJANGO_SETTINGS_MODULE", "snnlab.settings")
# The checks of `manage.py check` would import the web pages, and torch with them, into a worker.
os.environ.setdefault("CELERY_SKIP_CHECKS", "1")


class Patience(bootsteps.Step):
    """Has a worker hang up on a broker that sends nonsense, and connect anew.

    Celery ends the process instead, whatever it is training, if a message is no JSON.
    """

    def __init__(self, consumer: Any, **kwargs: Any) -> None:
        super().__init__(consumer, **kwargs)
        consumer.loop = hanging_up(consumer.loop)


def hanging_up(listen: Callable[..., None]) -> Callable[..., None]:
    @wraps(listen)
    def patiently(*args: Any) -> None:
        try:
            listen(*args)
        except OSError:
            raise
        except Exception as error:  # whatever a message does to its reader
            raise ConnectionError(f"the broker sent what nobody can read: {error!r}") from error

    return patiently


app = Celery("snnlab")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["workers"])
app.steps["consumer"].add(Patience)
