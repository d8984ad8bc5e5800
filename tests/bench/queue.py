"""What the queue does in a second, as a table: `python -m tests.bench.queue [part ...]`.

Starts a database and a broker of its own, with the settings of production, and real workers whose
trainers are toys. Ends with 1 if an aim is missed.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median, quantiles
from typing import NamedTuple


ROOT = Path(__file__).parents[2]
CLAIMERS, RUNS = 8, 5_000
MANY = 100_000
POINTS, BATCH = 200_000, 1_000


class Row(NamedTuple):
    """One line of the table."""

    what: str
    measured: str
    aim: str
    kept: bool


def claims() -> Iterator[Row]:
    """Processes that claim at once, until nothing is left, from one team and from three."""
    from snnlab.experiments import actions_queue
    from snnlab.experiments.models import Attempt, Run
    from snnlab.teams.models import Team
    from tests.experiments.toys import Toy, submit

    for title, names, quota in (
        ("one team", ["a"], None),
        ("three teams of two weights", ["b", "c", "d"], None),
        ("one team with a quota", ["e"], RUNS),
    ):
        Attempt.objects.all().delete()
        for name in names:
            team, _ = Team.objects.get_or_create(slug=name, name=name)
            actions_queue.set_share(team, weight=1 + (name == "b"), quota=quota)
            submit(Toy(), Toy(epochs=4), Toy(epochs=5), Toy(epochs=6), Toy(epochs=7),
                   seeds=RUNS // len(names) // 5, team=team)  # fmt: skip
        taken, seconds = claimed()
        twice = taken - Attempt.objects.values("run").distinct().count()
        rate = taken / seconds
        yield Row(
            f"claims by {CLAIMERS} processes, {title}",
            f"{rate:,.0f}/s, {twice} twice",
            ">= 500/s, 0 twice",
            rate >= 500 and not twice,
        )
        finish_all(Run)


def claimed() -> tuple[int, float]:
    """How many runs the claimers took, and the time from the first claim to the last."""
    command = [sys.executable, "-P", str(ROOT / "tests" / "bench" / "claimer.py")]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    claimers = [subprocess.Popen(command, env=environment, **pipes) for _ in range(CLAIMERS)]
    for one in claimers:
        one.stdout.readline()  # it is ready
    for one in claimers:
        one.stdin.write("go\n")
        one.stdin.flush()
    told = [one.communicate()[0].split() for one in claimers]
    count = sum(int(words[0]) for words in told)
    return count, max(float(w[2]) for w in told) - min(float(w[1]) for w in told)


def finish_all(runs: type) -> None:
    runs.objects.filter(state="running").update(
        state="failed", lease_owner=None, lease_expires_at=None, finished_at="2026-01-01T00:00Z"
    )


@contextmanager
def worker(broker: str, poll: float) -> Iterator[None]:
    """A worker with one slot whose trainers are toys, until it is idle."""
    from snnlab.experiments.models import Worker
    from tests.experiments.waiting import until

    before = set(Worker.objects.values_list("name", flat=True))
    environment = {"BROKER_URL": broker, "SNNLAB_POLL": str(poll), "SNNLAB_THREADS": "1"}
    environment["PYTHONPATH"] = os.pathsep.join((str(ROOT), str(ROOT / "tests" / "chaos")))
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "tests" / "chaos" / "worker.py")],
        env=os.environ | environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        until(lambda: Worker.objects.exclude(name__in=before).exists(), 30)
        yield
    finally:
        process.terminate()
        process.wait(30)


def starts() -> Iterator[Row]:
    """From a submission to the start of its run, by an idle worker."""
    from django.conf import settings

    nowhere, poll = "redis+socket:///nowhere/valkey.sock", 2.0
    for title, broker, most, count in (
        ("with a broker", settings.CELERY_BROKER_URL, 0.3, 15),
        (f"without, polling each {poll:g} s", nowhere, poll, 8),
    ):
        with worker(broker, 60 if most < poll else poll):
            waits = [start() for _ in range(count)]
        yield Row(
            f"submit to start, {title}",
            f"median {median(waits):.3f} s, longest {max(waits):.3f} s",
            f"median <= {most:g} s",
            median(waits) <= most,
        )


def start() -> float:
    """Submit to a worker that has had the time to become idle."""
    from tests.experiments.toys import Toy, submit
    from tests.experiments.waiting import ends

    time.sleep(1)
    (run,) = submit(Toy(epochs=1, batches=1))
    run = ends(run)
    return (run.started_at - run.created_at).total_seconds()


def overhead() -> Iterator[Row]:
    """Runs that do nothing, one after another in one slot: all that the queue adds."""
    from django.conf import settings

    from tests.experiments.toys import Toy, submit
    from tests.experiments.waiting import ends

    with worker(settings.CELERY_BROKER_URL, 15):
        start()
        before, count = time.monotonic(), 40
        runs = submit(Toy(epochs=1, batches=1), seeds=count)
        for run in runs:
            ends(run, seconds=120)
        each = (time.monotonic() - before) / count
    yield Row("a run that does nothing, of a queue in one slot", f"{each:.3f} s", "", kept=True)


def ingestion() -> Iterator[Row]:
    """Measurements through what the supervisor calls, in batches as large as it sends."""
    from snnlab.experiments import queue, recording
    from tests.experiments.toys import submit

    submit()
    claim = queue.claim("worker:bench:1:0", ["cpu"])
    batches = [
        [(f"metric/{key}", step, step / 7) for key in range(10) for step in range(s, s + 100)]
        for s in range(0, POINTS // 10, 100)
    ]
    before = time.monotonic()
    for batch in batches:
        recording.record(claim, batch)
    rate = POINTS / (time.monotonic() - before)
    stored = claim_points(claim.run_id)
    yield Row(
        f"measurements, {BATCH:,} in a batch, one connection",
        f"{rate:,.0f}/s, {stored:,} of {POINTS:,} stored",
        ">= 50,000/s",
        rate >= 50_000 and stored == POINTS,
    )
    queue.release(claim)


def claim_points(run: int) -> int:
    from snnlab.experiments.models import Measurement

    return Measurement.objects.filter(run=run).count()


def expansion() -> Iterator[Row]:
    """10,000 points of a sweep become rows."""
    from snnlab.experiments.sweep_steps import step
    from tests.experiments.sweeps import create

    space = {
        "neuron.v_threshold": [1 + n / 1000 for n in range(100)],
        "optimizer.lr": [(1 + n) / 1000 for n in range(100)],
    }
    sweep = create(space, look=False)
    before = time.monotonic()
    step(sweep.pk)
    seconds = time.monotonic() - before
    yield Row("a sweep of 10,000 points expands", f"{seconds:.1f} s", "< 10 s", seconds < 10)


def page() -> Iterator[Row]:
    """The page of the queue with many runs, half of them waiting, in three teams."""
    from django.db import connection
    from django.test import Client

    from snnlab.experiments import queue
    from snnlab.experiments.queue import Offer
    from tests.web import lab

    user = lab.person("reader", "page1")
    for team in ("page1", "page2", "page3"):
        fill(lab.person(f"writer-{team}", team).teams.get(), MANY // 3)
    queue.seen(Offer(name="bench:1"), ["cpu"], 4, {})
    with connection.cursor() as cursor:
        cursor.execute("vacuum analyze")
    browser = Client(headers={"host": "localhost"})
    browser.force_login(user)
    for address in ("/queue/", "/queue/?skip=5000", "/queue/live", "/workers/"):
        browser.get(address)
        queries = counted(lambda a=address: browser.get(a))
        times = [timed(lambda a=address: browser.get(a)) for _ in range(40)]
        p95 = quantiles(times, n=20)[-1]
        yield Row(
            f"{address} with {MANY:,} runs",
            f"p95 {1000 * p95:.0f} ms, {queries} queries",
            "p95 <= 150 ms, <= 12 queries",
            p95 <= 0.15 and queries <= 12,
        )


def fill(team: object, count: int) -> None:
    """Runs of a team: every other one waits, some are held, the others have ended."""
    from snnlab.experiments.sql import rows
    from tests.experiments.toys import submit

    (first,) = submit(team=team)
    rows("alter table experiments_run disable trigger user")
    rows(
        """
        insert into experiments_run (experiment_id, team_id, definition, digest, board, caveat,
          seed, pool, labels, devices, priority, place, blockers, pausing, code, state, reason,
          message, changed_by, events_made, lease_epoch, attempts, max_attempts, progress, results,
          started_at, finished_at)
        select experiment_id, team_id, definition, digest, board, '', n, 'cpu', '{}', 1,
          n %% 5, n, 0, false, '', case when n %% 2 = 0 then 'queued' when n %% 50 = 1 then 'held'
          else 'succeeded' end, '', '', 'bench', 1, 0, 0, 3, '{}', '{}', clock_timestamp(),
          case when n %% 2 = 1 and n %% 50 <> 1 then clock_timestamp() end
        from experiments_run, generate_series(1, %(count)s) n where id = %(first)s""",
        first=first.pk,
        count=count,
    )
    rows("alter table experiments_run enable trigger user")


def counted(act: Callable[[], object]) -> int:
    """How many queries that takes."""
    from django.db import connection

    seen: list[object] = []

    def see(execute: Callable[..., object], *arguments: object) -> object:
        seen.append(arguments)
        return execute(*arguments)

    with connection.execute_wrapper(see):
        act()
    return len(seen)


def timed(act: Callable[[], object]) -> float:
    before = time.perf_counter()
    act()
    return time.perf_counter() - before


PARTS = {part.__name__: part for part in (claims, starts, overhead, ingestion, expansion, page)}


def main(names: list[str]) -> int:
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
    kept, line = True, "| {:52} | {:36} | {:28} | {:4} |"
    print(line.format("what", "measured", "aim", "kept"))
    print(line.format("---", "---", "---", "---"))
    for name in names or PARTS:
        for row in PARTS[name]():
            kept &= row.kept
            print(line.format(row.what, row.measured, row.aim, "yes" if row.kept else "NO"))
            sys.stdout.flush()
    return 0 if kept else 1


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as home:
        os.environ |= {"SNNLAB_HOME": home, "DJANGO_SETTINGS_MODULE": "snnlab.settings"}
        os.environ |= {"LOG_LEVEL": "ERROR", "SNNLAB_STATEMENT_TIMEOUT": "600"}
        from snnlab.embedded.postgres import Postgres
        from snnlab.embedded.valkey import Valkey

        servers = [Postgres(Path(home)).start(), Valkey(Path(home)).start()]
        try:
            import django

            django.setup()
            code = main(sys.argv[1:])
        finally:
            for server in reversed(servers):
                server.stop()
    sys.exit(code)
