"""The web app: templates, static files and views."""

from django.apps import AppConfig


class WebConfig(AppConfig):
    """Labels the site's pages as the app `web`."""

    name = "snnlab.web"
    label = "web"
