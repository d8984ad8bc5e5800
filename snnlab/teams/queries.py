"""Every read about people."""

from django.db.models import Case, Count, QuerySet, When
from django.db.models.functions import Now

from snnlab.teams.digest import digest
from snnlab.teams.models import ApiToken, Invitation, Membership, Team, User


Role = Membership.Role

ALLOWED = {
    "read": (Role.OWNER, Role.ADMIN, Role.MEMBER, Role.VIEWER),
    "write": (Role.OWNER, Role.ADMIN, Role.MEMBER),
    "admin": (Role.OWNER, Role.ADMIN),
    "own": (Role.OWNER,),
}


def user(username: str) -> User:
    """Raises User.DoesNotExist."""
    return User.objects.get(username=username)


def team(slug: str) -> Team:
    """Raises Team.DoesNotExist."""
    return Team.objects.get(slug=slug)


def teams_of(user: User, what: str = "read") -> QuerySet[Team]:
    """The teams in which this user may do that, as `may` says."""
    allowed = {"memberships__user": user.pk, "memberships__role__in": ALLOWED[what]}
    return Team.objects.filter(**allowed).order_by("name")


def rights(user: User) -> dict[str, bool]:
    """What this user may do in one team at least."""
    roles = set(user.memberships.values_list("role", flat=True))
    return {what: not roles.isdisjoint(ALLOWED[what]) for what in ALLOWED}


def memberships(user: User) -> QuerySet[Membership]:
    """The teams of a user, each with the role there, and how many members it has."""
    found = Membership.objects.filter(user=user.pk).select_related("team")
    return found.annotate(members=Count("team__memberships")).order_by("team__name")


def membership(user: User, slug: str) -> Membership:
    """What the user is in that team. Raises Membership.DoesNotExist, also for another's team."""
    return Membership.objects.select_related("team").get(user=user.pk, team__slug=slug)


def members(team: Team) -> QuerySet[Membership]:
    """Everybody in a team, owners first."""
    rank = Case(*(When(role=role, then=place) for place, role in enumerate(Role.values)))
    return team.memberships.select_related("user").order_by(rank, "user__username")


def invitations(team: Team) -> QuerySet[Invitation]:
    """Those that still work, newest first."""
    found = team.invitations.filter(used_at=None, revoked_at=None, expires__gt=Now())
    return found.select_related("made_by").order_by("-id")


def open_invitation(token: str) -> Invitation | None:
    """The invitation behind a link, if it still works."""
    found = Invitation.objects.filter(token_sha256=digest(token), used_at=None, revoked_at=None)
    return found.filter(expires__gt=Now()).select_related("team", "made_by").first()


def tokens(user: User) -> QuerySet[ApiToken]:
    """The tokens that still work, newest first."""
    return ApiToken.objects.filter(user=user, revoked_at=None).order_by("-id")


def may(user: User, team: Team, what: str) -> bool:
    """Whether the user's role in the team allows "read", "write", "admin" or "own".

    An inactive or anonymous user may nothing, and being a superuser changes nothing here.
    """
    if not user.is_active:
        return False
    return Membership.objects.filter(user=user.pk, team=team, role__in=ALLOWED[what]).exists()
