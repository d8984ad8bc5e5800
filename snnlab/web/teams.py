"""The pages of teams: who is in, as what; who is invited; and the door for who comes by a link."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.exceptions import ObjectDoesNotExist
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from snnlab.teams import actions_invitations, actions_members, queries
from snnlab.teams.actions_members import RANK, Role, TeamRefused
from snnlab.web.access import allowed_or_403


@never_cache
@require_http_methods(["GET", "POST"])
def teams(request: HttpRequest) -> HttpResponse:
    """The user's teams; a POST makes one."""
    problem = name = ""
    if request.method == "POST":
        name = request.POST.get("name", "")
        try:
            return redirect("web:team", actions_members.make_team(request.user, name).slug)
        except TeamRefused as error:
            problem = str(error)
    mine = queries.memberships(request.user)
    context = {"memberships": mine, "problem": problem, "name": name}
    return render(request, "web/teams.html", context, status=422 if problem else 200)


@require_safe
@never_cache
def team(request: HttpRequest, slug: str) -> HttpResponse:
    """One team."""
    return render(request, "web/team.html", of_team(request, mine(request, slug)))


def of_team(request: HttpRequest, me: Any) -> dict[str, Any]:
    """Members for everybody; what may be changed, only for who may change it."""
    may = me.role in queries.ALLOWED["admin"]
    roles = [role for role in Role.values if RANK[role] <= RANK[me.role]]
    return {
        "team": me.team,
        "me": me,
        "may": may,
        "roles": roles,
        "members": queries.members(me.team),
        "invitations": queries.invitations(me.team) if may else [],
    }


def mine(request: HttpRequest, slug: str) -> Any:
    """What the user is in that team; a team of others does not exist."""
    try:
        return queries.membership(request.user, slug)
    except ObjectDoesNotExist as error:
        raise Http404 from error


@require_POST
def role(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Give a member another role."""
    me = mine(request, slug)
    allowed_or_403(request.user, me.team, "admin")
    wanted = request.POST.get("role", "")
    return change(request, me, lambda by, to: actions_members.change_role(by, to, pk, wanted))


@require_POST
def remove(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Take a member out of the team."""
    me = mine(request, slug)
    allowed_or_403(request.user, me.team, "admin")
    return change(request, me, lambda by, of: actions_members.remove_member(by, of, pk))


@require_POST
def leave(request: HttpRequest, slug: str) -> HttpResponse:
    """Go."""
    me = mine(request, slug)
    pk = request.user.pk
    change(request, me, lambda by, of: actions_members.remove_member(by, of, pk))
    return redirect("web:teams")


@require_POST
@never_cache
def invite(request: HttpRequest, slug: str) -> HttpResponse:
    """Make an invitation, and show its link for the only time."""
    me = mine(request, slug)
    allowed_or_403(request.user, me.team, "admin")
    made, status = {}, 200
    try:
        token = actions_invitations.invite(request.user, me.team, request.POST.get("role", ""))
        made["link"] = request.build_absolute_uri(f"/invitations/{token}/")
    except TeamRefused as error:
        made["problem"], status = str(error), 422
    return render(request, "web/team.html", of_team(request, me) | made, status=status)


@require_POST
def take_back(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Make an invitation useless."""
    me = mine(request, slug)
    allowed_or_403(request.user, me.team, "admin")
    if not actions_invitations.take_back(me.team, pk):
        raise Http404
    messages.success(request, "The invitation no longer works.")
    return redirect("web:team", slug)


def change(request: HttpRequest, me: Any, act: Callable[[Any, Any], None]) -> HttpResponse:
    """Do something to a team and go back, or tell in words why not."""
    try:
        act(request.user, me.team)
    except TeamRefused as error:
        messages.error(request, f"{error}.")
    return redirect("web:team", me.team.slug)
