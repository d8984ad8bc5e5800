"""Every write about links: make, revoke, make anew, count, put into the gallery."""

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now
from django.http import QueryDict

from snnlab.experiments.actions import Refused
from snnlab.experiments.asking import whole
from snnlab.experiments.board_rows import DEFAULT_COLUMNS
from snnlab.experiments.models import Run, Share, ShareEvent
from snnlab.experiments.queries_shares import digest
from snnlab.experiments.shared_lines import COLUMNS, frozen, leads_to_lines, live
from snnlab.experiments.sql import rows
from snnlab.experiments.standing import MOST_ROWS, take_snapshot
from snnlab.teams.models import Team, User


BOARDS = ("mnist", "cifar-10", "cifar-100", "tiny-imagenet", "robustness", "curves")
DAYS, MOST_DAYS, MOST_SHARES, MOST_RUNS, MOST_ORIGINS = 30, 365, 50, 200, 10
LEAST_PASSWORD, LONGEST_PASSWORD, LONGEST_QUERY = 8, 200, 4000


@dataclass(frozen=True)
class Wish:
    """What somebody wants to share, and how."""

    kind: str
    slug: str = ""
    query: str = ""
    run: int | None = None
    title: str = ""
    columns: Sequence[str] | None = None  # those that a board shows at first
    seeds: bool = False
    notes: bool = False
    log: bool = False
    pinned: bool = False
    days: int = DAYS
    password: str = ""
    origins: Sequence[str] = ()


@transaction.atomic
def create(team: Team, user: User, wish: Wish) -> tuple[Share, str]:
    """A link of 256 random bits, and what it is. Nobody can read it again.

    Raises Refused for what cannot be shared so.
    """
    check(wish)
    share, token = Share(**made_of(team, wish)), new_token(wish.kind)
    if (
        Share.objects.filter(team=team, slug=share.slug, run=share.run, revoked_at=None)
        .filter(expires_at__gt=Now())
        .count()
        >= MOST_SHARES
    ):
        raise Refused(f"{MOST_SHARES} links to it work, which is the most. Revoke one")
    share.created_by, share.token_sha256 = user, digest(token)
    share.expires_at = Now() + timedelta(days=wish.days)
    share.until = Now() if wish.pinned else None
    if wish.pinned and leads_to_lines(share):
        share.snapshot = take_snapshot(team, user.username, share.slug)
    share.save()
    if wish.pinned and leads_to_lines(share):
        keep_lines(share)
    say(share, "created", user.username)
    return share, token


def check(wish: Wish) -> None:
    """Raise Refused, naming the field, for a wish that no link can be made of."""
    rules = {
        f"days must be in 1..{MOST_DAYS}, got {wish.days}": 1 <= wish.days <= MOST_DAYS,
        f"password must have {LEAST_PASSWORD} to {LONGEST_PASSWORD} characters, or be left out": (
            not wish.password or LEAST_PASSWORD <= len(wish.password) <= LONGEST_PASSWORD
        ),
        "title must have at most 200 characters": len(wish.title) <= 200,
        f"query must have at most {LONGEST_QUERY} characters": len(wish.query) <= LONGEST_QUERY,
        f"origins must be at most {MOST_ORIGINS}": len(wish.origins) <= MOST_ORIGINS,
        "origins: a page with a password cannot be embedded": not (wish.password and wish.origins),
        "no field may hold the character U+0000": not any(
            "\x00" in text for text in (wish.title, wish.query, wish.slug, wish.password)
        ),
    }
    for rule, kept in rules.items():
        if not kept:
            raise Refused(rule)
    for name in wish.columns or ():
        if name not in COLUMNS:
            raise Refused(f"columns: there is no column {name!r}. Known: {', '.join(COLUMNS)}")


def made_of(team: Team, wish: Wish) -> dict[str, object]:
    """The fields of a link that its kind decides."""
    common = {
        "team": team,
        "kind": wish.kind,
        "origins": [origin(text) for text in wish.origins],
        "password": make_password(wish.password) if wish.password else "",
    }
    if wish.kind == Share.Kind.RUN:
        run = Run.objects.filter(pk=wish.run, team=team).select_related("experiment").first()
        if run is None:
            raise Refused(f"run: the team {team.slug} has no run {wish.run}")
        title = wish.title.strip() or f"{run.experiment.name}, seed {run.seed}"[:200]
        return common | {"run": run, "title": title, "notes": wish.notes, "log": wish.log}
    if wish.kind == Share.Kind.COMPARE:
        runs = runs_of(team, wish.query)
        title = wish.title.strip() or f"Comparison of {len(runs)} runs"
        return common | {"slug": "compare", "query": wish.query, "runs": runs, "title": title}
    if wish.kind != Share.Kind.BOARD:
        raise Refused(f"kind must be one of {', '.join(Share.Kind.values)}, got {wish.kind!r}")
    if wish.slug not in BOARDS:
        raise Refused(f"slug: there is no board {wish.slug!r}. Known: {', '.join(BOARDS)}")
    return common | {
        "slug": wish.slug,
        "query": wish.query,
        "title": wish.title.strip() or wish.slug,
        "columns": list(DEFAULT_COLUMNS if wish.columns is None else wish.columns),
        "seeds": wish.seeds,
    }


