"""What is said about the lines of a board, and what a board once said. Only ever added."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

from snnlab.experiments.models.board import Entry
from snnlab.experiments.models.run import Experiment
from snnlab.teams.models import Team


class Judgement(models.Model):
    """Somebody or something said this about a line of a board. A trigger refuses changes."""

    class Kind(models.TextChoices):
        PROVENANCE = "provenance"
        ASKED = "asked"
        REEVALUATED = "re-evaluated"
        RETRAINED = "retrained"
        REFUTED = "refuted"
        INCONCLUSIVE = "inconclusive"
        FLAGGED = "flagged"
        CLEARED = "cleared"
        WITHDRAWN = "withdrawn"
        BASELINE = "baseline"
        REPRODUCED = "reproduced"
        MEASURED = "measured"
        IMPORTED = "imported"

    entry = models.ForeignKey(Entry, models.CASCADE, related_name="judgements")
    kind = models.CharField(max_length=12, choices=Kind)
    actor = models.CharField(max_length=150)
    at = models.DateTimeField(db_default=Now())
    note = models.TextField(db_default="")
    runs = ArrayField(models.BigIntegerField(), db_default=[])
    detail = models.JSONField(db_default={})

    class Meta:
        indexes = (models.Index(fields=["entry", "id"], name="judgement_list"),)

    def __str__(self) -> str:
        return f"{self.kind} by {self.actor}"


class Verification(models.Model):
    """Runs that test a line again, or train it again; settled when all of them have ended."""

    class Kind(models.TextChoices):
        REEVALUATE = "re-evaluate"
        RETRAIN = "retrain"

    entry = models.ForeignKey(Entry, models.CASCADE, related_name="verifications")
    kind = models.CharField(max_length=12, choices=Kind)
    experiment = models.OneToOneField(Experiment, models.CASCADE, related_name="verification")
    runs = ArrayField(models.BigIntegerField())  # those of the line when this was asked
    settled = models.BooleanField(db_default=False)

    def __str__(self) -> str:
        return f"{self.kind} {self.entry}"


class Snapshot(models.Model):
    """A board as one team saw it, named by what it says. A trigger refuses changes."""

    team = models.ForeignKey(Team, models.CASCADE, related_name="snapshots")
    board = models.CharField(max_length=40)
    number = models.IntegerField()
    actor = models.CharField(max_length=150)
    at = models.DateTimeField(db_default=Now())
    sha256 = models.CharField(max_length=64)
    rows = models.JSONField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["team", "board", "number"], name="snapshot_once"),
        )

    def __str__(self) -> str:
        return f"{self.board}@{self.number}"
