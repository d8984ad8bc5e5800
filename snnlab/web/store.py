"""The door of the lab's store, for workers that do not share its folder.

Asked with a worker's key, never with a session. A file is named by its sha256 and nothing else.
"""

import errno
import threading
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import FileResponse, HttpRequest, HttpResponse, JsonResponse, UnreadablePostError
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from snnlab.experiments import artifacts, joining, recording
from snnlab.experiments.asking import whole


AT_ONCE = 2  # uploads in a process: pages need threads, too
SILENT = 30  # seconds after which an upload is given up
RECEIVING = threading.BoundedSemaphore(AT_ONCE)
FULL = (errno.ENOSPC, errno.EDQUOT)

View = Callable[..., HttpResponse]


def with_a_key(view: View) -> View:
    """Let in whoever has a worker's key."""

    @csrf_exempt
    @login_not_required
    @never_cache
    @wraps(view)
    def asked(request: HttpRequest, **place: Any) -> HttpResponse:
        kind, _, key = request.headers.get("Authorization", "").partition(" ")
        if kind != "Bearer" or not joining.opens(key):
            answer = trouble(401, "no valid key: join again by a link of the page Workers")
            answer.headers["WWW-Authenticate"] = "Bearer"
            return answer
        return view(request, **place)

    return asked


@with_a_key
@require_safe
def door(request: HttpRequest) -> HttpResponse:
    """Whether a key opens the store, what may come in, and whether a file is there."""
    asked = request.GET.get("has", "")
    there = bool(artifacts.NAME.fullmatch(asked)) and artifacts.path_of(asked).is_file()
    return JsonResponse({"largest": largest(), "has": there})


@with_a_key
@require_http_methods(["GET", "PUT", "DELETE"])
def file(request: HttpRequest, sha256: str) -> HttpResponse:
    """A stored file: read it, bring it, or remove it if nothing names it any more."""
    if request.method == "PUT":
        return bring(request, sha256)
    if request.method == "DELETE":
        recording.discard(sha256)
        return HttpResponse(status=204)
    path = artifacts.path_of(sha256)
    if not path.is_file():
        return trouble(404, "there is no such file")
    return FileResponse(path.open("rb"), content_type="application/octet-stream")


def bring(request: HttpRequest, sha256: str) -> HttpResponse:
    """Take a file in, one of few at once; repeating it changes nothing."""
    size = whole(request.headers.get("Content-Length", ""))
    if size is None:
        return trouble(411, "Content-Length: must say how many bytes come")
    if size > largest():
        return trouble(413, f"a file has at most {largest()} bytes, got {size}")
    if not RECEIVING.acquire(blocking=False):
        answer = trouble(503, "other files are on their way: ask again")
        answer.headers["Retry-After"] = "1"
        return answer
    try:
        return received(request, sha256, int(size))
    finally:
        RECEIVING.release()


def received(request: HttpRequest, sha256: str, size: int) -> HttpResponse:
    if connection := request.META.get("gunicorn.socket"):
        connection.settimeout(SILENT)  # a machine that is gone must not keep a thread
    try:
        artifacts.receive(request.read, sha256, size)
    except (artifacts.Garbled, UnreadablePostError) as error:
        return trouble(400, f"not stored: {error}")
    except OSError as error:
        if error.errno not in FULL:
            raise
        return trouble(507, "not stored: the disk is full")
    return HttpResponse(status=201)


def largest() -> int:
    return int(settings.SNNLAB_LARGEST) * 2**20


def trouble(status: int, words: str) -> HttpResponse:
    return JsonResponse({"error": words}, status=status)
