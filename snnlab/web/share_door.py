"""The one door to all that is shared: whatever lies below a link goes through it, each time.

It looks the link up, asks for its password, and takes the visitor's session away: who is signed in
sees what everybody sees. Views find the link as `request.share` and narrow what they read to it.
"""

import re
from collections.abc import Callable

from django.conf import settings
from django.contrib.auth.hashers import check_password
from django.contrib.auth.models import AnonymousUser
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from snnlab.experiments import actions_shares, queries_shares
from snnlab.experiments.queries_shares import Share
from snnlab.teams.actions import COUNTED, may_try
from snnlab.web.sign_in import address_of


PLACE = re.compile(r"/(?:s/(?P<token>[^/]*)|gallery/(?P<number>\d{1,18}))(?:/|$)")
COOKIE, LASTS = "share", 12 * 3600
SEALED = {
    "X-Robots-Tag": "noindex, nofollow",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "private, no-store",
}


class ShareDoor:
    """Middleware: below it, a request has `share`, or none and nothing to do with links."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        place = PLACE.match(request.path_info)
        request.share = None
        if place is None:
            return self.get_response(request)
        request.user, request.share_root = AnonymousUser(), f"{place[0].rstrip('/')}/"
        share = found(place)
        if share is None:
            return sealed(gone(request))
        request.share = share
        answer = locked(request, share) or self.get_response(request)
        if answer.status_code == 404:
            return sealed(gone(request))
        if request.method == "GET" and answer.status_code == 200 and at_its_page(request):
            actions_shares.hit(share.pk)
        return sealed(answer)


def found(place: re.Match[str]) -> Share | None:
    """The link, if it still leads somewhere."""
    if place["number"]:
        return queries_shares.public(int(place["number"]))
    return queries_shares.opened(place["token"])


def at_its_page(request: HttpRequest) -> bool:
    """Whether this is a visit, and not one of the many questions that a page asks."""
    return request.path_info == request.share_root and "X-Part" not in request.headers


def gone(request: HttpRequest) -> HttpResponse:
    """The same words whether a link never was, has expired, or was revoked."""
    request.share = None
    return render(request, "shared/gone.html", status=404)


def sealed(answer: HttpResponse) -> HttpResponse:
    """The answer, kept by nobody, found by no search engine, and telling nobody where it was."""
    for name, value in SEALED.items():
        answer.headers[name] = value
    if not getattr(answer, "xframe_options_exempt", False):
        answer.headers.setdefault("X-Frame-Options", "DENY")
    return answer


def locked(request: HttpRequest, share: Share) -> HttpResponse | None:
    """The page that asks for the password; nothing where it is known, or not needed.

    The form needs no token against forgery: it opens what its sender knows how to open.
    """
    if not share.password or unlocked(request, share):
        return None
    if request.method != "POST" or request.path_info != request.share_root:
        return ask(request, 401)
    if not may_try(f"share {share.pk}", address_of(request)):
        answer = ask(request, 429, f"Too many tries. Wait {COUNTED.seconds // 60} minutes.")
        answer.headers["Retry-After"] = str(COUNTED.seconds)
        return answer
    if not check_password(request.POST.get("password", "")[:200], share.password):
        return ask(request, 401, "That is not the password.")
    answer = redirect(request.share_root)
    answer.set_cookie(
        COOKIE,
        signer().sign(proof(share)),
        max_age=LASTS,
        path=request.share_root,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )
    return answer


def ask(request: HttpRequest, status: int, problem: str = "") -> HttpResponse:
    request.share = None  # until then the page says nothing about it
    return render(request, "shared/password.html", {"problem": problem}, status=status)


def signer() -> signing.TimestampSigner:
    return signing.TimestampSigner(salt="snnlab.share")


def proof(share: Share) -> str:
    """What a cookie says: which link, and by which token and password it was opened."""
    return f"{share.pk}-{queries_shares.digest(share.token_sha256 + share.password)}"


def unlocked(request: HttpRequest, share: Share) -> bool:
    try:
        said = signer().unsign(request.COOKIES.get(COOKIE, ""), max_age=LASTS)
    except signing.BadSignature:
        return False
    return said == proof(share)
