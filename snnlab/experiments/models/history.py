"""What a run went through, and what it measured and printed."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from snnlab.experiments.models.run import Run


class Attempt(models.Model):
    """One worker's try at a run, from claim to end. Its number is the run's lease epoch then."""

    run = models.ForeignKey(Run, models.CASCADE, related_name="attempt_set")
    lease_epoch = models.PositiveIntegerField()
    worker = models.CharField(max_length=150)
    started_at = models.DateTimeField(db_default=Now())
    ended_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=20, blank=True)
    environment = models.JSONField(default=dict)
    resumed_from = models.PositiveIntegerField(null=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["run", "lease_epoch"], name="one_attempt"),)

    def __str__(self) -> str:
        return f"attempt {self.lease_epoch} of run {self.run_id}"


class Event(models.Model):
    """Something that happened to a run. Append-only: a trigger refuses changes."""

    run = models.ForeignKey(Run, models.CASCADE, related_name="events")
    seq = models.PositiveIntegerField()
    at = models.DateTimeField(db_default=Now())
    actor = models.CharField(max_length=150)
    from_state = models.CharField(max_length=10, blank=True)
    to_state = models.CharField(max_length=10)
    lease_epoch = models.PositiveIntegerField()
    reason = models.CharField(max_length=20, blank=True)
    message = models.TextField(blank=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["run", "seq"], name="event_once"),)

    def __str__(self) -> str:
        return f"run {self.run_id}: {self.from_state or 'nothing'} to {self.to_state}"


class Measurement(models.Model):
    """One number: run, metric, step, value. NaN and infinities are null with a flag.

    In PostgreSQL NaN sorts above everything, so it would win every board.
    """

    class Flag(models.IntegerChoices):
        NUMBER = 0
        NAN = 1
        INFINITE = 2
        MINUS_INFINITE = 3

    pk = models.CompositePrimaryKey("run_id", "metric", "step")
    run = models.ForeignKey(
        Run, models.CASCADE, related_name="measurements", db_index=False, db_constraint=False
    )
    metric = models.CharField(max_length=60)
    step = models.BigIntegerField()
    value = models.FloatField(null=True)
    flag = models.SmallIntegerField(choices=Flag, default=Flag.NUMBER)
    lease_epoch = models.PositiveIntegerField()
    at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = (
            models.CheckConstraint(condition=Q(step__gte=0), name="step_not_negative"),
            models.CheckConstraint(
                name="number_or_flag",
                condition=Q(flag=0, value__isnull=False)
                | Q(flag__in=[1, 2, 3], value__isnull=True),
            ),
        )

    def __str__(self) -> str:
        return f"{self.metric}[{self.step}] = {self.value}"


class LogChunk(models.Model):
    """Lines that a trainer printed, in the order of (lease_epoch, seq)."""

    run = models.ForeignKey(Run, models.CASCADE, related_name="log")
    lease_epoch = models.PositiveIntegerField()
    seq = models.PositiveIntegerField()
    text = models.TextField()
    at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["run", "lease_epoch", "seq"], name="log_once"),
        )

    def __str__(self) -> str:
        return f"log {self.seq} of run {self.run_id}"


class Usage(models.Model):
    """What a trainer used of its machine, looked at now and then.

    `cpu` and `gpu` in percent, of one core and of the run's GPUs; memory in MB.
    """

    run = models.ForeignKey(Run, models.CASCADE, related_name="usage", db_index=False)
    lease_epoch = models.PositiveIntegerField()
    seq = models.PositiveIntegerField()
    at = models.DateTimeField(db_default=Now())
    cpu = models.FloatField()
    memory = models.PositiveIntegerField()
    gpu = models.FloatField(null=True)
    gpu_memory = models.PositiveIntegerField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["run", "lease_epoch", "seq"], name="usage_once"),
        )

    def __str__(self) -> str:
        return f"usage {self.seq} of run {self.run_id}"
