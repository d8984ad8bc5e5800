"""Schedules, and the slots at which they fell due."""

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from snnlab.experiments.models.sweep import Sweep
from snnlab.experiments.timing import Timing
from snnlab.teams.models import Team


class Schedule(models.Model):
    """A sweep that is made again and again; one without a space is a plain experiment.

    `next_at` is the slot that comes next, nothing if none does. `every` counts seconds.
    """

    class Kind(models.TextChoices):
        CRON = "cron"
        EVERY = "every"
        ONCE = "once"

    class Missed(models.TextChoices):
        SKIP = "skip"
        ONCE = "once"
        ALL = "all"

    team = models.ForeignKey(Team, models.PROTECT, related_name="schedules")
    name = models.CharField(max_length=150)
    notes = models.TextField(blank=True, default="", db_default="")
    actor = models.CharField(max_length=150)
    definition = models.JSONField(encoder=DjangoJSONEncoder)
    kind = models.CharField(max_length=5, choices=Kind)
    cron = models.CharField(max_length=100, blank=True)
    zone = models.CharField(max_length=60, default="UTC")
    every = models.PositiveIntegerField(default=0)
    start = models.DateTimeField()
    missed = models.CharField(max_length=4, choices=Missed, default=Missed.ONCE)
    paused = models.BooleanField(default=False)
    next_at = models.DateTimeField(null=True)
    key = models.CharField(max_length=200, null=True)  # noqa: DJ001  unique, if given
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = (models.UniqueConstraint(fields=["team", "key"], name="schedule_key"),)
        indexes = (
            models.Index(fields=["next_at"], name="schedule_due", condition=Q(paused=False)),
        )

    def __str__(self) -> str:
        return self.name

    @property
    def timing(self) -> Timing:
        """The rule that its slots come from."""
        return Timing(self.kind, self.start, self.cron, self.zone, self.every)


class Slot(models.Model):
    """A moment at which a schedule fell due, and what came of it: a sweep, or why there is none."""

    schedule = models.ForeignKey(Schedule, models.CASCADE, related_name="slots")
    at = models.DateTimeField()
    sweep = models.OneToOneField(Sweep, models.PROTECT, null=True, related_name="slot")
    message = models.CharField(max_length=500, blank=True)
    made_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = (models.UniqueConstraint(fields=["schedule", "at"], name="slot_once"),)

    def __str__(self) -> str:
        return f"{self.at} of schedule {self.schedule_id}"
