"""Sweeps and the points they consist of. A run of a sweep belongs to one point of it."""

from django.contrib.postgres.fields import ArrayField
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now


class Sweep(models.Model):
    """An experiment whose runs are made as a definition says (`learning.sweep.Sweep`).

    A changed definition is a new `version`; its points are there once `expanded` has reached it.
    `asked` counts what people asked of it, so that it is not closed over that.
    """

    class State(models.TextChoices):
        OPEN = "open"
        DONE = "done"
        STOPPED = "stopped"

    experiment = models.OneToOneField("Experiment", models.PROTECT, related_name="sweep")
    definition = models.JSONField(encoder=DjangoJSONEncoder)
    version = models.PositiveIntegerField(default=1)
    asked = models.PositiveIntegerField(default=0)
    expanded = models.PositiveIntegerField(default=0)
    state = models.CharField(max_length=10, choices=State, default=State.OPEN)
    message = models.CharField(max_length=500, blank=True)
    looked_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=Now())
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.CheckConstraint(
                name="expanded_bounded", condition=Q(expanded__lte=F("version"))
            ),
            models.CheckConstraint(
                name="ended_if_not_open",
                condition=Q(state="open", ended_at__isnull=True)
                | Q(state__in=["done", "stopped"], ended_at__isnull=False),
            ),
        )
        indexes = (
            models.Index(fields=["looked_at"], name="sweep_open", condition=Q(state="open")),
        )

    def __str__(self) -> str:
        return f"sweep {self.pk}"


class Point(models.Model):
    """One combination of values, and the seeds that it is to be run with.

    `memory` is what the search wants to know again. What no spec can be made of has a `problem`.
    `needs` is the digest of what has to be trained before, empty for nothing, null if not noted.
    """

    sweep = models.ForeignKey(Sweep, models.CASCADE, related_name="points")
    number = models.PositiveIntegerField()
    values = models.JSONField(encoder=DjangoJSONEncoder)
    definition = models.JSONField(encoder=DjangoJSONEncoder, null=True)
    digest = models.CharField(max_length=12, blank=True)
    board = models.CharField(max_length=40, blank=True)
    caveat = models.CharField(max_length=300, blank=True)
    seeds = ArrayField(models.BigIntegerField())
    needs = models.CharField(max_length=12, null=True)  # noqa: DJ001  null = not noted
    memory = models.JSONField(default=dict)
    problem = models.CharField(max_length=500, blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["sweep", "number"], name="point_number"),
            models.UniqueConstraint(
                fields=["sweep", "digest"], name="point_once", condition=Q(problem="")
            ),
        )

    def __str__(self) -> str:
        return f"point {self.number} of sweep {self.sweep_id}"
