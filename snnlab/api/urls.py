"""Addresses below /api/: those of the API ask for a token, its description for nothing."""

from django.urls import path

from snnlab.api import views
from snnlab.api.docs import docs


patterns, _, namespace = views.api.urls
patterns = [pattern for pattern in patterns if pattern.name != "api-root"]
for pattern in patterns:
    pattern.callback.login_required = False  # the session is not asked: the token is
app_name = namespace
urlpatterns = [path("", docs, name="api-root"), *patterns]  # the name that ninja looks for
