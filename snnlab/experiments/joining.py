"""How a machine becomes a worker: by a link that tells it where the lab's servers are."""

import hashlib
import secrets
from datetime import timedelta
from typing import Any
from urllib.parse import quote

from django.conf import settings
from django.db.models.functions import Now

from snnlab.experiments import artifacts
from snnlab.experiments.models import JoinLink


LASTS = timedelta(days=1)
TOLD = ("LEASE", "HEARTBEAT", "FENCE", "REAP", "POLL", "STALL", "WALL")
MARK = "lab"


def invite(actor: str) -> str:
    """A token of 256 bits with which any number of machines may join within a day."""
    JoinLink.objects.filter(expires_at__lt=Now()).delete()
    token = secrets.token_urlsafe(32)
    JoinLink.objects.create(token_sha256=_digest(token), actor=actor, expires_at=Now() + LASTS)
    return token


def invited(token: str) -> dict[str, Any] | None:
    """The settings of a worker, secrets among them; None for a token that is unknown or too old."""
    if not JoinLink.objects.filter(token_sha256=_digest(token), expires_at__gt=Now()).exists():
        return None
    timing = {f"SNNLAB_{name}": f"{getattr(settings, f'SNNLAB_{name}'):g}" for name in TOLD}
    servers = {"DATABASE_URL": database(), "BROKER_URL": settings.CELERY_BROKER_URL}
    return {"environment": servers | timing, "home": str(settings.SNNLAB_HOME), "mark": mark()}


def database() -> str:
    """The address of the database, as DATABASE_URL has it."""
    given = settings.DATABASES["default"]
    user, password = quote(given["USER"], safe=""), quote(given["PASSWORD"] or "", safe="")
    port = f":{given['PORT']}" if given["PORT"] else ""
    who = f"{user}:{password}" if password else user
    return f"postgres://{who}@{quote(given['HOST'], safe='')}{port}/{given['NAME']}"


def mark() -> str:
    """What tells this lab's store of artifacts from another's: a text in a file of it."""
    place = artifacts.path_of(MARK).parent.parent / MARK
    if not place.exists():
        place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        place.write_text(secrets.token_urlsafe(16))
    return place.read_text()


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
