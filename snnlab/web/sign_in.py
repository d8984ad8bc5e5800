"""The doors that are open to everybody: signing in by password or by a link that works once."""

from django.contrib.auth import login
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from snnlab.teams.actions import redeem


class SignIn(LoginView):
    """Sign in by name and password."""

    template_name = "web/sign_in.html"
    redirect_authenticated_user = True


@login_not_required
@never_cache
@require_http_methods(["GET", "POST"])
def welcome(request: HttpRequest, token: str) -> HttpResponse:
    """Sign in by a link that works once.

    A GET uses nothing up: mail programs and chats open links to show what is behind them.
    """
    user = redeem(token) if request.method == "POST" else None
    if user is not None:
        login(request, user, "django.contrib.auth.backends.ModelBackend")
        return redirect("web:home")
    refused = request.method == "POST"
    page = render(request, "web/welcome.html", {"refused": refused}, status=410 if refused else 200)
    # Without the path, for it holds the token; "no-referrer" would hide the origin that CSRF needs.
    page.headers["Referrer-Policy"] = "strict-origin"
    return page
