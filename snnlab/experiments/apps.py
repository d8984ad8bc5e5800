from django.apps import AppConfig


class ExperimentsConfig(AppConfig):
    name = "snnlab.experiments"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        import snnlab.celery  # noqa: F401  the doorbell needs the Celery app
