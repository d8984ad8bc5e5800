from django.contrib import admin
from django.http import HttpRequest

from snnlab.experiments.models import Experiment, Run, Schedule, Sweep, Worker


class ReadOnly(admin.ModelAdmin):
    """A look at the rows: what happened to a run is never edited by hand."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


@admin.register(Experiment)
class ExperimentAdmin(ReadOnly):
    list_display = ("id", "name", "team", "created_at")


@admin.register(Run)
class RunAdmin(ReadOnly):
    list_display = ("id", "experiment", "digest", "seed", "state", "attempts")
    list_filter = ("state",)
    list_select_related = ("experiment",)


@admin.register(Worker)
class WorkerAdmin(ReadOnly):
    list_display = ("name", "pools", "slots", "seen_at")


@admin.register(Sweep)
class SweepAdmin(ReadOnly):
    list_display = ("id", "experiment", "state", "version", "expanded", "looked_at")
    list_filter = ("state",)
    list_select_related = ("experiment",)


@admin.register(Schedule)
class ScheduleAdmin(ReadOnly):
    list_display = ("id", "name", "team", "kind", "missed", "paused", "next_at")
    list_select_related = ("team",)
