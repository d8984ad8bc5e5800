"""Which part of the lab answers which address."""

from django.contrib import admin
from django.urls import include, path, re_path

from snnlab.web.outage import broken
from snnlab.web.sign_in import admin_door


handler500 = broken


urlpatterns = [
    path("admin/login/", admin_door, name="admin-door"),
    path("admin/", admin.site.urls),
    path("api/", include("snnlab.api.urls")),
    path("boards/", include("snnlab.boards.urls")),
    re_path(r"^s/r[\w-]{43}/", include("snnlab.web.share_urls")),
    re_path(r"^(?:s/[bc][\w-]{43}|gallery/\d+)/", include("snnlab.boards.share_urls")),
    path("", include("snnlab.web.urls")),
]
