"""Who trains."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now


class Worker(models.Model):
    """A worker process and when it last looked for work."""

    name = models.CharField(max_length=150, primary_key=True)
    pools = ArrayField(models.CharField(max_length=20))
    slots = models.PositiveSmallIntegerField()
    seen_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return self.name
