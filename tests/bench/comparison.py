"""The comparison of `tests.bench.boards`: 50 runs with 10,000 points each, in groups of 5 seeds."""

import json
from collections.abc import Callable
from typing import Any


RUNS, POINTS = 50, 10_000
GOAL = 800  # ms of the server, page and charts together


def fill() -> None:
    """Curves of the newest runs: a metric with a number for each step."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            """
            insert into experiments_measurement (run_id, metric, step, value, flag, lease_epoch, at)
            select id, 'firing_rate', step, 100 - 90 / sqrt(step) + random(), 0, 0, now()
            from (select id from experiments_run order by id desc limit %s) run,
              generate_series(1, %s) step""",
            (RUNS, POINTS),
        )
        cursor.execute("analyze experiments_measurement")


def questions(client: Any) -> dict[str, Callable[[], Any]]:
    """The page, and its two callbacks, which a browser asks for at once."""
    from snnlab.experiments.models import Run

    newest = Run.objects.order_by("-id").values_list("id", flat=True)[:RUNS]
    search = f"?runs={','.join(map(str, newest))}&metric=firing_rate"
    curves = ["compare-curves.figure", "compare-note.children", "compare-told.children"]
    results = [f"compare-{name}.figure" for name in ("parallel", "scatter", "box")]
    asked = f"compare, {RUNS} runs x {POINTS:,} points"
    return {
        f"{asked}: page": lambda: client.get(f"/boards/compare/{search}"),
        f"{asked}: means": lambda: call(client, curves, search),
        f"{asked}: lines": lambda: call(client, curves, f"{search}&group=run"),
        f"{asked}: results": lambda: call(client, results, search),
    }


def call(client: Any, outputs: list[str], search: str) -> Any:
    body = {
        "output": f"..{'...'.join(outputs)}..",
        "outputs": [dict(zip(("id", "property"), o.split("."), strict=True)) for o in outputs],
        "inputs": [{"id": "address", "property": "search", "value": search}],
        "changedPropIds": [],
    }
    path = "/boards/_dash/_dash-update-component"
    return client.post(path, json.dumps(body), "application/json")
