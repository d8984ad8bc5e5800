"""What stands on the boards: one row a configuration, its seeds folded in.

Nobody writes these rows by hand: `board_fold` (migration 0004) does when a run succeeds, and
`published.store` for what papers report.
"""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from snnlab.experiments.models.run import Experiment
from snnlab.teams.models import Team


def number() -> models.FloatField:
    return models.FloatField(null=True)


class Entry(models.Model):
    """A line of a leaderboard. Accuracies are test accuracies in %; null is "not known".

    `team` is null for what everybody may see; `experiment` for what was not measured here. NaN is
    null here, as in measurements. `base` names the definition whatever its task is, so that tests
    on chips find the network they were made with.
    """

    class Kind(models.TextChoices):
        MEASURED = "measured"
        REPRODUCED = "reproduced"
        BASELINE = "baseline"
        EXTERNAL = "external"
        PUBLISHED = "published"

    class Standing(models.TextChoices):
        GOOD = ""
        FLAGGED = "flagged"
        WITHDRAWN = "withdrawn"

    board = models.CharField(max_length=40)
    kind = models.CharField(max_length=10, choices=Kind)
    team = models.ForeignKey(Team, models.CASCADE, null=True, related_name="entries")
    experiment = models.ForeignKey(Experiment, models.CASCADE, null=True, related_name="entries")
    digest = models.CharField(max_length=64)
    base = models.CharField(max_length=32, db_default="")

    title = models.TextField(db_default="")
    method = models.TextField(db_default="")
    network = models.TextField(db_default="")
    neuron = models.TextField(db_default="")
    selection = models.TextField(db_default="")
    caveat = models.TextField(db_default="")
    source = models.TextField(db_default="")
    url = models.TextField(db_default="")
    time_steps = models.IntegerField(null=True)
    year = models.SmallIntegerField(null=True)
    finished_at = models.DateTimeField(null=True)

    n = models.IntegerField(db_default=0)
    missing = models.IntegerField(db_default=0)
    runs = ArrayField(models.BigIntegerField(), db_default=[])
    seeds = ArrayField(models.BigIntegerField(), db_default=[])
    scores = ArrayField(models.FloatField(null=True), db_default=[])
    best_run = models.BigIntegerField(null=True)

    accuracy = number()
    low = number()
    high = number()
    std = number()
    best = number()
    teacher = number()
    parameters = number()
    macs = number()
    acs = number()
    synops = number()
    firing_rate = number()
    energy = number()
    energy_kind = models.CharField(max_length=10, db_default="")
    latency = number()
    area = number()
    seconds = number()

    provenance = models.BooleanField(db_default=False)
    proof = models.SmallIntegerField(db_default=0)
    standing = models.CharField(max_length=10, choices=Standing, db_default="")
    added_at = models.DateTimeField(db_default=Now())
    reproduces = models.ForeignKey("self", models.SET_NULL, null=True, related_name="reproductions")

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["experiment", "digest"],
                name="entry_once",
                condition=Q(experiment__isnull=False),
            ),
            models.UniqueConstraint(
                fields=["board", "kind", "digest"],
                name="entry_from_elsewhere_once",
                condition=Q(experiment__isnull=True),
            ),
        )
        indexes = (
            models.Index(  # the order of a board: what was withdrawn stands last
                "board",
                models.ExpressionWrapper(
                    Q(standing="withdrawn"), output_field=models.BooleanField()
                ),
                F("accuracy").desc(nulls_last=True),
                "id",
                name="entry_order",
            ),
            models.Index(  # all that counts and ranks of a board need
                fields=["board"],
                include=[
                    "team",
                    "kind",
                    "standing",
                    "caveat",
                    "method",
                    "neuron",
                    "accuracy",
                    "low",
                ],
                name="entry_cover",
            ),
            models.Index(fields=["base"], name="entry_base"),
        )

    def __str__(self) -> str:
        return f"{self.title} on {self.board}"
