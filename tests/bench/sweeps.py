"""How long 10,000 points take: `python -m tests.bench.sweeps`. Starts a database of its own."""

import os
import tempfile
import time
from pathlib import Path


SIDE = 100


def main() -> None:
    from django.core.management import call_command

    from snnlab.experiments import queries_sweeps
    from snnlab.experiments.sweep_steps import step
    from tests.experiments.sweeps import create

    call_command("migrate", verbosity=0)
    space = {
        "neuron.v_threshold": [1 + n / 1000 for n in range(SIDE)],
        "optimizer.lr": [(1 + n) / 1000 for n in range(SIDE)],
    }
    print("runs made  expansion [s]  page of 50 points [s]  next look [s]")
    for parallel in (1, None):
        sweep = create(space, parallel=parallel, look=False)
        seconds = [
            timed(lambda pk=sweep.pk: step(pk)),
            timed(lambda s=sweep: (queries_sweeps.points(s, limit=50), queries_sweeps.usage(s))),
            timed(lambda pk=sweep.pk: step(pk)),
        ]
        runs = queries_sweeps.usage(sweep).made
        print(f"{runs:9,}  {seconds[0]:13.2f}  {seconds[1]:21.3f}  {seconds[2]:13.3f}")


def timed(act) -> float:
    before = time.monotonic()
    act()
    return time.monotonic() - before


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as home:
        os.environ |= {"SNNLAB_HOME": home, "DJANGO_SETTINGS_MODULE": "snnlab.settings"}
        os.environ["LOG_LEVEL"] = "ERROR"
        from snnlab.embedded.postgres import Postgres

        server = Postgres(Path(home)).start()
        try:
            import django

            django.setup()
            main()
        finally:
            server.stop()
