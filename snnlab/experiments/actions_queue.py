"""Every change to the line of waiting runs, to the workers and to the teams' shares."""

from django.db import transaction
from django.db.models import QuerySet

from snnlab.experiments.actions import hold
from snnlab.experiments.asking import HIGHEST_PRIORITY as HIGHEST
from snnlab.experiments.asking import Refused
from snnlab.experiments.doorbell import ring_on_commit
from snnlab.experiments.models import Portion, QuotaSlot, Run, Worker
from snnlab.experiments.sql import rows
from snnlab.teams.models import Team


HEAVIEST, MOST_QUOTA = 1000, 10_000


def pause(run_id: int, actor: str) -> str:
    """Hold a run: at once if it waits; one that trains goes on to its next checkpoint first.

    Raises Run.DoesNotExist, or Refused if it has ended. `actions.unhold` lets it go on.
    """
    asked = rows(
        """
        with asked as (
          update experiments_run set pausing = true, changed_by = %(actor)s,
            events_made = events_made + 1
          where id = %(run)s and state = 'running' and not pausing
          returning id, events_made, state, lease_epoch
        ), told as (
          insert into experiments_event
            (run_id, seq, at, actor, from_state, to_state, lease_epoch, reason, message)
          select id, events_made, clock_timestamp(), %(actor)s, state, state, lease_epoch,
            'pausing', 'stops after its next checkpoint' from asked
        )
        select id from asked""",
        run=run_id,
        actor=actor,
    )
    if asked:
        ring_on_commit()
        return "pausing"
    if Run.objects.filter(pk=run_id, pausing=True).exists():
        return "pausing"
    return hold(run_id, actor)


def prioritise(run_id: int, priority: int) -> None:
    """Let a run go before all of its team's with a lower priority."""
    if not -HIGHEST <= priority <= HIGHEST:
        raise Refused(f"priority must be in -{HIGHEST}..{HIGHEST}, got {priority}")
    waiting = Run.objects.filter(pk=run_id, state__in=Run.WAITING)
    if not waiting.update(priority=priority):
        raise Refused(f"run {run_id} does not wait, so it has no priority any more")
    ring_on_commit()


@transaction.atomic
def move(run_id: int, before: int | None = None, *, last: bool = False) -> None:
    """Put a waiting run before another of its team, or first or last of all of its priority."""
    if before == run_id:
        raise Refused(f"run {run_id} cannot go before itself: name another run")
    run = Run.objects.select_for_update().filter(pk=run_id, state__in=Run.WAITING).first()
    if run is None:
        raise Refused(f"run {run_id} does not wait, so it has no place in line")
    line = Run.objects.filter(team=run.team_id, state__in=Run.WAITING).exclude(pk=run_id)
    if before is not None:
        other = line.filter(pk=before).first()
        if other is None:
            raise Refused(f"run {before} does not wait in the same team as run {run_id}")
        run.priority, place = other.priority, _between(line, other)
    else:
        edge = line.filter(priority=run.priority).order_by("-place" if last else "place").first()
        place = edge.place + (1 if last else -1) if edge else run.place
    Run.objects.filter(pk=run_id).update(place=place, priority=run.priority)


def _between(line: QuerySet[Run], other: Run) -> float:
    """A place right before another run; where none is left between two, all are spread anew."""
    for _ in range(2):
        other.refresh_from_db()
        ahead = line.filter(priority=other.priority, place__lt=other.place).order_by("-place")
        before = ahead.first()
        low = before.place if before else other.place - 2
        if low < (middle := (low + other.place) / 2) < other.place:
            return middle
        _spread(other.team_id)
    raise Refused("the line changed meanwhile: try again")


def _spread(team: int) -> None:
    """Number the places of a team's waiting runs anew, in their order."""
    rows(
        """
        update experiments_run set place = line.place from (
          select id, row_number() over (order by priority desc, place, id) as place
          from experiments_run where team_id = %(team)s and state in ('held', 'queued')) line
        where experiments_run.id = line.id and state in ('held', 'queued')""",
        team=team,
    )


@transaction.atomic
def set_share(team: Team, *, weight: int = 1, quota: int | None = None) -> None:
    """Give a team its weight among the teams, and the most devices that it may use at once.

    A smaller quota stops nothing: what runs over it goes on, and nothing new starts until then.
    """
    if not 1 <= weight <= HEAVIEST:
        raise Refused(f"weight must be in 1..{HEAVIEST}, got {weight}")
    if quota is not None and not 0 <= quota <= MOST_QUOTA:
        raise Refused(f"quota must be in 0..{MOST_QUOTA} devices, got {quota}")
    Portion.objects.update_or_create(team=team, defaults={"weight": weight, "quota": quota})
    Portion.objects.select_for_update().get(team=team)
    rows("lock table experiments_quotaslot in share row exclusive mode")
    QuotaSlot.objects.filter(team=team).delete()
    if quota is None:
        return
    used = [run for run in team.runs.filter(state__in=Run.LIVE) for _ in range(run.devices)]
    free = [None] * max(0, quota - len(used))
    QuotaSlot.objects.bulk_create(QuotaSlot(team=team, run=run) for run in [*used, *free])
    ring_on_commit()


def drain(worker: str, *, on: bool = True) -> None:
    """Let a worker finish what it has and take nothing new; or let it take runs again."""
    if not Worker.objects.filter(pk=worker).update(draining=on):
        raise Refused(f"there is no worker {worker}")
    ring_on_commit()


def trust(worker: str) -> None:
    """Let a worker out of quarantine."""
    changed = Worker.objects.filter(pk=worker).update(quarantined_at=None, faults=0, fault=None)
    if not changed:
        raise Refused(f"there is no worker {worker}")
    ring_on_commit()
