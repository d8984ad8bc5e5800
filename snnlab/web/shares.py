"""The page of a team's links: made once, shown once, taken back at will."""

from dataclasses import replace
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from snnlab.experiments import actions_shares, queries, queries_shares
from snnlab.experiments.actions import Refused
from snnlab.experiments.actions_shares import DAYS, Wish
from snnlab.experiments.asking import whole
from snnlab.experiments.queries_shares import Share
from snnlab.experiments.shared_lines import COLUMNS
from snnlab.teams import queries as people
from snnlab.teams.models import Team
from snnlab.web.access import or_404, writer_or_403


PAGE = 50


@never_cache
@require_http_methods(["GET", "POST"])
def shares(request: HttpRequest) -> HttpResponse:
    """All links of the user's teams; a POST makes one and shows it, for the only time."""
    if request.method == "POST":
        return made(request)
    return listed(request)


def listed(request: HttpRequest, **more: Any) -> HttpResponse:
    """The list, with what came of a POST above it."""
    pages = Paginator(queries_shares.of_team(request.user), PAGE)
    context = {
        "page": pages.get_page(request.GET.get("page")),
        "writes": {team.pk for team in people.teams_of(request.user, "write")},
        "admins": {team.pk for team in people.teams_of(request.user, "admin")},
    }
    return render(request, "shared/list.html", context | more)


def made(request: HttpRequest) -> HttpResponse:
    """Make the link that a form asks for, or show the form again with what is wrong."""
    team, wish = team_of(request), wished(request)
    try:
        share, token = actions_shares.create(team, request.user, wish)
    except Refused as error:
        context = form_context(request, wish) | {"problem": f"{error}."}
        return render(request, "shared/new.html", context, status=422)
    return listed(request, made=place(request, token), share=share)


def place(request: HttpRequest, token: str) -> str:
    return request.build_absolute_uri(f"/s/{token}/")


def team_of(request: HttpRequest) -> Team:
    """The team that a form names, or the user's only one."""
    teams = list(people.teams_of(request.user))
    slug = request.POST.get("team") or (teams[0].slug if len(teams) == 1 else "")
    team = next((team for team in teams if team.slug == slug), None)
    if team is None:
        raise Http404
    writer_or_403(request.user, team)
    return team


def wished(request: HttpRequest) -> Wish:
    """What a form asks for."""
    said = request.POST
    return Wish(
        kind=said.get("kind", ""),
        slug=said.get("slug", ""),
        query=said.get("query", "").removeprefix("?"),
        run=whole(said.get("run", "")),
        title=said.get("title", ""),
        columns=tuple(filter(None, said.getlist("columns"))) if "columns" in said else None,
        seeds="seeds" in said,
        notes="notes" in said,
        log="log" in said,
        pinned="pinned" in said,
        days=whole(said.get("days", f"{DAYS}")) or 0,
        password=said.get("password", ""),
        origins=tuple(said.get("origins", "").split()),
    )


def form_context(request: HttpRequest, wish: Wish) -> dict[str, Any]:
    """What the form shows of a wish; a password is typed again."""
    return {
        "wish": replace(wish, password=""),
        "columns": [(name, name.replace("_", " "), name in wish.columns) for name in COLUMNS]
        if wish.columns is not None
        else [],
        "teams": people.teams_of(request.user, "write"),
        "team": request.POST.get("team", ""),
        "origins": "\n".join(wish.origins),
        "problem": "",
    }


@require_safe
def share_run(request: HttpRequest, pk: int) -> HttpResponse:
    """The form that shares a run."""
    run = or_404(queries.run, request.user, pk)
    writer_or_403(request.user, run.experiment.team)
    wish = Wish("run", run=run.pk, title=f"{run.experiment.name}, seed {run.seed}"[:200])
    teams = [run.experiment.team]
    return render(request, "shared/new.html", form_context(request, wish) | {"teams": teams})


@require_POST
def revoke(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a link back."""
    share = mine(request, pk, "write")
    if actions_shares.revoke(share.pk, request.user.get_username()):
        messages.success(request, f"The link to {share} leads nowhere any more.")
    return redirect("web:shares")


@require_POST
@never_cache
def reissue(request: HttpRequest, pk: int) -> HttpResponse:
    """A new address for the same link; the old one leads nowhere."""
    share = mine(request, pk, "write")
    try:
        token = actions_shares.reissue(share.pk, request.user)
    except Refused as error:
        messages.error(request, f"{error}.")
        return redirect("web:shares")
    return listed(request, made=place(request, token), share=share)


@require_POST
def publish(request: HttpRequest, pk: int) -> HttpResponse:
    """Put a board into the gallery, or take it out."""
    share = mine(request, pk, "admin")
    try:
        actions_shares.publish(
            share.pk, request.user.get_username(), on=request.POST.get("on") == "1"
        )
    except Refused as error:
        messages.error(request, f"{error}.")
    return redirect("web:shares")


def mine(request: HttpRequest, pk: int, what: str) -> Share:
    """A link of one of the user's teams, in which the user may do that."""
    share = queries_shares.of_team(request.user).filter(pk=pk).first()
    if share is None:
        raise Http404
    if not people.may(request.user, share.team, what):
        raise PermissionDenied
    return share


@login_not_required
@never_cache
@require_safe
def gallery(request: HttpRequest) -> HttpResponse:
    """The boards that teams have made public."""
    pages = Paginator(queries_shares.gallery(), PAGE)
    page = pages.get_page(request.GET.get("page"))
    return render(request, "shared/gallery.html", {"page": page})
