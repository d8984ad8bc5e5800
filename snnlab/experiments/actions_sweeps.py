"""Every write to a sweep that a person asks for. What follows from it is in sweep_steps.py."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now

from snnlab.experiments import actions
from snnlab.experiments.actions import Refused
from snnlab.experiments.doorbell import ring_on_commit
from snnlab.experiments.models import Experiment, Point, Sweep
from snnlab.experiments.queries_sweeps import best_points, plan, usage, used_up
from snnlab.experiments.sql import rows
from snnlab.teams.models import Team


if TYPE_CHECKING:
    from snnlab.learning.sweep import Sweep as Definition

FIXED = ("base", "objectives", "pruner")  # what a sweep's results would no longer mean the same by
MOST_SEEDS = 1000
OF_SWEEP = """point_id is not null
  and experiment_id = (select experiment_id from experiments_sweep where id = %(sweep)s)"""


@transaction.atomic
def create(
    *,
    team: Team,
    actor: str,
    name: str,
    sweep: "Definition",
    notes: str = "",
    tags: Iterable[str] = (),
    key: str | None = None,
) -> Sweep:
    """Note a sweep; its points and runs are made by the next look at it, `sweep_steps.step`.

    The same key of the same team gives the same sweep again: a request can be repeated.
    """
    return record(
        team=team,
        actor=actor,
        name=name,
        definition=sweep.model_dump(mode="json"),
        notes=notes,
        tags=tags,
        key=key,
    )


@transaction.atomic
def record(
    *,
    team: Team,
    actor: str,
    name: str,
    definition: dict[str, Any],
    notes: str = "",
    tags: Iterable[str] = (),
    key: str | None = None,
) -> Sweep:
    """The same for a definition that was checked before, as plain data: it needs no science."""
    experiment, made = actions.experiment(
        team=team, actor=actor, name=name, notes=notes, tags=tags, key=key
    )
    if not made:
        return _same(experiment, definition)
    ring_on_commit()
    return Sweep.objects.create(experiment=experiment, definition=definition)


@transaction.atomic
def cancel(pk: int, actor: str) -> int:
    """Stop a sweep and its runs; gives how many runs. One that has ended is refused."""
    stopped = Sweep.objects.filter(pk=pk, state=Sweep.State.OPEN).update(
        state=Sweep.State.STOPPED, message=f"stopped by {actor}"[:500], ended_at=Now()
    )
    if not stopped:
        raise Refused(f"sweep {pk} is {_state(pk)}: only open sweeps can be cancelled")
    found = _each(
        """update experiments_run set
          state = case state when 'running' then 'cancelling' else 'cancelled' end,
          finished_at = case state when 'running' then null else clock_timestamp() end,
          changed_by = %(actor)s, reason = '', message = ''""",
        "state in ('held', 'queued', 'running')",
        pk,
        actor,
    )
    ring_on_commit()
    return found


@transaction.atomic
def rerun_failed(pk: int, actor: str) -> int:
    """Queue all failed runs again, and make again what was deleted; gives how many failed.

    Lost runs are failed ones. A sweep that was done is open again.
    """
    found = _queue(pk, actor, "state = 'failed'")
    _open(pk)
    return found


@transaction.atomic
def resume(pk: int, actor: str) -> int:
    """Go on with a cancelled sweep: queue its cancelled runs again; gives how many.

    So can those of a sweep that went on by itself since, with more seeds or what had failed.
    """
    found = _queue(pk, actor, "state = 'cancelled' and reason <> 'pruned'")
    if not found and _state(pk) != Sweep.State.STOPPED:
        raise Refused(f"sweep {pk} is {_state(pk)}: only cancelled sweeps and runs can be resumed")
    _open(pk)
    return found


@transaction.atomic
def add_seeds(pk: int, *, top: int, count: int) -> list[int]:
    """Let the best points run with so many new seeds each; gives the points' numbers."""
    sweep = Sweep.objects.select_for_update().get(pk=pk)
    best = best_points(sweep, top)
    if not best:
        raise Refused(f"sweep {pk} has no finished point yet: wait for one, then add seeds")
    if over := used_up(plan(sweep), usage(sweep)):
        raise Refused(f"{over}: allow more by extending the sweep, then add seeds")
    for point in Point.objects.select_for_update().filter(pk__in=best).order_by("number"):
        first = max(point.seeds) + 1
        new = [*point.seeds, *range(first, first + count)]
        if count < 1 or len(new) > MOST_SEEDS or max(new) >= 2**31:
            raise Refused(f"a point has at most {MOST_SEEDS} seeds, got {len(new)}")
        Point.objects.filter(pk=point.pk).update(seeds=new)
    _open(pk)
    return [number for _, number in sorted(best.items(), key=lambda item: item[1])]


