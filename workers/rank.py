"""One of the processes that train a run together, as torchrun starts it.

The first one speaks with the supervisor, whose pipes it inherits; the others only compute. All of
them die with torchrun, and torchrun with the supervisor.
"""

import argparse
import json
import os
import time
from importlib import import_module
from pathlib import Path

from workers.trainer import Leash, Trainer, die_with, settle, take_stdout


def main() -> None:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("job", type=Path)
    arguments.add_argument("--engine", default="workers.engine")
    given = arguments.parse_args()
    die_with(os.getppid())
    job, rank = json.loads(given.job.read_text()), int(os.environ["RANK"])
    silent = open(os.devnull, "wb")  # noqa: SIM115  for as long as the process lives
    out = take_stdout()
    leash = Leash(job["until"]) if rank == 0 else Leash(time.monotonic() + FOREVER)
    if rank == 0:
        leash.start()
    settle(job)
    if job["device"].startswith("cuda"):
        job["device"] = f"cuda:{rank}"
    engine = import_module(given.engine)
    engine.together(job["device"])
    Trainer(engine, job, out if rank == 0 else silent, leash).run()
    engine.apart()


FOREVER = 10 * 365 * 24 * 3600.0


if __name__ == "__main__":
    main()
