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
        indexes = (
            models.Index("team", F("id").desc(), name="experiment_list"),
            models.Index(fields=["team", "created_at", "id"], name="experiment_times"),
        )

    def __str__(self) -> str:
        return self.name


class Run(models.Model):
    """One spec, one seed, one state.

    A trigger fills in `team`, the experiment's, and `place`, which orders runs of one priority: the
    number of the run, until somebody moves it. `memory` [MB] and `wall` [s] are what the run may
    use, `labels` what its worker must offer, and `blockers` how many runs it still waits for.
    `judged` is the last step at which the pruner of its sweep has looked at it.
    """

    class State(models.TextChoices):
        HELD = "held"
        QUEUED = "queued"
        RUNNING = "running"
        CANCELLING = "cancelling"
        SUCCEEDED = "succeeded"
        FAILED = "failed"
        CANCELLED = "cancelled"

    WAITING = (State.HELD, State.QUEUED)
    LIVE = (State.RUNNING, State.CANCELLING)
    TERMINAL = (State.SUCCEEDED, State.FAILED, State.CANCELLED)

    experiment = models.ForeignKey(Experiment, models.PROTECT, related_name="runs")
    definition = models.JSONField(encoder=DjangoJSONEncoder)
    digest = models.CharField(max_length=12)
    board = models.CharField(max_length=40)
    caveat = models.CharField(max_length=300, blank=True)
    seed = models.BigIntegerField()
    team = models.ForeignKey(
        Team, models.PROTECT, related_name="runs", editable=False, db_index=False
    )
    point = models.ForeignKey("Point", models.PROTECT, null=True, related_name="runs")
    judged = models.PositiveIntegerField(default=0, db_default=0)
    pool = models.CharField(max_length=20, default="cpu")
    labels = ArrayField(models.CharField(max_length=40), default=list, blank=True)
    devices = models.PositiveSmallIntegerField(default=1)
    memory = models.PositiveIntegerField(null=True)
    wall = models.PositiveIntegerField(null=True)
    priority = models.SmallIntegerField(default=0)
    place = models.FloatField(editable=False)
    blockers = models.PositiveSmallIntegerField(default=0)
    pausing = models.BooleanField(default=False)
    code = models.CharField(max_length=60, blank=True)
    same_as = models.ForeignKey(
        "self", models.PROTECT, null=True, related_name="reused_by", db_index=False
    )
    needs = models.ManyToManyField(
        "self", through="Dependency", symmetrical=False, related_name="needed_by"
    )

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
            models.UniqueConstraint(
                fields=["point", "seed"],
                name="run_of_point_once",
                condition=Q(point__isnull=False),
            ),
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
                "team",
                "pool",
                F("priority").desc(),
                "place",
                "id",
                name="run_claim",
                condition=Q(state="queued", blockers=0),
            ),
            models.Index(
                fields=["team", "devices"],
                name="run_live",
                condition=Q(state__in=["running", "cancelling"]),
            ),
            models.Index(
                fields=["team", "id"],
                name="run_aside",
                condition=Q(state="held") | Q(state="queued", blockers__gt=0),
            ),
            models.Index(
                "pool", F("finished_at").desc(), name="run_recent", condition=Q(state="succeeded")
            ),
            models.Index(
                fields=["digest", "seed"], name="run_reuse", condition=Q(state="succeeded")
            ),
            models.Index(
                fields=["lease_expires_at"],
                name="run_reap",
                condition=Q(state__in=["running", "cancelling"]),
            ),
            models.Index(
                fields=["board", "digest"], name="run_board", condition=Q(state="succeeded")
            ),
            models.Index(fields=["team", "-id"], name="run_list"),
            models.Index(
                fields=["team", "id"],
                name="run_waiting",
                condition=Q(state__in=["held", "queued"]),
            ),
            models.Index(
                fields=["team", "score", "id"],
                name="run_score",
                condition=Q(score__isnull=False),
            ),
            models.Index(
                fields=["team", "finished_at", "id"],
                name="run_ended",
                condition=Q(finished_at__isnull=False),
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
