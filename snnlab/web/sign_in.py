"""The doors that are open to everybody: signing in by password or by a link that works once."""

from typing import Any

from django.conf import settings
from django.contrib.auth import login
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView, redirect_to_login
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from snnlab.teams.actions import COUNTED, forget_attempts, may_try, redeem


class Credentials(AuthenticationForm):
    """A name and a password; too many tries are refused before a password is even looked at."""

    def clean(self) -> dict[str, Any]:
        if not {"username", "password"} <= self.cleaned_data.keys():
            return self.cleaned_data
        who = self.cleaned_data["username"].casefold()[:150], address_of(self.request)
        if not may_try(*who):
            wait = f"Wait {COUNTED.seconds // 60} minutes, or sign in by a link."
            raise ValidationError(f"Too many passwords were tried. {wait}", "too_many")
        cleaned = super().clean()
        forget_attempts(*who)
        return cleaned


class SignIn(LoginView):
    """Sign in by name and password."""

    template_name = "web/sign_in.html"
    authentication_form = Credentials
    redirect_authenticated_user = True

    def form_invalid(self, form: Any) -> HttpResponse:
        answer = super().form_invalid(form)
        if form.has_error("__all__", "too_many"):
            answer.status_code = 429
            answer.headers["Retry-After"] = str(COUNTED.seconds)
        return answer


def address_of(request: HttpRequest) -> str:
    """Who asks. Behind a proxy that is the last entry of a header, which the proxy added."""
    seen = request.META.get("REMOTE_ADDR", "")
    if settings.SNNLAB_BEHIND_PROXY:
        seen = request.headers.get("X-Forwarded-For", seen).rsplit(",", 1)[-1].strip()
    return seen[:45]


@login_not_required
@require_safe
def admin_door(request: HttpRequest) -> HttpResponse:
    """The administration has no door of its own, so that one place looks at passwords."""
    if request.user.is_authenticated:
        raise PermissionDenied
    return redirect_to_login(request.GET.get("next", "/admin/"))


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
