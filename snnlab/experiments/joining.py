"""How a machine becomes a worker: by a link that tells it where the lab's servers are.

One that does not share the lab's folder of artifacts gets a key to the store. A key is for that
only, dies with its worker, and can be revoked.
"""

import hashlib
import secrets
from datetime import timedelta
from typing import Any
from urllib.parse import quote

from django.conf import settings
from django.db.models import Q
from django.db.models.functions import Now

from snnlab.experiments import artifacts
from snnlab.experiments.models import JoinLink, WorkerKey


LASTS = timedelta(days=1)
KEY_LASTS = timedelta(days=7)  # since its last use
NOTED = timedelta(minutes=1)
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
    if _link(token) is None:
        return None
    timing = {f"SNNLAB_{name}": f"{getattr(settings, f'SNNLAB_{name}'):g}" for name in TOLD}
    servers = {"DATABASE_URL": database(), "BROKER_URL": settings.CELERY_BROKER_URL}
    return {"environment": servers | timing, "home": str(settings.SNNLAB_HOME), "mark": mark()}


def make_key(token: str, machine: str) -> str | None:
    """A key of 256 bits to the store; None for a token that is unknown or too old."""
    link = _link(token)
    if link is None:
        return None
    key = secrets.token_urlsafe(32)
    WorkerKey.objects.create(
        key_sha256=_digest(key),
        machine=machine,
        actor=link.actor,
        expires_at=Now() + KEY_LASTS,
    )
    return key


def opens(key: str) -> bool:
    """Whether this key opens the store; that it was used is noted once a minute, and prolongs it.

    So it ends with its worker: a week after its last use.
    """
    found = WorkerKey.objects.filter(key_sha256=_digest(key), expires_at__gt=Now())
    if not found.exists():
        return False
    old = Q(used_at=None) | Q(used_at__lt=Now() - NOTED)
    found.filter(old).update(used_at=Now(), expires_at=Now() + KEY_LASTS)
    return True


def working_keys() -> list[WorkerKey]:
    """The keys that work, newest first."""
    return list(WorkerKey.objects.filter(expires_at__gt=Now()).order_by("-id"))


def revoke_key(pk: int) -> bool:
    """Let a key open nothing any more; gives whether it did until now."""
    found = WorkerKey.objects.filter(pk=pk, expires_at__gt=Now())
    return bool(found.update(expires_at=Now()))


def _link(token: str) -> JoinLink | None:
    return JoinLink.objects.filter(token_sha256=_digest(token), expires_at__gt=Now()).first()


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
