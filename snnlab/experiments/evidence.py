"""The reads behind a line of a board: what was said of it, what it was made with, and snapshots."""

from collections.abc import Collection, Iterable
from typing import Any, NamedTuple

from snnlab.experiments.leaderboard import BoardRow, Wanted, standings
from snnlab.experiments.models import Judgement, Snapshot
from snnlab.experiments.sql import rows
from snnlab.experiments.statistics import Difference, compared_with_all


MOST_COMPARED = 50


def judgements(row: BoardRow) -> list[Judgement]:
    """What was said of a line, oldest first."""
    return list(Judgement.objects.filter(entry=row.id).order_by("id"))


def environments(row: BoardRow) -> list[dict[str, Any]]:
    """What each seed's run was made with: code, packages, machine, data, weights."""
    found = rows(
        """
        select distinct on (run.id) run.id as run, run.seed, run.digest, environment ->> 'torch'
            as torch, environment ->> 'device' as device, environment ->> 'processor' as processor,
          environment ->> 'threads' as threads, environment ->> 'data' as data,
          environment #>> '{snnlab,version}' as version,
          environment #>> '{snnlab,commit}' as commit, environment #>> '{snnlab,clean}' as clean,
          environment #>> '{snnlab,packages}' as packages,
          coalesce(environment ->> 'weights_sha256', (
            select weights from experiments_checkpoint where run_id = run.id and final)) as weights
        from experiments_run run
        left join experiments_attempt attempt on attempt.run_id = coalesce(run.same_as_id, run.id)
        where run.id = any(%(runs)s) order by run.id, attempt.lease_epoch desc""",
        runs=list(row.runs),
    )
    return sorted(found, key=lambda made: made["seed"])


def compared(
    teams: Collection[int], board: str, row: BoardRow
) -> list[tuple[BoardRow, Difference]]:
    """The differences to the best other lines of the same data, corrected by Holm."""
    kinds = ("measured", "reproduced", "baseline", "external")
    wanted = Wanted(board, kinds=kinds, data=row.caveat, size=MOST_COMPARED + 1)
    others = [
        other
        for other in standings(teams, wanted).rows
        if other.id != row.id and other.caveat == row.caveat and other.accuracy is not None
    ][:MOST_COMPARED]
    if row.accuracy is None:
        return []
    found = compared_with_all(by_seed(row), [by_seed(other) for other in others])
    return list(zip(others, found, strict=True))


def by_seed(row: BoardRow) -> dict[int, float]:
    """The accuracy of each seed that has one; an external row is one value."""
    found = dict(zip(row.seeds, row.scores, strict=True))
    known = {seed: score for seed, score in found.items() if score is not None}
    return known or {-1: row.accuracy or 0.0}


def snapshots(teams: Collection[int], board: str) -> list[Snapshot]:
    """A board's snapshots of these teams, newest first, without their rows."""
    found = Snapshot.objects.filter(team__in=teams, board=board).select_related("team")
    return list(found.defer("rows").order_by("-at", "-id"))


def snapshot(teams: Collection[int], board: str, pk: int) -> Snapshot:
    """Raises Snapshot.DoesNotExist, also for one of another team."""
    return Snapshot.objects.select_related("team").get(pk=pk, team__in=teams, board=board)


class Change(NamedTuple):
    """A line that differs between two snapshots; one side is missing where it was not there."""

    before: dict[str, Any] | None
    after: dict[str, Any] | None

    @property
    def row(self) -> dict[str, Any]:
        return self.after or self.before or {}

    @property
    def climbed(self) -> int | None:
        """By how many ranks it is better now."""
        ranks = [side["rank"] if side else None for side in (self.before, self.after)]
        return None if None in ranks else ranks[0] - ranks[1]


def changes(before: Iterable[dict[str, Any]], after: Iterable[dict[str, Any]]) -> list[Change]:
    """What differs, in the order of the later snapshot; what has gone stands last."""
    old = {row["key"]: row for row in before}
    new = {row["key"]: row for row in after}
    keys = [*new, *(key for key in old if key not in new)]
    return [Change(old.get(k), new.get(k)) for k in keys if old.get(k) != new.get(k)]
