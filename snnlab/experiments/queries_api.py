"""Reads in pages that are found again by the last thing seen: nothing is skipped or shown twice."""

from typing import TypeVar

from django.db.models import Model, Q, QuerySet

from snnlab.experiments.models import Event, Measurement


M = TypeVar("M", bound=Model)


def older(found: QuerySet[M], before: int | None, limit: int) -> list[M]:
    """At most so many, newest first, that came before the one with that number."""
    if before is not None:
        found = found.filter(pk__lt=before)
    return list(found.order_by("-pk")[:limit])


def measurements(
    run_id: int, metric: str, after: tuple[str, int] | None, limit: int
) -> list[Measurement]:
    """Numbers of a run by metric and step, after that one; of one metric, if it is named."""
    found = Measurement.objects.filter(run=run_id)
    if metric:
        found = found.filter(metric=metric)
    if after is not None:
        name, step = after
        found = found.filter(Q(metric__gt=name) | Q(metric=name, step__gt=step))
    return list(found.order_by("metric", "step")[:limit])


def events(run_id: int, after: int, limit: int) -> list[Event]:
    """What happened to a run after that event, oldest first."""
    return list(Event.objects.filter(run=run_id, seq__gt=after).order_by("seq")[:limit])
