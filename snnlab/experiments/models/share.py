"""Links that show a part of a team's work to whoever has them."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from snnlab.experiments.models.run import Run
from snnlab.experiments.models.standing import Snapshot
from snnlab.teams.models import Team


class Share(models.Model):
    """A link to one board, comparison or run: what it shows is frozen, and looked at each time.

    Only the digest of its token is kept. `query` is the address that was shared and `columns` what
    it had; `lines` are a leaderboard's as they were, `until` the moment after which nothing counts.
    """

    class Kind(models.TextChoices):
        BOARD = "board"
        COMPARE = "compare"
        RUN = "run"

    team = models.ForeignKey(Team, models.CASCADE, related_name="shares")
    kind = models.CharField(max_length=7, choices=Kind)
    title = models.CharField(max_length=200)
    slug = models.CharField(max_length=40, blank=True)
    query = models.CharField(max_length=4000, blank=True)
    run = models.ForeignKey(Run, models.CASCADE, null=True, related_name="shares")
    columns = ArrayField(models.CharField(max_length=20), default=list)
    runs = ArrayField(models.BigIntegerField(), null=True)
    seeds = models.BooleanField(default=False)
    notes = models.BooleanField(default=False)
    log = models.BooleanField(default=False)
    lines = models.JSONField(null=True)
    until = models.DateTimeField(null=True)
    snapshot = models.ForeignKey(Snapshot, models.PROTECT, null=True, related_name="shares")
    origins = ArrayField(models.CharField(max_length=200), default=list)
    public = models.BooleanField(default=False)

    token_sha256 = models.CharField(max_length=64, unique=True)
    password = models.CharField(max_length=200, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="shares"
    )
    created_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)
    hits = models.BigIntegerField(default=0)
    last_hit = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.CheckConstraint(
                name="shares_something",
                condition=Q(kind="run", run__isnull=False, slug="")
                | (Q(kind__in=["board", "compare"], run=None) & ~Q(slug="")),
            ),
            models.CheckConstraint(
                name="public_without_password", condition=Q(public=False) | Q(password="")
            ),
        )
        indexes = (models.Index(fields=["team", "-id"], name="share_list"),)

    def __str__(self) -> str:
        return self.title

    @property
    def pinned(self) -> bool:
        return self.until is not None


class ShareEvent(models.Model):
    """Something that happened to a link. Append-only: a trigger refuses changes."""

    share = models.ForeignKey(Share, models.CASCADE, related_name="events")
    kind = models.CharField(max_length=20)
    actor = models.CharField(max_length=150)
    at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"{self.kind} by {self.actor}"
