"""Writes about people: how they come in, and what acts for them.

Who is in a team is changed by actions_members.py and actions_invitations.py.
"""

import secrets
from datetime import timedelta

from django.contrib.auth.password_validation import validate_password
from django.db import transaction
from django.db.models import Count, Q
from django.db.models.functions import Now

from snnlab.teams.digest import digest
from snnlab.teams.models import ApiToken, Membership, SignInAttempt, SignInLink, Team, User


TOKEN, MOST_TOKENS, NOTED = "snn_", 100, timedelta(minutes=1)
LINK_LASTS = timedelta(minutes=15)
COUNTED = timedelta(minutes=15)
# How many passwords may be tried in that time. The first is the smallest: who guesses somebody's
# password from afar must not lock that person out.
MOST_HERE, MOST_FROM_ADDRESS, MOST_FOR_USER = 10, 50, 100


class TokenRefused(ValueError):
    """A token cannot be made; the text says why, and the way out."""


@transaction.atomic
def ensure_first_team() -> tuple[User, Team]:
    """The user "admin" as owner of the team "lab", made on the first call.

    The user has no password: the first sign-in is by `sign_in_link`.
    """
    user, made = User.objects.get_or_create(
        username="admin", defaults={"is_staff": True, "is_superuser": True}
    )
    if made:
        user.set_unusable_password()
        user.save(update_fields=["password"])
    team, _ = Team.objects.get_or_create(slug="lab", defaults={"name": "Lab"})
    Membership.objects.get_or_create(user=user, team=team, defaults={"role": Membership.Role.OWNER})
    return user, team


def sign_in_link(user: User) -> str:
    """A token of 256 bits that signs this user in once within 15 minutes."""
    token = secrets.token_urlsafe(32)
    SignInLink.objects.create(token_sha256=digest(token), user=user, expires=Now() + LINK_LASTS)
    return token


def redeem(token: str) -> User | None:
    """Use a link up and give its user; None if it is unknown, used or too old.

    One conditional update decides, so two clicks at the same instant sign in once. Its conditions
    are columns of the link alone: in a subquery they would not be looked at again after a wait.
    """
    link = SignInLink.objects.filter(token_sha256=digest(token))
    if not link.filter(used_at=None, expires__gt=Now()).update(used_at=Now()):
        return None
    return User.objects.filter(sign_in_links__in=link, is_active=True).first()


def make_token(user: User, name: str) -> str:
    """A token of 256 bits for programs that act as this user; nobody can read it again.

    Raises TokenRefused.
    """
    name = name.strip()
    if not 0 < len(name) <= 100 or "\x00" in name:
        raise TokenRefused(f"name must have 1 to 100 characters, got {len(name)}. Say what uses it")
    if user.api_tokens.filter(revoked_at=None).count() >= MOST_TOKENS:
        raise TokenRefused(f"{user} has {MOST_TOKENS} tokens, which is the most. Revoke one")
    token = TOKEN + secrets.token_urlsafe(32)
    ApiToken.objects.create(token_sha256=digest(token), user=user, name=name)
    return token


def revoke_token(user: User, pk: int) -> bool:
    """Make a token useless from now on; whether it was this user's, and still of use."""
    mine = ApiToken.objects.filter(pk=pk, user=user, revoked_at=None)
    return bool(mine.update(revoked_at=Now()))


def user_of(token: str) -> User | None:
    """Who may act by this token, or nobody. That it was used is noted once a minute."""
    if not token.startswith(TOKEN):
        return None
    found = ApiToken.objects.filter(token_sha256=digest(token), revoked_at=None)
    known = found.select_related("user").filter(user__is_active=True).first()
    if known is None:
        return None
    old = Q(used_at=None) | Q(used_at__lt=Now() - NOTED)
    found.filter(old).update(used_at=Now())
    return known.user


def may_try(username: str, address: str) -> bool:
    """Whether a password may be tried now, for this name from this address; if so, it counts."""
    SignInAttempt.objects.filter(at__lt=Now() - COUNTED).delete()
    of_user, from_address = Q(username=username), Q(address=address)
    tried = SignInAttempt.objects.filter(of_user | from_address).aggregate(
        here=Count("id", filter=of_user & from_address),
        from_address=Count("id", filter=from_address),
        for_user=Count("id", filter=of_user),
    )
    if (
        tried["here"] >= MOST_HERE
        or tried["from_address"] >= MOST_FROM_ADDRESS
        or tried["for_user"] >= MOST_FOR_USER
    ):
        return False
    SignInAttempt.objects.create(username=username, address=address)
    return True


def forget_attempts(username: str, address: str) -> None:
    """Somebody has signed in: what was mistyped before no longer counts."""
    SignInAttempt.objects.filter(username=username, address=address).delete()


def set_password(user: User, password: str) -> None:
    """Change a password; this ends the user's other sessions.

    Raises django.core.exceptions.ValidationError for a weak password.
    """
    validate_password(password, user)
    user.set_password(password)
    user.save(update_fields=["password"])
