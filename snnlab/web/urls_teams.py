"""Addresses of the first page, of teams, of what happens in them and of who is invited to them."""

from django.urls import path

from snnlab.web import home, teams
from snnlab.web.activity import activity
from snnlab.web.invitation import invitation


urlpatterns = [
    path("", home.home, name="home"),
    path("home/live", home.live, name="home-live"),
    path("activity/", activity, name="activity"),
    path("teams/", teams.teams, name="teams"),
    path("teams/<slug:slug>/", teams.team, name="team"),
    path("teams/<slug:slug>/leave", teams.leave, name="team-leave"),
    path("teams/<slug:slug>/invite", teams.invite, name="team-invite"),
    path("teams/<slug:slug>/members/<int:pk>/role", teams.role, name="team-role"),
    path("teams/<slug:slug>/members/<int:pk>/remove", teams.remove, name="team-remove"),
    path("teams/<slug:slug>/invitations/<int:pk>/revoke", teams.take_back, name="team-revoke"),
    path("invitations/<str:token>/", invitation, name="invitation"),
]
