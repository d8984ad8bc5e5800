"""Who may see and change what: 404 for what is not theirs, 403 for what is not for their role."""

from collections.abc import Callable
from typing import Any, TypeVar

from django.core.exceptions import ObjectDoesNotExist, PermissionDenied
from django.http import Http404

from snnlab.teams import queries as teams


T = TypeVar("T")


def or_404(read: Callable[[Any, int], T], user: Any, pk: int) -> T:
    """What `read` finds for this user; what another team has does not exist."""
    try:
        return read(user, pk)
    except ObjectDoesNotExist as error:
        raise Http404 from error


def writer_or_403(user: Any, team: Any) -> None:
    """Refuse a user who may look, but not change."""
    allowed_or_403(user, team, "write")


def allowed_or_403(user: Any, team: Any, what: str) -> None:
    """Refuse a user whose role in the team does not allow it."""
    if not teams.may(user, team, what):
        raise PermissionDenied
