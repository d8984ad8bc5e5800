"""The boards app."""

from django.apps import AppConfig


class BoardsConfig(AppConfig):
    """Labels the Dash pages as the app `boards`."""

    name = "snnlab.boards"
    label = "boards"
