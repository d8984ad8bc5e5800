"""Every write to schedules: what people ask for, and what happens when one falls due."""

import itertools
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db import transaction

from snnlab.experiments import actions_sweeps
from snnlab.experiments.actions import Refused, clean, text
from snnlab.experiments.models import Schedule, Slot
from snnlab.experiments.queries_schedules import now
from snnlab.experiments.sql import rows
from snnlab.experiments.timing import Timing
from snnlab.teams.models import Team


if TYPE_CHECKING:
    from snnlab.learning.sweep import Sweep as Definition

NEVER = "start is over, so the schedule would never run: name a moment to come"
LATE = timedelta(minutes=2)  # a slot that is later was missed: nobody was there to look
MOST = 100  # slots that one look makes up for; the next look goes on
COUNTED = 10_000  # slots that a look goes through to count those that are skipped


def create(
    *,
    team: Team,
    actor: str,
    name: str,
    timing: Timing,
    sweep: "Definition",
    missed: str = Schedule.Missed.ONCE,
    notes: str = "",
    key: str | None = None,
) -> Schedule:
    """Save a schedule, whose sweeps have these notes. Refused if it never falls due.

    The same key of the same team gives the same schedule again: a request can be repeated.
    """
    timing.checked()
    if missed not in Schedule.Missed.values:
        raise Refused(f"missed must be one of {', '.join(Schedule.Missed.values)}, got {missed!r}")
    first = timing.after(now())
    if first is None:
        raise Refused(NEVER)
    fields = {
        "actor": actor,
        "name": text("name", name, 150),
        "notes": clean("notes", notes),
        "definition": sweep.model_dump(mode="json"),
        **asdict(timing),
        "missed": missed,
        "next_at": first,
    }
    if key is None:
        return Schedule.objects.create(team=team, **fields)
    return Schedule.objects.get_or_create(team=team, key=text("key", key, 200), defaults=fields)[0]


def pause(pk: int) -> None:
    """Let a schedule rest; slots that come meanwhile are not missed, they do not count."""
    if not Schedule.objects.filter(pk=pk, paused=False).update(paused=True):
        raise Refused(f"schedule {pk} is paused already")


@transaction.atomic
def resume(pk: int) -> None:
    """Let a paused schedule go on with the next slot from now."""
    schedule = Schedule.objects.select_for_update().get(pk=pk)
    if not schedule.paused:
        raise Refused(f"schedule {pk} is not paused")
    following = schedule.timing.after(now())
    Schedule.objects.filter(pk=pk).update(paused=False, next_at=following)


def delete(pk: int) -> None:
    """Forget a schedule; the sweeps that it made stay."""
    Schedule.objects.filter(pk=pk).delete()


def fire() -> int:
    """Make the sweeps that are due by now; gives how many. Any number may look at once.

    A schedule is locked while it is looked at, and others pass it over; its slots are unique.
    """
    made = 0
    while (found := _fire_one()) is not None:
        made += found
    return made


@transaction.atomic
def _fire_one() -> int | None:
    """Look at one schedule that is due; gives how many sweeps it got, or None if there is none."""
    due = rows(
        """
        select id, clock_timestamp() as now from experiments_schedule
        where not paused and next_at <= clock_timestamp()
        order by next_at limit 1 for update skip locked"""
    )
    if not due:
        return None
    schedule = Schedule.objects.select_related("team").get(pk=due[0]["id"])
    chosen, skipped, following = choose(schedule, due[0]["now"])
    for slot in chosen:
        _make(schedule, slot)
    if skipped:
        Slot.objects.get_or_create(
            schedule=schedule, at=skipped[-1], defaults={"message": told(skipped)}
        )
    Schedule.objects.filter(pk=schedule.pk).update(next_at=following)
    return len(chosen)


Choice = tuple[list[datetime], list[datetime], datetime | None]


def choose(schedule: Schedule, moment: datetime) -> Choice:
    """The slots to run, those to skip, and the one that comes next."""
    timing, first, limit = schedule.timing, schedule.next_at, moment - LATE
    assert first is not None
    if schedule.missed == Schedule.Missed.ALL:
        due = list(itertools.islice(_between(timing, first, moment), MOST))
        return due, [], timing.after(due[-1])
    in_time = list(_between(timing, max(first, limit), moment))
    missed = [at for at in itertools.islice(_between(timing, first, limit), COUNTED) if at < limit]
    if schedule.missed == Schedule.Missed.ONCE and not in_time:
        in_time, missed = missed[-1:], missed[:-1]
    return in_time, missed, timing.after(moment)


def _between(timing: Timing, first: datetime, last: datetime) -> Iterator[datetime]:
    """The slots from one moment to another, both included."""
    just_before = first - timedelta(microseconds=1)
    return itertools.takewhile(lambda slot: slot <= last, timing.slots(just_before))


def told(skipped: list[datetime]) -> str:
    """Why there is no sweep of a slot, and how many others there are like it."""
    more = f", and {len(skipped) - 1} before it" if len(skipped) > 1 else ""
    return f"missed, and skipped{more}" + (" at least" if len(skipped) >= COUNTED - 1 else "")


def _make(schedule: Schedule, at: datetime) -> None:
    """The sweep of one slot, once, whoever comes first."""
    slot, new = Slot.objects.get_or_create(schedule=schedule, at=at)
    if not new:
        return
    slot.sweep = actions_sweeps.record(
        team=schedule.team,
        actor=schedule.actor,
        name=f"{schedule.name}, {at.astimezone(schedule.timing.clock):%Y-%m-%d %H:%M}",
        definition=schedule.definition,
        notes=schedule.notes,
        tags=["schedule"],
        key=f"schedule {schedule.pk} {at.isoformat()}",
    )
    slot.save(update_fields=["sweep"])
