"""The door for machines: what a worker is told that comes with a link."""

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from snnlab.experiments import joining
from snnlab.web.queue import of_workers, only_staff


LONGEST_NAME = 100


@login_not_required
@never_cache
@require_safe
def join(request: HttpRequest, token: str) -> JsonResponse:
    """The settings of a worker, for `snnlab worker`; the token is all that it needs to know."""
    told = joining.invited(token)
    if told is None:
        raise Http404
    return JsonResponse(told)


@csrf_exempt  # no session is asked: the token is all
@login_not_required
@never_cache
@require_POST
def key(request: HttpRequest, token: str) -> JsonResponse:
    """A key to the lab's store, for a machine that does not share its folder; shown once."""
    machine = request.POST.get("machine", "").strip()
    if not machine.isprintable() or not 0 < len(machine) <= LONGEST_NAME:
        words = f"machine: must be 1 to {LONGEST_NAME} printable characters"
        return JsonResponse({"error": words}, status=422)
    made = joining.make_key(token, machine)
    if made is None:
        raise Http404
    return JsonResponse({"key": made}, status=201)


@require_POST
def revoke_key(request: HttpRequest, pk: int) -> HttpResponse:
    """Let a machine's key open the store no more."""
    only_staff(request)
    if not joining.revoke_key(pk):
        raise Http404
    messages.success(request, "The key no longer opens the store.")
    return redirect("web:workers")


@require_POST
@never_cache
def invite(request: HttpRequest) -> HttpResponse:
    """Show the command with which another machine joins within a day."""
    only_staff(request)
    token = joining.invite(request.user.get_username())
    address = request.build_absolute_uri(f"/join/{token}/")
    context = of_workers(request) | {"command": f"snnlab worker {address}"}
    return render(request, "web/workers.html", context)
