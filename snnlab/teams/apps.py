from django.apps import AppConfig


class TeamsConfig(AppConfig):
    name = "snnlab.teams"
    default_auto_field = "django.db.models.BigAutoField"
