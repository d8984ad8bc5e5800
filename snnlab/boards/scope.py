"""Whose results a request may see: said by its session or link, never by what the browser sent."""

from typing import Any

from django.http import QueryDict

from snnlab.experiments.queries import teams_of
from snnlab.experiments.queries_shares import Share, scope_of
from snnlab.experiments.scope import Scope
from snnlab.teams.queries import rights


FIXED = {  # what a link says once and for all; the rest of an address is its visitor's to change
    "robustness": ("data", "network"),
    "curves": ("data",),
    "compare": ("runs", "experiment", "sweep"),
}


def scope(request: Any) -> Scope:
    """The teams of the user who is signed in, or what a link shows of one."""
    share = link(request)
    return Scope(teams_of(request.user)) if share is None else scope_of(share)


def link(request: Any) -> Share | None:
    """The link by which a visitor came."""
    return getattr(request, "share", None)


def asked(request: Any, query: QueryDict) -> QueryDict:
    """The view that an address asks for; through a link, first the one that was shared."""
    share = link(request)
    if share is None:
        return query
    said, wish = QueryDict(share.query), (query or QueryDict(share.query)).copy()
    for name in FIXED.get(share.slug, ()):
        wish.setlist(name, said.getlist(name))
    return wish


def at(request: Any, slug: str) -> dict[str, Any]:
    """What every board's template wants to know of where it is shown."""
    share, said = link(request), request.GET.urlencode()
    query = {"asked": f"?{said}" if said else ""}
    if share is None:
        own = {"place": f"/boards/{slug}/", "frame": "base.html", "shared": None}
        return query | own | {"may": rights(request.user)}
    return query | {"place": request.share_root, "frame": "shared/base.html", "shared": share}