def runs_of(team: Team, query: str) -> list[int]:
    """The runs that a comparison names, all of them this team's."""
    asked = QueryDict(query)
    named = ",".join(asked.getlist("runs")).split(",")
    known = Run.objects.filter(team=team)
    numbers = [number for number in map(whole, named) if number is not None]
    found = known.filter(pk__in=numbers[:MOST_RUNS])
    for field, lookup in (("experiment", "experiment"), ("sweep", "experiment__sweep")):
        if (number := whole(asked.get(field, ""))) is not None:
            found = found | known.filter(**{lookup: number})
    runs = list(found.order_by("pk").values_list("pk", flat=True).distinct()[:MOST_RUNS])
    if not runs:
        raise Refused(f"query: the team {team.slug} has none of the runs it compares")
    return runs


def origin(text: str) -> str:
    """A place whose pages may embed the link: scheme, host and port, and nothing else."""
    try:
        parts = urlsplit(text.strip())
    except ValueError:  # of brackets that hold no IPv6 address
        parts = urlsplit("")
    host = (parts.hostname or "").removeprefix("[").removesuffix("]")
    plain = f"{parts.scheme}://{parts.netloc}" == text.strip().removesuffix("/")
    safe = host.replace("-", "").replace(".", "").replace(":", "").isalnum() and host.isascii()
    local = host in ("localhost", "127.0.0.1", "::1")
    if not (plain and safe and "@" not in parts.netloc and len(text) <= 200):
        raise Refused(f"origins must look like https://example.org, got {text[:100]!r}")
    if parts.scheme != "https" and not (parts.scheme == "http" and local):
        raise Refused(f"origins must begin with https://, got {text[:100]!r}")
    return f"{parts.scheme}://{parts.netloc.lower()}"


def new_token(kind: str) -> str:
    """256 random bits after a letter, which says which part of the site answers."""
    return kind[0] + secrets.token_urlsafe(32)


def keep_lines(share: Share) -> None:
    """Freeze the lines that a link shows: what it hides is not even kept."""
    found = rows(
        f"select to_jsonb(line) as line from ({live(share)} limit %(most)s) line",
        **frozen(share) | {"most": MOST_ROWS},
    )
    lines = [
        line["line"] if isinstance(line["line"], dict) else json.loads(line["line"])
        for line in found
    ]
    Share.objects.filter(pk=share.pk).update(lines=lines)


def revoke(share_id: int, actor: str) -> bool:
    """Make a link useless from now on; whether it was not already."""
    with transaction.atomic():
        changed = Share.objects.filter(pk=share_id, revoked_at=None).update(
            revoked_at=Now(), public=False
        )
        if changed:
            say(Share(pk=share_id), "revoked", actor)
    return bool(changed)


@transaction.atomic
def reissue(share_id: int, user: User, days: int = DAYS) -> str:
    """A new token for the same link, whose old one is useless from now on. Raises Refused."""
    if not 1 <= days <= MOST_DAYS:
        raise Refused(f"days must be in 1..{MOST_DAYS}, got {days}")
    share = Share.objects.defer("lines").get(pk=share_id)
    token = new_token(share.kind)
    changed = Share.objects.filter(pk=share_id, revoked_at=None).update(
        token_sha256=digest(token),
        expires_at=Now() + timedelta(days=days),
        created_by=user,
    )
    if not changed:
        raise Refused("a link that was revoked stays revoked. Make a new one")
    say(share, "reissued", user.username)
    return token


@transaction.atomic
def publish(share_id: int, actor: str, *, on: bool) -> None:
    """Put a board into the gallery, where everybody can read it, or take it out."""
    share = Share.objects.defer("lines").select_for_update().get(pk=share_id)
    if on and (share.kind != Share.Kind.BOARD or share.password or share.revoked_at):
        raise Refused("only a board whose link works without a password can be public")
    if Share.objects.filter(pk=share_id).exclude(public=on).update(public=on):
        say(share, "published" if on else "withdrawn", actor)


def hit(share_id: int) -> None:
    """Somebody opened the link."""
    Share.objects.filter(pk=share_id).update(hits=F("hits") + 1, last_hit=Now())


def say(share: Share, kind: str, actor: str) -> None:
    ShareEvent.objects.create(share=share, kind=kind, actor=actor)
