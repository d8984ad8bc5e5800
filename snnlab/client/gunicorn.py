"""How gunicorn serves the lab: `gunicorn -c python:snnlab.client.gunicorn snnlab.wsgi`."""

import logging
import os
import re
from importlib import import_module


preload_app = True
worker_class = "gthread"
workers = int(os.environ.get("SNNLAB_WEB_WORKERS", "2"))
threads = 4
timeout = 30
graceful_timeout = 3
accesslog = "-"
control_socket_disable = True  # its default place is shared by all servers of a user
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None

os.environ.setdefault("SNNLAB_STATEMENT_TIMEOUT", "5")  # seconds; a page asks nothing longer

SECRET_PATH = re.compile(r"(/welcome/|/s/)[^/\s?\"']+")


def on_starting(server: object) -> None:
    """Called by gunicorn before anything is logged."""
    for name in ("gunicorn.access", "gunicorn.error"):
        logging.getLogger(name).addFilter(NoTokens().filter)


def when_ready(server: object) -> None:
    """Called by gunicorn before it forks: torch, which checks definitions, is in memory once.

    No web process computes with it, so the fork is safe.
    """
    import_module("snnlab.learning.spec")


class NoTokens:
    """Keeps the tokens of sign-in and share links out of a log."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, dict):
            record.args = {name: redacted(value) for name, value in record.args.items()}
        elif isinstance(record.args, tuple):
            record.args = tuple(redacted(value) for value in record.args)
        return True


def redacted(value: object) -> object:
    """The same value, without the secret part of an address in a text."""
    return SECRET_PATH.sub(r"\1...", value) if isinstance(value, str) else value
