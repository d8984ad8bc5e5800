"""Addresses below /boards/."""

from django.urls import path

from snnlab.boards import views


app_name = "boards"
urlpatterns = [
    path("", views.index, name="index"),
    path("_dash/<path:rest>", views.endpoint, name="dash"),
    path("<slug:slug>/", views.page, name="board"),
]
