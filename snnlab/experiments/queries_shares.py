"""Every read of links: what a token opens, and what a team has shared."""

import hashlib
from typing import Any

from django.db.models import Exists, F, OuterRef, Prefetch, Q, QuerySet
from django.db.models.functions import Now

from snnlab.experiments.models import Share, ShareEvent
from snnlab.experiments.shared_lines import scope_of
from snnlab.teams.models import Membership, User
from snnlab.teams.queries import ALLOWED


__all__ = ["Share", "allowed_run", "digest", "gallery", "of_team", "opened", "public", "scope_of"]


def working() -> QuerySet[Share]:
    """The links that lead somewhere: not revoked, not expired, by somebody who still may share."""
    author = Membership.objects.filter(
        team=OuterRef("team"),
        user=OuterRef("created_by"),
        user__is_active=True,
        role__in=ALLOWED["write"],
    )
    found = Share.objects.filter(Exists(author), revoked_at=None, expires_at__gt=Now())
    return found.defer("lines").select_related("team")


def opened(token: str) -> Share | None:
    """What this token leads to now. Asked of the database each time, so that to revoke is at once.

    It is looked up by its digest: how long that takes tells nothing about other tokens.
    """
    return working().filter(token_sha256=digest(token)).first()


def public(pk: int) -> Share | None:
    """A board in the gallery, which needs no token."""
    return working().filter(pk=pk, public=True, password="").first()


def gallery() -> QuerySet[Share]:
    """All boards that teams have made public, newest first."""
    return working().filter(public=True, password="", kind=Share.Kind.BOARD).order_by("-id")


def of_team(user: User) -> QuerySet[Share]:
    """What this user's teams have shared, newest first, each with its history.

    `works` says whether it still leads on.
    """
    history = Prefetch("events", ShareEvent.objects.order_by("id"))
    return (
        Share.objects.filter(team__memberships__user=user.pk)
        .annotate(works=Exists(working().filter(pk=OuterRef("pk"))))
        .select_related("team", "created_by", "snapshot")
        .prefetch_related(history)
        .defer("lines", "snapshot__rows")
        .order_by("-id")
    )


def allowed_run(share: Share) -> Any:
    """The run that a link shows. Raises Share.DoesNotExist where the team has lost it."""
    found = Share.objects.select_related("run__experiment__team").filter(
        Q(run__team=F("team")), pk=share.pk
    )
    return found.get().run


def digest(token: str) -> str:
    """What is kept of a token."""
    return hashlib.sha256(token.encode()).hexdigest()
