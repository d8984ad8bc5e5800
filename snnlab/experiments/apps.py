"""The experiments app."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class ExperimentsConfig(AppConfig):
    name = "snnlab.experiments"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        import snnlab.celery  # noqa: F401  the doorbell needs the Celery app
        from snnlab.experiments.published import store

        post_migrate.connect(store, sender=self, dispatch_uid="published results")
