"""Stops the runs of a sweep that its pruner gives up."""

import math
from typing import TYPE_CHECKING, Any

from django.db.models import F

from snnlab.experiments.actions_sweeps import prune
from snnlab.experiments.models import Run, Sweep
from snnlab.experiments.sql import rows
from snnlab.learning.strategy import Never


if TYPE_CHECKING:
    from snnlab.learning.plan import Plan


def judge(sweep: Sweep, plan: "Plan") -> int:
    """Stop the runs that the pruner gives up; gives how many."""
    if isinstance(plan.pruner, Never) or not went_on(sweep, plan):
        return 0
    from snnlab.learning.pruning import verdicts

    objective, stopped = plan.objectives[0], 0
    found = verdicts(
        plan.pruner, objective.direction, objective.metric, courses(sweep, objective.metric)
    )
    for verdict in found:
        if verdict.reason:
            stopped += prune(verdict.run, verdict.step, verdict.reason)
        else:
            live = Run.objects.filter(pk=verdict.run, state=Run.State.RUNNING)
            live.update(judged=verdict.step)
    return stopped


def went_on(sweep: Sweep, plan: "Plan") -> bool:
    """Whether a run has come further than the pruner has seen."""
    return Run.objects.filter(
        experiment_id=sweep.experiment_id,
        state=Run.State.RUNNING,
        measurements__metric=plan.objectives[0].metric,
        measurements__step__gt=F("judged"),
    ).exists()


def courses(sweep: Sweep, metric: str) -> list[Any]:
    """The curve of every run of the sweep that has begun."""
    from snnlab.learning.pruning import Course

    found = rows(
        """
        select r.id, r.state, r.judged, array_agg(m.step order by m.step) as steps,
          array_agg(m.value order by m.step) as numbers
        from experiments_run r
        join experiments_measurement m on m.run_id = r.id and m.metric = %(metric)s
        where r.experiment_id = %(experiment)s and r.point_id is not null
        group by r.id order by r.id""",
        experiment=sweep.experiment_id,
        metric=metric,
    )
    return [
        Course(
            row["id"],
            {
                at: math.nan if number is None else number
                for at, number in zip(row["steps"], row["numbers"], strict=True)
            },
            row["state"] == Run.State.RUNNING,
            row["state"] == Run.State.SUCCEEDED,
            row["judged"],
        )
        for row in found
    ]
