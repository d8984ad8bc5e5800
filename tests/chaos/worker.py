"""A real worker whose trainers are toys. A script, so that it imports nothing of the tests."""

import os
from dataclasses import replace

import django
import points

from snnlab.celery import app


django.setup()
from workers import tasks  # noqa: E402
from workers.limits import Limits  # noqa: E402


class Toys:
    @staticmethod
    def of(settings: object) -> Limits:
        return replace(Limits.of(settings), engine="toy", grace=5)


tasks.Limits = Toys
if folder := os.environ.get("CHAOS"):  # a benchmark wants no history
    points.install(folder)
app.worker_main(
    ["worker", "-P", "solo", "-l", "INFO", "--without-mingle", "--without-gossip", "-n", "toy"]
)
