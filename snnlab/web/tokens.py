"""The page of a user's API tokens: made once, shown once, revoked at will."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from snnlab.teams import queries
from snnlab.teams.actions import TokenRefused, make_token, revoke_token


@never_cache
@require_http_methods(["GET", "POST"])
def tokens(request: HttpRequest) -> HttpResponse:
    """All tokens that work; a POST makes one and shows it, for the only time."""
    context, status = {"name": "", "made": "", "problem": ""}, 200
    if request.method == "POST":
        context["name"] = request.POST.get("name", "")
        try:
            context["made"] = make_token(request.user, context["name"])
        except TokenRefused as error:
            context["problem"], status = str(error), 422
    context["tokens"] = queries.tokens(request.user)
    return render(request, "web/tokens.html", context, status=status)


@require_POST
def revoke(request: HttpRequest, pk: int) -> HttpResponse:
    """Make one of the user's own tokens useless."""
    if not revoke_token(request.user, pk):
        raise Http404
    messages.success(request, "The token no longer works.")
    return redirect("web:tokens")
