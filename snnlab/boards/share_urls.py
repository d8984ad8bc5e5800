"""Addresses of a board below a link to it."""

from django.urls import path

from snnlab.boards import shared


app_name = "shared-board"
urlpatterns = [
    path("", shared.page, name="page"),
    path("_dash/<path:rest>", shared.endpoint, name="dash"),
]
