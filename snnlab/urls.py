"""Which part of the lab answers which address."""

from django.contrib import admin
from django.urls import include, path


urlpatterns = [
    path("admin/", admin.site.urls),
    path("boards/", include("snnlab.boards.urls")),
    path("", include("snnlab.web.urls")),
]
