"""Who trains."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now


class Worker(models.Model):
    """A worker process: what it offers, when it last looked for work, and whether it may.

    `faults` counts the runs in a row that ended here by no fault of theirs, `fault` is the last.
    """

    name = models.CharField(max_length=150, primary_key=True)
    pools = ArrayField(models.CharField(max_length=20))
    slots = models.PositiveSmallIntegerField()
    labels = ArrayField(models.CharField(max_length=40), default=list)
    memory = models.PositiveIntegerField(null=True)
    code = models.CharField(max_length=60, blank=True)
    load = models.JSONField(default=dict)
    started_at = models.DateTimeField(db_default=Now())
    seen_at = models.DateTimeField(db_default=Now())
    draining = models.BooleanField(default=False)
    quarantined_at = models.DateTimeField(null=True)
    faults = models.PositiveSmallIntegerField(default=0)
    fault = models.ForeignKey("experiments.Run", models.SET_NULL, null=True, related_name="faulted")

    def __str__(self) -> str:
        return self.name


class WorkerKey(models.Model):
    """What opens the lab's store to a machine that joined. Only its digest is kept."""

    key_sha256 = models.CharField(max_length=64, unique=True)
    machine = models.CharField(max_length=100)
    actor = models.CharField(max_length=150)
    created_at = models.DateTimeField(db_default=Now())
    used_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"key of {self.machine}"


class JoinLink(models.Model):
    """A link by which machines may become workers for a day. Only its digest is kept."""

    token_sha256 = models.CharField(max_length=64, unique=True)
    actor = models.CharField(max_length=150)
    created_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"link to join, made by {self.actor}"