@transaction.atomic
def extend(pk: int, sweep: "Definition") -> Sweep:
    """Change what a sweep searches, its seeds and its budget; points that are there stay.

    Refused if it would ask another question: another base, other objectives, another pruner.
    """
    row = Sweep.objects.select_for_update().get(pk=pk)
    new, old = sweep.model_dump(mode="json"), type(sweep).parse(row.definition)
    if changed := [name for name in FIXED if getattr(sweep, name) != getattr(old, name)]:
        raise Refused(f"{changed[0]} cannot change in a sweep: clone it, and change the copy")
    Sweep.objects.filter(pk=pk).update(definition=new, version=F("version") + 1)
    _tell_values(pk, new["space"])
    added = [seed for seed in new["seeds"] if seed not in row.definition["seeds"]]
    if added:
        rows(
            """
            update experiments_point set seeds = seeds || (
              select coalesce(array_agg(s), '{}') from unnest(%(added)s::bigint[]) s
              where s <> all(seeds))
            where sweep_id = %(sweep)s""",
            sweep=pk,
            added=added,
        )
    _open(pk)
    return Sweep.objects.get(pk=pk)


def _tell_values(pk: int, fields: Iterable[str]) -> None:
    """Note what points that are there have in fields that vary only from now on."""
    for field in fields:
        rows(
            """
            update experiments_point
            set values = values || jsonb_build_object(%(field)s::text, definition #> %(path)s)
            where sweep_id = %(sweep)s and not values ? %(field)s
              and definition #> %(path)s is not null""",
            sweep=pk,
            field=field,
            path=field.split("."),
        )


def prune(run_id: int, step: int, why: str) -> bool:
    """Stop a run that is not worth its time; gives whether it was still running."""
    return bool(
        rows(
            """
            update experiments_run set state = 'cancelling', judged = %(step)s, reason = 'pruned',
              message = %(why)s, changed_by = 'pruner'
            where id = %(run)s and state = 'running' returning id""",
            run=run_id,
            step=step,
            why=why,
        )
    )


def _queue(pk: int, actor: str, which: str) -> int:
    """Queue those runs again. What they need is locked first, as `actions.retry` does."""
    rows(
        f"""
        select id from experiments_run where id in (
          select needs_id from experiments_dependency
          join experiments_run run on run_id = run.id where {OF_SWEEP} and {which})
        order by id for share""",
        sweep=pk,
    )
    return _each(
        """update experiments_run set state = 'queued', attempts = 0,
          not_before = clock_timestamp(), finished_at = null, changed_by = %(actor)s, reason = '',
          message = '', judged = 0""",
        which,
        pk,
        actor,
    )


def _each(update: str, which: str, pk: int, actor: str) -> int:
    """Change those runs of a sweep; always in one order, or two changes could wait for another."""
    found = rows(
        f"""
        {update} where id in (
          select id from experiments_run
          where {OF_SWEEP} and {which}
          order by id for update) and {which} returning id""",
        sweep=pk,
        actor=actor,
    )
    return len(found)


def _open(pk: int) -> None:
    """Let the tickers look at a sweep again."""
    Sweep.objects.filter(pk=pk).update(
        state=Sweep.State.OPEN, message="", ended_at=None, looked_at=None, asked=F("asked") + 1
    )
    ring_on_commit()


def _state(pk: int) -> str:
    return Sweep.objects.values_list("state", flat=True).get(pk=pk)


def _same(experiment: Experiment, definition: dict[str, Any]) -> Sweep:
    """The sweep of an experiment, if it asks just that."""
    sweep = Sweep.objects.filter(experiment=experiment).first()
    if sweep is None or sweep.definition != definition:
        raise Refused(
            f"key {experiment.key} belongs to another experiment ({experiment.pk}): take a new key"
        )
    return sweep
