"""Addresses of a board below a link to it."""

from django.urls import path

from snnlab.boards import download, pictures, shared


app_name = "shared-board"
urlpatterns = [
    path("", shared.page, name="page"),
    path("embed/", pictures.embed, name="embed"),
    path("preview.png", pictures.preview, name="preview"),
    path("badge.svg", pictures.badge, name="badge"),
    path("plots/<slug:name>.<slug:form>", pictures.shared_plot, name="plot"),
    path("tables/<slug:name>.<slug:form>", download.shared_table, name="table"),
    path("_dash/<path:rest>", shared.endpoint, name="dash"),
]
