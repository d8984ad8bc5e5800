"""What runs wait for, and what teams may use of the workers."""

from django.db import models
from django.db.models import F, Q

from snnlab.teams.models import Team


class Dependency(models.Model):
    """A run that waits until another one has succeeded, and fails if that one does not."""

    run = models.ForeignKey("experiments.Run", models.CASCADE, related_name="dependencies")
    needs = models.ForeignKey("experiments.Run", models.PROTECT, related_name="dependants")

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["run", "needs"], name="needed_once"),
            models.CheckConstraint(condition=Q(needs__lt=F("run")), name="needs_older"),
        )

    def __str__(self) -> str:
        return f"run {self.run_id} needs run {self.needs_id}"


class Portion(models.Model):
    """What a team gets of the workers: its weight among teams, and at most how many devices."""

    team = models.OneToOneField(Team, models.CASCADE, primary_key=True, related_name="portion")
    weight = models.PositiveSmallIntegerField(default=1)
    quota = models.PositiveSmallIntegerField(null=True)

    class Meta:
        constraints = (models.CheckConstraint(condition=Q(weight__gte=1), name="some_weight"),)

    def __str__(self) -> str:
        return f"portion of {self.team_id}: {self.weight}, at most {self.quota or 'all'}"


class QuotaSlot(models.Model):
    """One device that a team with a quota may use: free, or taken by a run.

    Rows, not a count: two claims at the same instant would both count one free device.
    """

    team = models.ForeignKey(Team, models.CASCADE, related_name="quota_slots")
    run = models.ForeignKey(
        "experiments.Run", models.SET_NULL, null=True, related_name="quota_slots"
    )

    class Meta:
        indexes = (models.Index(fields=["team"], name="quota_free", condition=Q(run=None)),)

    def __str__(self) -> str:
        return f"slot {self.pk} of team {self.team_id}"
