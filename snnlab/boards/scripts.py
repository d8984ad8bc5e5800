"""Dash's scripts: static files that Dash serves uncompressed, so they are zipped here, once."""

import gzip
import hashlib
from typing import NamedTuple

from dash import Dash
from django.http import HttpRequest, HttpResponse, HttpResponseNotModified

from snnlab.boards.bridge import call_dash


MOST = 500  # paths kept; the installed packages have about 60


class Script(NamedTuple):
    """One served file, plain and zipped."""

    plain: bytes
    zipped: bytes
    kind: str
    cache: str
    etag: str


_cache: dict[str, Script] = {}  # the same for everybody, so it may outlive a request


def serve(app: Dash, request: HttpRequest) -> HttpResponse:
    """A script of Dash or of one of its components."""
    script = _cache.get(request.path_info)
    if script is None:
        answer = call_dash(app, request)
        if answer.status_code != 200 or len(_cache) >= MOST:
            return answer
        script = _cache[request.path_info] = zipped(answer)
    if request.headers.get("If-None-Match") == script.etag:
        return HttpResponseNotModified(headers={"ETag": script.etag})
    return respond(script, accepts_gzip="gzip" in request.headers.get("Accept-Encoding", ""))


def zipped(answer: HttpResponse) -> Script:
    """What to keep of Dash's answer. A name with a fingerprint never changes its content."""
    cache = answer.headers.get("Cache-Control", "")
    cache = f"{cache}, private, immutable" if "max-age" in cache else "no-cache"
    etag = f'W/"{hashlib.sha256(answer.content).hexdigest()[:32]}"'
    packed = gzip.compress(answer.content, 6, mtime=0)
    return Script(answer.content, packed, answer.headers["Content-Type"], cache, etag)


def respond(script: Script, *, accepts_gzip: bool) -> HttpResponse:
    """The answer to a browser that does not have it yet."""
    body = script.zipped if accepts_gzip else script.plain
    headers = {"Cache-Control": script.cache, "ETag": script.etag, "Vary": "Accept-Encoding"}
    if accepts_gzip:
        headers["Content-Encoding"] = "gzip"
    return HttpResponse(body, content_type=script.kind, headers=headers)
