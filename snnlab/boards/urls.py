"""Addresses below /boards/."""

from django.urls import path

from snnlab.boards import download, entry, pictures, share_form, snapshots, views


app_name = "boards"
urlpatterns = [
    path("", views.index, name="index"),
    path("_dash/<path:rest>", views.endpoint, name="dash"),
    path("<slug:slug>/", views.page, name="board"),
    path("<slug:slug>/plots/<slug:name>.<slug:form>", pictures.plot, name="plot"),
    path("tables/schema.json", download.schema, name="schema"),
    path("<slug:slug>/tables/<slug:name>.<slug:form>", download.table, name="table"),
    path("<slug:slug>/share/", share_form.form, name="share"),
    path("<slug:slug>/rows/<int:pk>/", entry.entry, name="entry"),
    path("<slug:slug>/snapshots/", snapshots.index, name="snapshots"),
    path("<slug:slug>/snapshots/<int:pk>/", snapshots.snapshot, name="snapshot"),
]
