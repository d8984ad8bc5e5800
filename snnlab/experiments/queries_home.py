"""What the first page tells: what ended since the last visit, how much waits, what was best."""

from datetime import datetime
from typing import Any

from django.db.models import Q

from snnlab.experiments.models import Star
from snnlab.experiments.queries_queue import MINE
from snnlab.experiments.sql import rows
from snnlab.teams.models import User


MOST_COUNTED = 1000


def ended_since(user: User, since: datetime, limit: int) -> dict[str, Any]:
    """Runs that ended after that moment: how many succeeded, failed and were cancelled, and some.

    Those that failed stand first, for they want something done; then the newest.
    """
    found = rows(
        f"""
        select run.id, run.state, run.reason, run.message, run.score, run.seed, run.finished_at,
          run.experiment_id, experiment.name as experiment, by_state
        from (
          select id, state, count(*) over (partition by state) as by_state,
            row_number() over (partition by state order by finished_at desc) as nth
          from (
            select id, state, finished_at from experiments_run run
            where run.{MINE} and finished_at > %(since)s
            order by finished_at desc limit %(most)s) newest
        ) counted
        join experiments_run run using (id)
        join experiments_experiment experiment on experiment.id = run.experiment_id
        where nth <= %(limit)s order by run.finished_at desc""",
        user=user.pk,
        since=since,
        most=MOST_COUNTED + 1,
        limit=limit,
    )
    counts = {row["state"]: row["by_state"] for row in found}
    return {
        "counts": counts,
        "more": sum(counts.values()) > MOST_COUNTED,
        "failed": [row for row in found if row["state"] == "failed"],
        "rest": [row for row in found if row["state"] != "failed"][:limit],
    }


def depths(user: User) -> list[dict[str, Any]]:
    """How many runs of the user's teams wait in each pool or are held, and the oldest of them."""
    return rows(
        f"""
        select pool, count(*) filter (where state = 'queued' and blockers = 0) as line,
          count(*) filter (where state = 'held') as held,
          count(*) filter (where state = 'queued' and blockers > 0) as blocked, min(id) as oldest
        from experiments_run run
        where run.{MINE} and state in ('held', 'queued')
        group by pool order by pool""",
        user=user.pk,
    )


def records(user: User, limit: int) -> list[dict[str, Any]]:
    """The best measured row of each board, the newest first."""
    return rows(
        f"""
        with recursive board (name) as (
          (select board from experiments_entry order by board limit 1)
          union all select (
            select board from experiments_entry where board > name order by board limit 1)
          from board where name is not null
        )
        select best.* from board cross join lateral (
          select id, board, title, accuracy, std, n, best_run, finished_at, caveat
          from experiments_entry entry
          where entry.board = board.name and kind in ('measured', 'reproduced')
            and standing <> 'withdrawn' and accuracy is not null and entry.{MINE}
          order by (standing = 'withdrawn'), accuracy desc nulls last, id limit 1) best
        where name is not null
        order by finished_at desc nulls last limit %(limit)s""",
        user=user.pk,
        limit=limit,
    )


def starred(user: User, limit: int) -> list[Star]:
    """What the user starred last and may still see: a run, an experiment or a board."""
    found = Star.objects.filter(user=user.pk).select_related("run__experiment", "experiment")
    teams = user.memberships.values("team")
    seen = ~Q(board="") | Q(run__team__in=teams) | Q(experiment__team__in=teams)
    return list(found.filter(seen).order_by("-pk")[:limit])
