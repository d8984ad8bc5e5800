"""Who comes into a team, who goes, and who decides that."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection
from django.db.models.functions import Now

from snnlab.teams import actions_invitations, queries
from snnlab.teams.actions_invitations import accept, invite, make_account, take_back
from snnlab.teams.actions_members import TeamRefused, change_role, make_team, remove_member
from snnlab.teams.models import Act, Invitation, Membership, Team, User


pytestmark = pytest.mark.django_db
GOOD = "rather-long-and-odd-42"


def user(name: str) -> User:
    return User.objects.create(username=name)


def join(name: str, team: Team, role: str) -> User:
    person = user(name)
    Membership.objects.create(user=person, team=team, role=role)
    return person


def roles(team: Team) -> dict[str, str]:
    return dict(team.memberships.values_list("user__username", "role"))


@pytest.fixture
def olga() -> User:
    return user("olga")


@pytest.fixture
def team(olga: User) -> Team:
    return make_team(olga, "Spiking lab")


def test_who_makes_a_team_owns_it(olga: User, team: Team) -> None:
    assert (team.slug, roles(team)) == ("spiking-lab", {"olga": "owner"})


@pytest.mark.parametrize("name", ["", " ", "\x00", "x" * 101, "日本"])
def test_a_team_without_a_good_name_is_refused(olga: User, name: str) -> None:
    with pytest.raises(TeamRefused, match="name must have"):
        make_team(olga, name)


def test_a_teams_name_is_taken_once(olga: User, team: Team) -> None:
    with pytest.raises(TeamRefused, match="taken"):
        make_team(olga, "spiking LAB")


def test_an_admin_decides_on_all_but_owners(olga: User, team: Team) -> None:
    adam, mary = join("adam", team, "admin"), join("mary", team, "member")
    change_role(adam, team, mary.pk, "admin")
    assert roles(team)["mary"] == "admin"
    for member, role in ((mary, "owner"), (olga, "member")):
        with pytest.raises(TeamRefused, match="Ask an owner"):
            change_role(adam, team, member.pk, role)
    with pytest.raises(TeamRefused):
        remove_member(adam, team, olga.pk)
    remove_member(adam, team, mary.pk)
    assert roles(team) == {"olga": "owner", "adam": "admin"}


@pytest.mark.parametrize("role", ["member", "viewer"])
def test_others_decide_on_nobody_but_themselves(olga: User, team: Team, role: str) -> None:
    mary, vera = join("mary", team, role), join("vera", team, "viewer")
    for act in (lambda: change_role(mary, team, vera.pk, "viewer"),
                lambda: remove_member(mary, team, vera.pk),
                lambda: invite(mary, team, "viewer")):  # fmt: skip
        with pytest.raises(TeamRefused, match="ask an owner or admin"):
            act()
    remove_member(mary, team, mary.pk)
    assert "mary" not in roles(team)


def test_the_last_owner_stays(olga: User, team: Team) -> None:
    for act in (lambda: change_role(olga, team, olga.pk, "member"),
                lambda: remove_member(olga, team, olga.pk)):  # fmt: skip
        with pytest.raises(TeamRefused, match="last owner"):
            act()
    second = join("second", team, "owner")
    remove_member(olga, team, olga.pk)
    assert roles(team) == {second.username: "owner"}


@pytest.mark.django_db(transaction=True)
def test_of_two_owners_who_leave_at_once_one_stays() -> None:
    first = user("first")
    team = make_team(first, "Lab")
    owners, gate = [first, join("second", team, "owner")], Barrier(2)

    def leave(owner: User) -> bool:
        gate.wait()
        try:
            remove_member(owner, team, owner.pk)
        except TeamRefused:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(leave, owners)) == [False, True]
    assert list(roles(team).values()) == ["owner"]


def test_an_invitation_lets_one_person_in_once(olga: User, team: Team) -> None:
    token = invite(olga, team, "viewer")
    vera, other = user("vera"), user("other")
    assert accept(token, vera) == team
    assert roles(team)["vera"] == "viewer"
    with pytest.raises(TeamRefused, match="used"):
        accept(token, other)
    assert token not in str(Invitation.objects.values())
    assert len(token) >= 43


@pytest.mark.django_db(transaction=True)
def test_of_many_who_accept_at_once_one_comes_in() -> None:
    olga = user("olga")
    team, gate = make_team(olga, "Lab"), Barrier(6)
    token, people = invite(olga, team, "member"), [user(f"u{i}") for i in range(6)]

    def come(person: User) -> bool:
        gate.wait()
        try:
            accept(token, person)
        except TeamRefused:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(6) as pool:
        assert sorted(pool.map(come, people)) == [False] * 5 + [True]
    assert len(roles(team)) == 2


def test_a_member_does_not_use_up_somebody_elses_invitation(olga: User, team: Team) -> None:
    token = invite(olga, team, "viewer")
    with pytest.raises(TeamRefused, match="already"):
        accept(token, olga)
    assert roles(team) == {"olga": "owner"}
    assert queries.open_invitation(token)


def test_an_invitation_ends_when_it_is_old_or_taken_back(olga: User, team: Team) -> None:
    vera = user("vera")
    old, taken = invite(olga, team, "member"), invite(olga, team, "member")
    newest = Invitation.objects.latest("id")
    assert not take_back(make_team(olga, "Other"), newest.pk)
    assert take_back(team, newest.pk)
    assert not take_back(team, newest.pk)
    Invitation.objects.filter(revoked_at=None).update(expires=Now() - timedelta(seconds=1))
    for token in (old, taken, "", "x" * 500):
        with pytest.raises(TeamRefused):
            accept(token, vera)
        with pytest.raises(TeamRefused):
            make_account(token, "new", GOOD)
    assert roles(team) == {"olga": "owner"}


def test_who_may_invite_no_more_has_no_open_invitations(olga: User, team: Team) -> None:
    adam = join("adam", team, "admin")
    token = invite(adam, team, "admin")
    with pytest.raises(TeamRefused, match="only an owner"):
        invite(adam, team, "owner")
    change_role(olga, team, adam.pk, "member")
    assert queries.open_invitation(token) is None


def test_who_is_invited_makes_an_account(olga: User, team: Team) -> None:
    made = make_account(invite(olga, team, "member"), "nina", GOOD)
    assert made.check_password(GOOD)
    assert roles(team)["nina"] == "member"
    assert not made.is_staff


@pytest.mark.parametrize(
    ("name", "password", "field"),
    [
        ("nina", "short", "password"),
        ("nina", "password1234", "password"),
        ("", GOOD, "username"),
        ("a b/c", GOOD, "username"),
        ("OLGA", GOOD, "username"),
        ("n" * 151, GOOD, "username"),
        ("n\x00", GOOD, "username"),
    ],
)
def test_a_bad_account_is_refused_by_its_field(
    olga: User, team: Team, name: str, password: str, field: str
) -> None:
    token = invite(olga, team, "member")
    with pytest.raises(ValidationError) as caught:
        make_account(token, name, password)
    assert list(caught.value.message_dict) == [field]
    assert queries.open_invitation(token)
    assert User.objects.count() == 1


def test_invitations_that_wait_are_bounded(olga: User, team: Team, monkeypatch) -> None:
    monkeypatch.setattr(actions_invitations, "MOST_OPEN", 1)
    invite(olga, team, "member")
    with pytest.raises(TeamRefused, match="Take one back"):
        invite(olga, team, "member")


def test_what_people_did_is_noted_and_stays(olga: User, team: Team) -> None:
    vera = user("vera")
    accept(invite(olga, team, "viewer"), vera)
    change_role(olga, team, vera.pk, "member")
    remove_member(olga, team, vera.pk)
    noted = [str(act) for act in Act.objects.order_by("id")]
    assert noted == [
        "olga made team  Spiking lab",
        "olga invited member  somebody as viewer",
        "vera joined member  as viewer",
        "olga made member  vera member, who was viewer",
        "olga removed member  vera",
    ]
    with pytest.raises(IntegrityError):
        Act.objects.update(actor="eve")
