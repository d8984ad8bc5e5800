"""The doorbell between processes. No message carries work: the row is the job."""

import os

from celery import Celery


os.environ.setdefault("DJANGO_SETTINGS_MODULE", "snnlab.settings")
# The checks of `manage.py check` would import the web pages, and torch with them, into a worker.
os.environ.setdefault("CELERY_SKIP_CHECKS", "1")

app = Celery("snnlab")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["workers"])
