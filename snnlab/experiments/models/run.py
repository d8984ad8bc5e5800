"""What is asked, and the runs that answer it."""

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import F, Q
from django.db.models.fields.json import KT
from django.db.models.functions import Cast, Now

from snnlab.teams.models import Team


class Experiment(models.Model):
    """A question asked by a team: some specs, each with some seeds."""

    team = models.ForeignKey(Team, models.PROTECT, related_name="experiments")
    name = models.CharField(max_length=200)
    notes = models.TextField(blank=True)
    tags = ArrayField(models.CharField(max_length=50), default=list, blank=True)
    actor = models.CharField(max_length=150)
    key = models.CharField(max_length=200, null=True, blank=True)  # noqa: DJ001  unique, if given
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = (models.UniqueConstraint(fields=["team", "key"], name="submitted_once"),)
        indexes = (models.Index("team", F("id").desc(), name="experiment_list"),)

    def __str__(self) -> str:
        return self.name


class Run(models.Model):
    """One spec, one seed, one state."""

    class State(models.TextChoices):
        HELD = "held"
        QUEUED = "queued"
        RUNNING = "running"
        CANCELLING = "cancelling"
        SUCCEEDED = "succeeded"
        FAILED = "failed"
        CANCELLED = "cancelled"

    LIVE = (State.RUNNING, State.CANCELLING)
    TERMINAL = (State.SUCCEEDED, State.FAILED, State.CANCELLED)

    experiment = models.ForeignKey(Experiment, models.PROTECT, related_name="runs")
    definition = models.JSONField(encoder=DjangoJSONEncoder)
    digest = models.CharField(max_length=12)
    board = models.CharField(max_length=40)
    caveat = models.CharField(max_length=300, blank=True)
    seed = models.BigIntegerField()
    pool = models.CharField(max_length=20, default="cpu")
    priority = models.SmallIntegerField(default=0)

    state = models.CharField(max_length=10, choices=State, default=State.QUEUED)
    reason = models.CharField(max_length=20, blank=True)
    message = models.TextField(blank=True)
    changed_by = models.CharField(max_length=150)
    events_made = models.PositiveIntegerField(default=0)

    lease_epoch = models.PositiveIntegerField(default=0)
    lease_owner = models.CharField(max_length=150, null=True)  # noqa: DJ001  null = nobody's
    lease_expires_at = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    max_attempts = models.PositiveSmallIntegerField(default=3)
    not_before = models.DateTimeField(db_default=Now())

    progress = models.JSONField(default=dict)
    results = models.JSONField(default=dict)
    score = models.GeneratedField(
        expression=Cast(KT("results__test_accuracy"), models.FloatField()),
        output_field=models.FloatField(),
        db_persist=True,
    )
    created_at = models.DateTimeField(db_default=Now())
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["experiment", "digest", "seed"], name="run_once"),
            models.CheckConstraint(
                name="lease_if_live",
                condition=Q(
                    state__in=["running", "cancelling"],
                    lease_owner__isnull=False,
                    lease_expires_at__isnull=False,
                )
                | Q(
                    state__in=["held", "queued", "succeeded", "failed", "cancelled"],
                    lease_owner__isnull=True,
                    lease_expires_at__isnull=True,
                ),
            ),
            models.CheckConstraint(
                name="finished_if_terminal",
                condition=Q(
                    state__in=["succeeded", "failed", "cancelled"], finished_at__isnull=False
                )
                | Q(
                    state__in=["held", "queued", "running", "cancelling"], finished_at__isnull=True
                ),
            ),
            models.CheckConstraint(
                name="attempts_bounded", condition=Q(attempts__lte=F("max_attempts"))
            ),
        )
        indexes = (
            models.Index(
                "pool",
                F("priority").desc(),
                "id",
                name="run_claim",
                condition=Q(state="queued"),
            ),
            models.Index(
                fields=["lease_expires_at"],
                name="run_reap",
                condition=Q(state__in=["running", "cancelling"]),
            ),
            models.Index(
                fields=["board", "digest"], name="run_board", condition=Q(state="succeeded")
            ),
        )

    def __str__(self) -> str:
        return f"run {self.pk} ({self.digest}, seed {self.seed})"

    def part(self, field: str) -> str:
        """The `kind` of one part of the definition, such as part("rule")."""
        value: Any = self.definition.get(field)
        return str(value.get("kind", "")) if isinstance(value, dict) else ""

    @property
    def live(self) -> bool:
        return self.state in self.LIVE

    @property
    def terminal(self) -> bool:
        return self.state in self.TERMINAL
