"""Addresses of the list of runs, and of what people write on work."""

from django.urls import path

from snnlab.web import marks, runs, runs_actions


urlpatterns = [
    path("runs/", runs.runs, name="runs"),
    path("runs/act", runs_actions.act, name="runs-act"),
    path("runs/views/save", runs_actions.save, name="runs-view-save"),
    path("runs/views/<int:pk>/delete", runs_actions.delete, name="runs-view-delete"),
    path("boards/<slug:slug>/star", marks.star_board, name="board-star"),
    *(
        path(f"{kind}s/<int:pk>/{word}", view, {"kind": kind}, name=f"{kind}-{word}")
        for kind in ("run", "experiment")
        for word, view in (("star", marks.star), ("tag", marks.tag), ("note", marks.note))
    ),
]
