"""Looks after open sweeps, in a process of its own: the search and the definitions want PyTorch.

A worker starts one when a sweep is neglected, so that there is one for a lab, more or less. Any
number may run: `sweep_steps` lets one at a time act for a sweep.
"""

import argparse
import logging
import os
import subprocess
import sys
import time
from pathlib import Path

from django.db import Error, close_old_connections, connection


ROOT = Path(__file__).parent.parent
PAUSE = 1.0  # seconds between two looks at a sweep
PATIENCE = 60.0  # seconds without an open sweep, after which the process leaves
NEGLECTED = 10.0  # seconds after which a sweep has nobody who looks after it
LATER = 60.0  # seconds until a sweep that raised an error is tried again

log = logging.getLogger(__name__)


class Sweeper:
    """The process, as the worker sees it."""

    def __init__(self) -> None:
        self.process: subprocess.Popen[bytes] | None = None

    def look(self) -> None:
        """Start it if a sweep is neglected, and it does not run."""
        from snnlab.experiments.queries_sweeps import due  # here: this file starts before Django

        if (self.process is None or self.process.poll() is not None) and due(NEGLECTED):
            command = [sys.executable, "-m", "workers.sweeper", "--parent", str(os.getpid())]
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, env=environment())

    def close(self) -> None:
        if self.process is not None:
            self.process.kill()  # each of its steps is a transaction
            self.process.wait()


def environment() -> dict[str, str]:
    """What the process is told: all that the worker knows, one thread, and no GPU."""
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    alone = {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    return {**os.environ, **alone, "PYTHONPATH": path}


def serve(parent: int) -> None:
    """Look at every open sweep again and again, until there is none or the worker is gone."""
    from snnlab.experiments.queries_sweeps import due
    from snnlab.experiments.sweep_steps import step

    last, failed = time.monotonic(), dict[int, float]()
    while os.getppid() == parent and time.monotonic() < last + PATIENCE:
        try:
            close_old_connections()
            for pk in due(PAUSE):
                if time.monotonic() < failed.get(pk, 0):
                    continue
                failed[pk] = time.monotonic() + LATER
                if step(pk):
                    last = time.monotonic()
                del failed[pk]
        except Error as error:
            log.warning("the database does not answer: %s", error)
            connection.close()
        except Exception:  # the edge of the process: one sweep must not stop the others
            log.exception("a sweep cannot go on")
        time.sleep(PAUSE)


def main() -> None:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--parent", type=int, required=True)
    parent = arguments.parse_args().parent
    import django

    from workers.trainer import die_with

    die_with(parent)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "snnlab.settings")
    os.nice(5)
    django.setup()
    serve(parent)


if __name__ == "__main__":
    main()
