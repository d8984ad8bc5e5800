"""What the first page tells."""

from typing import Any

from snnlab.experiments import queries, queries_queue
from snnlab.learning.presets import presets


SHOWN = 8
BOARD = "mnist"


def context(user: Any) -> dict[str, Any]:
    """What runs, waits and came out lately, the best result, and whether anybody works."""
    runs = queries.runs(user)
    waiting = runs.filter(state__in=["queued", "held"]).order_by("id")
    measured = queries.Wanted(BOARD, kinds=("measured",), size=1)
    best = queries.standings(queries.teams_of(user), measured).rows
    return {
        "running": runs.filter(state__in=["running", "cancelling"])[:SHOWN],
        "waiting": waiting[:SHOWN],
        "finished": runs.filter(finished_at__isnull=False).order_by("-finished_at")[:SHOWN],
        "best": best[0] if best else None,
        "workers": [one for one in queries_queue.workers(user) if one["alive"]],
        "presets": presets().values(),
    }
