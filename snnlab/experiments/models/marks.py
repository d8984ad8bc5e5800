"""What people write on work: tags, notes, stars and named searches; and what is searched by."""

from django.contrib.postgres.indexes import GinIndex
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from snnlab.experiments.models.run import Experiment, Run
from snnlab.teams.models import Team, User


class RunTag(models.Model):
    """A word on a run. It stands beside the run's row, which is frozen once the run has ended."""

    run = models.ForeignKey(Run, models.CASCADE, related_name="tag_set", db_index=False)
    tag = models.CharField(max_length=50)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["run", "tag"], name="run_tag_once"),)
        indexes = (models.Index(fields=["tag", "run"], name="runs_of_tag"),)

    def __str__(self) -> str:
        return f"{self.tag} on run {self.run_id}"


class RunNote(models.Model):
    """What people have written about a run, in Markdown."""

    run = models.OneToOneField(Run, models.CASCADE, primary_key=True, related_name="note")
    text = models.TextField()
    actor = models.CharField(max_length=150)
    at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"note on run {self.run_id}"


class Star(models.Model):
    """What one user wants to find again: a run, an experiment or a board."""

    user = models.ForeignKey(User, models.CASCADE, related_name="stars", db_index=False)
    run = models.ForeignKey(Run, models.CASCADE, null=True, related_name="stars")
    experiment = models.ForeignKey(Experiment, models.CASCADE, null=True, related_name="stars")
    board = models.CharField(max_length=40, blank=True)
    at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["user", "run", "experiment", "board"],
                name="star_once",
                nulls_distinct=False,
            ),
            models.CheckConstraint(
                name="star_of_one_thing",
                condition=Q(run__isnull=False, experiment__isnull=True, board="")
                | Q(run__isnull=True, experiment__isnull=False, board="")
                | (Q(run__isnull=True, experiment__isnull=True) & ~Q(board="")),
            ),
        )

    def __str__(self) -> str:
        return f"star of {self.user_id}"


class SavedSearch(models.Model):
    """A named view of the list of runs: of its owner alone, or of a team."""

    owner = models.ForeignKey(User, models.CASCADE, related_name="searches")
    team = models.ForeignKey(Team, models.CASCADE, null=True, related_name="searches")
    name = models.CharField(max_length=100)
    address = models.CharField(max_length=4000)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["owner", "name"], name="search_once"),)

    def __str__(self) -> str:
        return self.name


class Definition(models.Model):
    """What the runs of one digest are, once an experiment, so that it can be indexed.

    Written by the trigger `run_facts`, and never changed, as a run's definition never is.
    """

    experiment = models.ForeignKey(
        Experiment, models.CASCADE, related_name="definitions", db_index=False, db_constraint=False
    )
    digest = models.CharField(max_length=12)
    body = models.JSONField(encoder=DjangoJSONEncoder)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["experiment", "digest"], name="definition_once"),
        )
        indexes = (GinIndex(fields=["body"], name="definition_body", opclasses=["jsonb_path_ops"]),)

    def __str__(self) -> str:
        return self.digest


class Figure(models.Model):
    """The last value of one metric of one run, for the network as a whole.

    Written by the trigger `run_facts` when a run's results are.
    """

    pk = models.CompositePrimaryKey("run_id", "metric")
    run = models.ForeignKey(
        Run, models.CASCADE, related_name="figures", db_index=False, db_constraint=False
    )
    team = models.ForeignKey(
        Team, models.CASCADE, related_name="figures", db_index=False, db_constraint=False
    )
    metric = models.CharField(max_length=60)
    value = models.FloatField()

    class Meta:
        indexes = (models.Index(fields=["team", "metric", "value", "run"], name="figure_order"),)

    def __str__(self) -> str:
        return f"{self.metric} = {self.value}"
