"""The API itself: who may enter, and how an error is told."""

from collections.abc import Iterable
from typing import Any

from django.core.exceptions import ObjectDoesNotExist, PermissionDenied, RequestDataTooBig
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, ValidationError
from ninja.security import HttpBearer

from snnlab import __version__
from snnlab.api.asked import Unreadable, components
from snnlab.experiments.asking import Refused
from snnlab.learning.problems import MISSING, Problem, SpecError
from snnlab.teams.actions import user_of


class Bearer(HttpBearer):
    """A token of a user, as `snnlab token make` and the page Tokens give it."""

    def authenticate(self, request: HttpRequest, token: str) -> Any:
        user = user_of(token)
        if user is not None:
            request.user = user
        return user


class Api(NinjaAPI):
    """Adds the schema of a spec, which comes from the parts and not from a view."""

    def get_openapi_schema(self, *args: Any, **kwargs: Any) -> Any:
        schema = super().get_openapi_schema(*args, **kwargs)
        schema["components"].setdefault("schemas", {}).update(components())
        return schema


api = Api(
    title="snnlab",
    version=__version__,
    description="Queue experiments with spiking neural networks and read what they gave. "
    "Errors are application/problem+json; `problems` name the fields.",
    auth=Bearer(),
    docs_url=None,
    urls_namespace="api",
)


def told(problem: Problem) -> dict[str, Any]:
    """A problem as JSON; a value that is absent, or that JSON cannot hold, is left out."""
    said = problem._asdict()
    if problem.value is MISSING or not isinstance(problem.value, str | int | float | bool | None):
        del said["value"]
    return said


def trouble(
    status: int, title: str, detail: str = "", problems: Iterable[Problem] = ()
) -> HttpResponse:
    """An answer as RFC 9457 wants it."""
    content = {"type": "about:blank", "title": title, "status": status, "detail": detail or title}
    if listed := [told(problem) for problem in problems]:
        content["problems"] = listed
    return JsonResponse(content, status=status, content_type="application/problem+json")


@api.exception_handler(SpecError)
def refused(request: HttpRequest, error: SpecError) -> HttpResponse:
    return trouble(422, "The request cannot be done as it stands", str(error), error.problems)


@api.exception_handler(Unreadable)
def unreadable(request: HttpRequest, error: Unreadable) -> HttpResponse:
    return trouble(400, "The body cannot be read", str(error), error.problems)


@api.exception_handler(ValidationError)
def invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
    problems = [Problem(str(e["loc"][-1]), e["msg"], MISSING, "") for e in error.errors]
    return trouble(422, "The address cannot be read", "", problems)


@api.exception_handler(Refused)
def conflict(request: HttpRequest, error: Refused) -> HttpResponse:
    return trouble(409, "Refused", str(error))


@api.exception_handler(Http404)
@api.exception_handler(ObjectDoesNotExist)
def missing(request: HttpRequest, error: Exception) -> HttpResponse:
    return trouble(404, "There is no such thing, or it is not yours")


@api.exception_handler(PermissionDenied)
def forbidden(request: HttpRequest, error: Exception) -> HttpResponse:
    return trouble(403, "You may look, but not change")


@api.exception_handler(RequestDataTooBig)
def too_big(request: HttpRequest, error: Exception) -> HttpResponse:
    return trouble(413, "The body is too large", "A body has at most 1,000,000 bytes")


@api.exception_handler(AuthenticationError)
def unknown(request: HttpRequest, error: Exception) -> HttpResponse:
    answer = trouble(
        401, "No valid token", "Send Authorization: Bearer TOKEN; make one at /tokens/"
    )
    answer.headers["WWW-Authenticate"] = "Bearer"
    return answer
