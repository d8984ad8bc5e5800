"""Call a Dash app, which is a WSGI app, from a Django view.

By then every Dash request, callbacks too, has gone through Django's middleware: session, sign-in,
CSRF, host check, content security policy. A callback finds the Django request by
`django_request()` and takes its permissions from there, never from what the browser sent.
"""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from dash import Dash
from django.http import HttpRequest, HttpResponse


_request: ContextVar[HttpRequest] = ContextVar("django_request")
DROPPED = {"content-length", "set-cookie", "connection", "transfer-encoding", "content-type"}


def django_request() -> HttpRequest:
    """The request that is being answered. Raises LookupError outside of one."""
    return _request.get()


@contextmanager
def answering(request: HttpRequest) -> Iterator[None]:
    """Make `request` the one that `django_request()` gives."""
    token = _request.set(request)
    try:
        yield
    finally:
        _request.reset(token)


def call_dash(app: Dash, request: HttpRequest, path: str = "") -> HttpResponse:
    """Dash's answer to this request, as if it were for `path`. Flask's cookies are dropped."""
    started: dict[str, Any] = {}

    def start_response(status: str, headers: list[tuple[str, str]], *_: Any) -> None:
        started.update(status=int(status.split()[0]), headers=headers)

    with answering(request):
        chunks = app.server.wsgi_app(environ(request, path), start_response)
        body = b"".join(chunks)
    headers = {name: value for name, value in started["headers"] if name.lower() not in DROPPED}
    kind = dict(started["headers"]).get("Content-Type")
    return HttpResponse(body, status=started["status"], content_type=kind, headers=headers)


def environ(request: HttpRequest, path: str = "") -> dict[str, Any]:
    """The WSGI environment of a request whose body Django has already read."""
    kept = {key: value for key, value in request.META.items() if isinstance(key, str)}
    defaults = {"SERVER_NAME": "localhost", "SERVER_PORT": "80", "SERVER_PROTOCOL": "HTTP/1.1"}
    return {
        **defaults,
        **kept,
        "SCRIPT_NAME": "",
        "PATH_INFO": path or request.path_info,
        "CONTENT_LENGTH": str(len(request.body)),
        "wsgi.version": (1, 0),
        "wsgi.input": io.BytesIO(request.body),
        "wsgi.errors": request.META.get("wsgi.errors") or io.StringIO(),
        "wsgi.url_scheme": request.scheme,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
