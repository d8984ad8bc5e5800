"""Invitations: a link with which one person joins a team, with an account or by making one."""

import secrets
from datetime import timedelta

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models.functions import Now

from snnlab.teams.actions_members import RANK, Role, TeamRefused
from snnlab.teams.acts import note
from snnlab.teams.digest import digest
from snnlab.teams.models import Invitation, Membership, Team, User
from snnlab.teams.queries import open_invitation


LASTS = timedelta(days=7)
MOST_OPEN = 100
GONE = "this invitation was used, taken back or is older than 7 days. Ask for a new one"


@transaction.atomic
def invite(by: User, team: Team, role: str) -> str:
    """A token of 256 bits with which one person joins within a week. Raises TeamRefused."""
    if role not in Role.values:
        raise TeamRefused(f"role must be one of {', '.join(Role.values)}, got {role!r}")
    Team.objects.select_for_update(no_key=True).get(pk=team.pk)
    mine = Membership.objects.filter(team=team, user=by.pk).first()
    if mine is None or mine.role not in (Role.OWNER, Role.ADMIN):
        raise TeamRefused(f"{by} may not invite to {team}: ask an owner or admin of it")
    if RANK[Role(role)] > RANK[Role(mine.role)]:
        raise TeamRefused("role: only an owner invites an owner. Choose another role")
    waiting = team.invitations.filter(used_at=None, revoked_at=None, expires__gt=Now())
    if waiting.count() >= MOST_OPEN:
        raise TeamRefused(f"{team} has {MOST_OPEN} open invitations, the most. Take one back")
    token = secrets.token_urlsafe(32)
    Invitation.objects.create(
        token_sha256=digest(token), team=team, role=role, made_by=by, expires=Now() + LASTS
    )
    note(team, by.username, "invited", "member", words=f"somebody as {role}")
    return token


def take_back(team: Team, pk: int) -> bool:
    """Make an invitation useless from now on; whether it was this team's, and still open."""
    waiting = Invitation.objects.filter(pk=pk, team=team, used_at=None, revoked_at=None)
    return bool(waiting.update(revoked_at=Now()))


@transaction.atomic
def accept(token: str, user: User) -> Team:
    """Join by an invitation, and use it up. Raises TeamRefused.

    Who is a member already keeps the role, and the invitation stays for somebody else.
    """
    found = open_invitation(token)
    if found is None:
        raise TeamRefused(GONE)
    Team.objects.select_for_update(no_key=True).get(pk=found.team_id)
    if found.team.memberships.filter(user=user.pk).exists():
        raise TeamRefused(f"{user} is a member of {found.team} already")
    waiting = Invitation.objects.filter(pk=found.pk, used_at=None, revoked_at=None)
    if not waiting.filter(expires__gt=Now()).update(used_at=Now()):
        raise TeamRefused(GONE)
    Membership.objects.create(user=user, team=found.team, role=found.role)
    note(found.team, user.username, "joined", "member", words=f"as {found.role}")
    return found.team


def make_account(token: str, username: str, password: str) -> User:
    """A new user, who joins by an invitation: both or neither.

    Raises TeamRefused for the invitation, ValidationError with the field for the rest.
    """
    if open_invitation(token) is None:
        raise TeamRefused(GONE)
    username = User.normalize_username(username).strip()
    user = User(username=username)
    problems = {}
    try:
        user.clean_fields(exclude=["password"])
    except ValidationError as error:
        problems["username"] = error.messages
    try:
        validate_password(password, user)
    except ValidationError as error:
        problems["password"] = error.messages
    if "username" not in problems and User.objects.filter(username__iexact=username).exists():
        problems["username"] = ["A user of that name exists. Sign in, or choose another name."]
    if problems:
        raise ValidationError(problems)
    user.set_password(password)
    try:
        with transaction.atomic():
            user.save()
            accept(token, user)
    except IntegrityError:
        raise ValidationError({"username": ["A user of that name exists."]}) from None
    return user
