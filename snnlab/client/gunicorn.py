"""How gunicorn serves the lab: `gunicorn -c python:snnlab.client.gunicorn snnlab.wsgi`."""

import logging
import os
from importlib import import_module

from django.conf import settings

from snnlab.client.access_log import NoPolling, NoTokens


os.environ.setdefault("DJANGO_SETTINGS_MODULE", "snnlab.settings")
os.environ.setdefault("SNNLAB_STATEMENT_TIMEOUT", "5")  # seconds; a page asks nothing longer

preload_app = True
worker_class = "gthread"
workers = settings.SNNLAB_WEB_WORKERS
threads = 4
timeout = 30
graceful_timeout = 3
accesslog = "-"
control_socket_disable = True  # its default place is shared by all servers of a user
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None


def on_starting(server: object) -> None:
    """Called by gunicorn before anything is logged."""
    logging.getLogger("gunicorn.access").addFilter(NoPolling())
    for name in ("gunicorn.access", "gunicorn.error"):
        logging.getLogger(name).addFilter(NoTokens())


def when_ready(server: object) -> None:
    """Called by gunicorn before it forks: torch, which checks definitions, is in memory once.

    No web process computes with it, so the fork is safe. Dash is made here, too, or the first
    reader of a board would wait a second for it.
    """
    for name in ("snnlab.learning.spec", "snnlab.boards.app"):
        import_module(name)
