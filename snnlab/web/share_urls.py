"""Addresses of a run below a link to it."""

from django.urls import path

from snnlab.web import shared_run


app_name = "shared-run"
urlpatterns = [
    path("", shared_run.page, name="page"),
    path("preview.png", shared_run.preview, name="preview"),
    path("plots/<slug:name>.<slug:form>", shared_run.plot, name="plot"),
]
