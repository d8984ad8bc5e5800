"""Stored files, and the checkpoints in them."""

from django.db import models
from django.db.models.functions import Now

from snnlab.experiments.models.run import Run


class Artifact(models.Model):
    """A stored file, named by what is in it."""

    sha256 = models.CharField(max_length=64, primary_key=True)
    size = models.BigIntegerField()
    created_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return self.sha256[:12]


class Checkpoint(models.Model):
    """Where a run can go on from: its state after `step` epochs."""

    run = models.ForeignKey(Run, models.CASCADE, related_name="checkpoints")
    step = models.PositiveIntegerField()
    lease_epoch = models.PositiveIntegerField()
    artifact = models.ForeignKey(Artifact, models.RESTRICT, related_name="checkpoints")
    weights = models.CharField(max_length=64)
    final = models.BooleanField(default=False)
    at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = (models.UniqueConstraint(fields=["run", "step"], name="checkpoint_once"),)

    def __str__(self) -> str:
        return f"checkpoint {self.step} of run {self.run_id}"
