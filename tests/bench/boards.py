"""How fast the boards are with 100,000 runs: `python -m tests.bench.boards [--runs 100000]`.

Makes a database of its own, fills it, and asks pages and charts through Django's client, as a
browser would but for the network: median, 95th percentile, queries and bytes of each. Goals: a
leaderboard's 95th percentile at most 100 ms, its first view with 1,000 rows at most 500 kB; page
and charts of a comparison of 50 runs with 10,000 points each at most 800 ms together.
"""

import argparse
import json
import os
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from tests.bench import comparison


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--runs", type=int, default=100_000)
    arguments.add_argument("--repeat", type=int, default=40)
    arguments.add_argument("--home", help="folder to keep the filled database in, and to reuse")
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = given.home or folder
        os.environ |= {"SNNLAB_HOME": home, "DJANGO_SETTINGS_MODULE": "snnlab.settings"}
        from django.conf import settings

        from snnlab.embedded.postgres import Postgres

        settings.STORAGES["staticfiles"] = {
            "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        }
        server = Postgres(settings.SNNLAB_HOME).start()
        try:
            measure(given.runs, given.repeat)
        finally:
            server.stop()


def measure(runs: int, repeat: int) -> None:
    """Fill the database, then ask."""
    import django

    django.setup()
    from django.core.management import call_command

    from snnlab.experiments.models import Measurement, Run

    call_command("migrate", verbosity=0)
    started = time.perf_counter()
    entries = 0 if Run.objects.exists() else fill(runs)
    if not Measurement.objects.exists():
        comparison.fill()
    print(
        f"{runs:,} runs, {entries:,} rows of boards, made in {time.perf_counter() - started:.0f} s"
    )
    print(f"{'':64} {'median':>8} {'p95':>8} {'queries':>8} {'kB':>7}")
    for name, ask in questions().items():
        report(name, ask, repeat)


def fill(runs: int) -> int:
    """Runs in threes, half of them on MNIST; the rows of the boards are folded as ever."""
    from django.db import connection

    from snnlab.experiments.models import Entry, Experiment, Run
    from snnlab.teams.actions import ensure_first_team

    user, team = ensure_first_team()
    with connection.cursor() as cursor:
        cursor.execute(
            "set statement_timeout = 0; alter table experiments_run disable trigger user"
        )
        asked = Experiment.objects.bulk_create(
            Experiment(team=team, name=f"question {i}", actor=user.username)
            for i in range(runs // SEEDS // CONFIGURATIONS + 1)
        )
        for first in range(0, runs, 5000):
            some = range(first, min(first + 5000, runs))
            Run.objects.bulk_create(finished(Run, i, asked, team) for i in some)
        cursor.execute("alter table experiments_run enable trigger user")
        cursor.execute(
            """
            select board_fold(experiment_id, digest) from (
              select distinct experiment_id, digest from experiments_run) known"""
        )
        cursor.execute(FACTS)
        cursor.execute("vacuum analyze")
    return Entry.objects.filter(kind="measured").count()


# What the triggers, which are off while it is filled, would have written for searches; and tags.
FACTS = """
insert into experiments_definition (experiment_id, digest, body)
  select distinct on (experiment_id, digest) experiment_id, digest, definition from experiments_run;
insert into experiments_figure (run_id, team_id, metric, value)
  select run.id, team_id, key, (value #>> '{}')::float8
  from experiments_run run, jsonb_each(results);
insert into experiments_runtag (run_id, tag)
  select id, case id % 2 when 0 then 'even' else 'paper' end from experiments_run
  where id % 7 < 2"""
SEEDS, CONFIGURATIONS = 3, 20
BOARDS = ("mnist", "mnist", "cifar-10", "cifar-100")
RULES = ("bptt", "ltl-offline", "conversion", "stdp")
NETWORKS, NEURONS = ("mlp", "convnet", "vgg"), ("if", "lif", "plif")


def finished(run: Any, i: int, asked: list[Any], team: Any) -> Any:
    """Run number i: its definition says what the boards read of one."""
    config, seed = divmod(i, SEEDS)
    drawn = random.Random(i)
    definition = {
        "rule": {"kind": RULES[config % 4]},
        "network": {"kind": NETWORKS[config % 3]},
        "neuron": {"kind": NEURONS[config % 3]},
        "time_steps": 1 + config % 32,
        "epochs": 10,
        "selection": "last-epoch",
        "task": {"kind": "train"},
        "number": config,
    }
    results = {
        "test_accuracy": drawn.uniform(90, 99),
        "energy": 10 ** drawn.uniform(1, 5),
        "parameters": round(10 ** drawn.uniform(4, 6)),
        "macs": drawn.uniform(0, 1e5),
        "acs": drawn.uniform(0, 1e6),
        "synops": drawn.uniform(0, 1e6),
        "firing_rate": drawn.uniform(0, 0.25),
    }
    return run(
        experiment=asked[config // CONFIGURATIONS],
        team=team,
        definition=definition,
        digest=f"{config:012x}",
        board=BOARDS[config // 4 % 4],
        seed=seed,
        state="succeeded",
        changed_by="bench",
        results=results,
        place=i,
        events_made=1,
        finished_at=datetime.now(UTC) - timedelta(hours=config),
    )


def questions() -> dict[str, Callable[[], Any]]:
    """What people ask of a board, each through the middleware of the site."""
    from django.test import Client

    from snnlab.teams.actions import ensure_first_team

    client = Client(HTTP_HOST="localhost", HTTP_ACCEPT_ENCODING="gzip")
    client.force_login(ensure_first_team()[0])
    part = {"X-Part": "standings"}

    def get(path: str, **headers: str) -> Callable[[], Any]:
        return lambda: client.get(path, headers=headers)

    return {
        "leaderboard, first page": get("/boards/mnist/"),
        "leaderboard, turned: sorted by energy": get("/boards/mnist/?sort=energy", **part),
        "leaderboard, turned: page 100": get("/boards/mnist/?page=100", **part),
        "leaderboard, filtered by words and T": get(
            "/boards/mnist/?q=question+77+lif&t_min=4&t_max=16", **part
        ),
        "leaderboard, all seeds unfolded": get("/boards/mnist/?open=all", **part),
        "charts of the leaderboard (a callback)": lambda: client.post(
            "/boards/_dash/_dash-update-component", json.dumps(charts()), "application/json"
        ),
        "robustness board": get("/boards/robustness/"),
        "list of boards": get("/boards/"),
        **{f"runs: {text or 'all'}": get(f"/runs/?{urlencode({'q': text})}") for text in RUNS},
        "home": get("/"),
        "activity": get("/activity/"),
        "runs: sorted by accuracy": get("/runs/?sort=-accuracy"),
        "runs: sorted by energy, page 2": get("/runs/?sort=energy&after=1000"),
        **comparison.questions(client),
    }


RUNS = (
    "",
    'rule.kind = "ltl-offline" and accuracy > 0.985 and tag = paper',
    "accuracy > 0.9999",
    "energy < 10.001",
    "network.kind = vgg and time_steps > 30",
    "definition.number = 4711",
    "tag = paper and not tag = even",
    "question 77",
    "state = failed",
)


def charts() -> dict[str, Any]:
    ids = [f"mnist-{name}" for name in ("trade.figure", "record.figure", "front.children")]
    return {
        "output": f"..{'...'.join(ids)}..",
        "outputs": [dict(zip(("id", "property"), i.split("."), strict=True)) for i in ids],
        "inputs": [{"id": "address", "property": "search", "value": ""}],
        "changedPropIds": [],
    }


def report(name: str, ask: Callable[[], Any], repeat: int) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    ask()
    times = []
    for _ in range(repeat):
        started = time.perf_counter()
        answer = ask()
        times.append(1000 * (time.perf_counter() - started))
    assert answer.status_code == 200, (name, answer.status_code, answer.content[:200])
    with CaptureQueriesContext(connection) as asked:
        ask()
    p95 = statistics.quantiles(times, n=20)[-1]
    size = len(answer.content) / 1000
    print(f"{name:64} {statistics.median(times):8.1f} {p95:8.1f} {len(asked):8} {size:7.1f}")


if __name__ == "__main__":
    main()
