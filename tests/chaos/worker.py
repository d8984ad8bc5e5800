"""A real worker process whose trainers are toys. A script, so that it imports nothing of the tests.

Usage: worker.py STALL ENGINE, with Django's settings in the environment.
"""

import sys
from dataclasses import replace

import django

from snnlab.celery import app


django.setup()
from workers import tasks  # noqa: E402
from workers.limits import Limits  # noqa: E402


class Toys:
    @staticmethod
    def of(settings: object) -> Limits:
        stall, engine = sys.argv[1:]
        return replace(Limits.of(settings), engine=engine, stall=float(stall), grace=5)


tasks.Limits = Toys
app.worker_main(
    ["worker", "-P", "solo", "-l", "INFO", "--without-mingle", "--without-gossip", "-n", "toy"]
)
