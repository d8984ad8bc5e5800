"""The door for machines: what a worker is told that comes with a link."""

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from snnlab.experiments import joining
from snnlab.web.queue import of_workers, only_staff


@login_not_required
@never_cache
@require_safe
def join(request: HttpRequest, token: str) -> JsonResponse:
    """The settings of a worker, for `snnlab worker`; the token is all that it needs to know."""
    told = joining.invited(token)
    if told is None:
        raise Http404
    return JsonResponse(told)


@require_POST
@never_cache
def invite(request: HttpRequest) -> HttpResponse:
    """Show the command with which another machine joins within a day."""
    only_staff(request)
    token = joining.invite(request.user.get_username())
    address = request.build_absolute_uri(f"/join/{token}/")
    context = of_workers(request) | {"command": f"snnlab worker {address}"}
    return render(request, "web/workers.html", context)
