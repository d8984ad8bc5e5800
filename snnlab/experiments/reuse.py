"""Results that are known already: of the same definition, seed and code, in the same team."""

from collections.abc import Iterable, Sequence

from django.db.models.functions import Now

from snnlab.experiments.models import Run
from snnlab.experiments.sql import rows
from snnlab.learning.version import code
from snnlab.teams.models import Team


Known = dict[tuple[str, int], Run]


def known(team: Team, wanted: Iterable[tuple[str, int]]) -> Known:
    """The newest result of each (digest, seed) that a run with today's code would give again."""
    pairs = set(wanted)
    found = Run.objects.filter(
        team=team,
        state=Run.State.SUCCEEDED,
        code=code(),
        digest__in={digest for digest, _ in pairs},
        seed__in={seed for _, seed in pairs},
    )
    return {(r.digest, r.seed): r for r in found.order_by("id") if (r.digest, r.seed) in pairs}


def take_over(run: Run, result: Run) -> None:
    """Let a fresh run be the result of another one, instead of waiting for a worker."""
    run.state, run.same_as = Run.State.SUCCEEDED, result
    run.results, run.caveat, run.code = result.results, result.caveat, result.code
    run.message = f"the result of run {result.pk}, which had the same definition, seed and code"
    run.started_at = run.finished_at = Now()


def reused(runs: Sequence[Run], team: Team) -> list[Run]:
    """The fresh runs that became results of others: their rows are to be made, no more."""
    results = known(team, ((run.digest, run.seed) for run in runs))
    for run in runs:
        if result := results.get((run.digest, run.seed)):
            take_over(run, result)
    return [run for run in runs if run.terminal]


def copy_numbers(runs: Sequence[Run]) -> None:
    """Give the runs that were taken over the measurements and final weights of their originals."""
    if not runs:
        return
    taken = [run.pk for run in runs]
    rows(
        """
        insert into experiments_measurement (run_id, metric, step, value, flag, lease_epoch, at)
        select run.id, metric, step, value, flag, 0, at
        from experiments_run run join experiments_measurement on run_id = run.same_as_id
        where run.id = any(%(taken)s)""",
        taken=taken,
    )
    rows(
        """
        insert into experiments_checkpoint
          (run_id, step, lease_epoch, artifact_id, weights, final, at)
        select run.id, step, 0, artifact_id, weights, final, at
        from experiments_run run join experiments_checkpoint on run_id = run.same_as_id and final
        where run.id = any(%(taken)s)""",
        taken=taken,
    )
