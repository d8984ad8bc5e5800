"""Every change to who is in a team, and as what.

A team's row is locked before its members are looked at, so that of two changes at the same instant
the second sees what the first one did: a team always keeps an owner.
"""

from django.db import transaction
from django.db.models.functions import Now
from django.utils.text import slugify

from snnlab.teams.acts import note
from snnlab.teams.models import Invitation, Membership, Team, User


Role = Membership.Role
RANK = {Role.VIEWER: 0, Role.MEMBER: 1, Role.ADMIN: 2, Role.OWNER: 3}
MOST_TEAMS = 100


class TeamRefused(ValueError):
    """A change to a team that cannot be; the text says why, and the way out."""


@transaction.atomic
def make_team(user: User, name: str) -> Team:
    """A new team, whose owner is this user. Raises TeamRefused."""
    name = name.strip()
    slug = slugify(name)[:50].strip("-")
    if not 0 < len(name) <= 100 or "\x00" in name or not slug:
        raise TeamRefused(
            f"name must have 1 to 100 characters, a Latin letter or digit among them, got {name!r}"
        )
    if user.memberships.filter(role=Role.OWNER).count() >= MOST_TEAMS:
        raise TeamRefused(f"{user} owns {MOST_TEAMS} teams, which is the most. Leave one")
    team, made = Team.objects.get_or_create(slug=slug, defaults={"name": name})
    if not made:
        raise TeamRefused(f"name is taken: there is a team {slug}. Choose another")
    Membership.objects.create(user=user, team=team, role=Role.OWNER)
    note(team, user.username, "made", "team", words=name)
    return team


@transaction.atomic
def change_role(by: User, team: Team, member: int, role: str) -> None:
    """Give a member another role. Raises TeamRefused, also for a role above one's own."""
    if role not in Role.values:
        raise TeamRefused(f"role must be one of {', '.join(Role.values)}, got {role!r}")
    mine, found = _locked(by, team, member)
    if RANK[Role(role)] > RANK[Role(mine.role)] or RANK[Role(found.role)] > RANK[Role(mine.role)]:
        raise TeamRefused(f"role: {mine.role}s change no owner and make none. Ask an owner")
    if found.role == role:
        return
    _keep_an_owner(found, team)
    before, found.role = found.role, role
    found.save(update_fields=["role"])
    _take_invitations_back(found)
    note(team, by.username, "made", "member", words=f"{found.user} {role}, who was {before}")


@transaction.atomic
def remove_member(by: User, team: Team, member: int) -> None:
    """Take a member out of a team; everybody may take out themselves. Raises TeamRefused."""
    mine, found = _locked(by, team, member)
    if RANK[Role(found.role)] > RANK[Role(mine.role)]:
        raise TeamRefused(f"an {mine.role} cannot remove an {found.role}. Ask an owner")
    _keep_an_owner(found, team)
    found.role = Role.VIEWER
    _take_invitations_back(found)
    found.delete()
    who = str(found.user)
    left = found.user_id == by.pk
    note(team, by.username, "left" if left else "removed", "member", words="" if left else who)


def _locked(by: User, team: Team, member: int) -> tuple[Membership, Membership]:
    """The memberships of who asks and of who is meant, as nobody else can change them now."""
    Team.objects.select_for_update(no_key=True).get(pk=team.pk)
    members = Membership.objects.select_related("user").filter(team=team)
    mine, found = members.filter(user=by.pk).first(), members.filter(user=member).first()
    if mine is None or found is None:
        raise TeamRefused(f"there is no such member of {team} any more")
    if mine.pk != found.pk and mine.role not in (Role.OWNER, Role.ADMIN):
        raise TeamRefused(f"{by} is {mine.role} of {team}: ask an owner or admin of it")
    return mine, found


def _keep_an_owner(found: Membership, team: Team) -> None:
    others = team.memberships.filter(role=Role.OWNER).exclude(pk=found.pk)
    if found.role == Role.OWNER and not others.exists():
        raise TeamRefused(f"{found.user} is the last owner of {team}. Make somebody else one first")


def _take_invitations_back(found: Membership) -> None:
    """Who may invite no more has no open invitations."""
    if found.role not in (Role.OWNER, Role.ADMIN):
        mine = Invitation.objects.filter(team=found.team_id, made_by=found.user_id)
        mine.filter(used_at=None, revoked_at=None).update(revoked_at=Now())
