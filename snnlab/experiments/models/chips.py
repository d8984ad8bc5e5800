"""What chips did: the accuracy of each, as one row for each level that a run has tested."""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from snnlab.experiments.models.run import Run


class ChipTest(models.Model):
    """The chips of one run at one level of one non-ideality, in the order of their numbers.

    `passes` counts those of local learning that each chip had made by then; 0 is as it came.
    """

    run = models.ForeignKey(Run, models.CASCADE, related_name="chip_tests")
    nonideality = models.CharField(max_length=40)
    level = models.FloatField()
    passes = models.IntegerField(default=0)
    accuracies = ArrayField(models.FloatField())

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["run", "nonideality", "level", "passes"], name="chip_test_once"
            ),
        )

    def __str__(self) -> str:
        return f"{self.nonideality} {self.level:g} of run {self.run_id}"
