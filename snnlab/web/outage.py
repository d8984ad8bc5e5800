"""What is said when something broke: that the database is away, or that it is our fault."""

import sys

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string


AGAIN = "5"  # seconds


def broken(request: HttpRequest) -> HttpResponse:
    """The page for an exception that nobody expected; nothing on it needs the database.

    Of a database that is away or too busy it says so, and when to ask again: nothing was written.
    """
    away = isinstance(sys.exc_info()[1], OperationalError | InterfaceError)
    status, title = (503, "The database does not answer") if away else (500, "Something broke")
    if request.path.startswith(("/api/", "/store/")):
        content = {"type": "about:blank", "title": title, "status": status, "detail": title}
        answer: HttpResponse = JsonResponse(content, content_type="application/problem+json")
    else:
        answer = HttpResponse(render_to_string(f"{status}.html"))
    answer.status_code = status
    if away:
        answer.headers["Retry-After"] = AGAIN
    return answer
