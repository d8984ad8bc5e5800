"""Every read about people."""

from django.db.models import QuerySet

from snnlab.teams.models import ApiToken, Membership, Team, User


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
