"""The door for who comes by an invitation, with an account or without."""

from typing import Any

from django.contrib.auth import login
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from snnlab.teams import queries
from snnlab.teams.actions_invitations import accept, make_account
from snnlab.teams.actions_members import TeamRefused


BACKEND = "django.contrib.auth.backends.ModelBackend"


@login_not_required
@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "POST"])
def invitation(request: HttpRequest, token: str) -> HttpResponse:
    """Say to what one is invited; a POST joins. A GET uses nothing up: chats open links."""
    found = queries.open_invitation(token)
    context: dict[str, Any] = {"invitation": found, "path": request.path}
    if found is not None and request.method == "POST":
        try:
            return entered(request, token)
        except ValidationError as error:
            context["problems"] = error.message_dict
            context["username"] = request.POST.get("username", "")
        except TeamRefused as error:
            context["problem"] = str(error)
    status = 410 if found is None else 422 if request.method == "POST" else 200
    page = render(request, "web/invitation.html", context, status=status)
    # Without the path, for it holds the token; "no-referrer" would hide the origin that CSRF needs.
    page.headers["Referrer-Policy"] = "strict-origin"
    return page


def entered(request: HttpRequest, token: str) -> HttpResponse:
    """Join as who is signed in, or as a new user."""
    if request.user.is_authenticated:
        return redirect("web:team", accept(token, request.user).slug)
    name, password = request.POST.get("username", ""), request.POST.get("password", "")
    user = make_account(token, name, password)
    login(request, user, BACKEND)
    return redirect("web:team", user.teams.get().slug)
