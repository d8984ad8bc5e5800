"""Every read of schedules."""

from datetime import datetime

from django.db.models import Prefetch, QuerySet

from snnlab.experiments.models import Schedule, Slot
from snnlab.experiments.sql import rows
from snnlab.experiments.timing import Timing
from snnlab.teams.models import User


SHOWN = 5


def schedules(user: User) -> QuerySet[Schedule]:
    """Newest first, each with its team."""
    found = Schedule.objects.filter(team__memberships__user=user.pk)
    return found.select_related("team").order_by("-id")


def with_last_slots(user: User) -> QuerySet[Schedule]:
    """The same, each with its newest slots as `last_slots`, in two queries."""
    newest = Slot.objects.select_related("sweep__experiment").order_by("-at")
    return schedules(user).prefetch_related(
        Prefetch("slots", queryset=newest[:SHOWN], to_attr="last_slots")
    )


def schedule(user: User, pk: int) -> Schedule:
    """Raises Schedule.DoesNotExist, also for one of another team."""
    return schedules(user).get(pk=pk)


def rule(schedule: Schedule) -> str:
    """When it falls due, in words."""
    if schedule.kind == Schedule.Kind.CRON:
        return f"{schedule.cron} ({schedule.zone})"
    return f"every {schedule.every / 60:g} min" if schedule.every else "once"


def upcoming(timing: Timing, count: int = SHOWN) -> list[datetime]:
    """The next times from now on. Raises Refused for a rule that gives none."""
    return timing.checked().upcoming(now(), count)


def now() -> datetime:
    """The database's clock."""
    found: datetime = rows("select clock_timestamp() as now")[0]["now"]
    return found
