"""The pages of teams, as their members, others and newcomers see them."""

import pytest

from snnlab.teams.actions_invitations import invite
from snnlab.teams.models import Invitation, Team, User
from tests.web import lab


GOOD = "rather-long-and-odd-42"


@pytest.fixture
def owner(client, db):
    client.force_login(lab.person("olga", "lab", "owner"))
    return client


def page(client, address: str = "/teams/lab/") -> str:
    return client.get(address).content.decode()


def test_a_team_is_made_on_the_page_of_teams(member):
    answer = member.post("/teams/", {"name": "Chip people"}, follow=True)
    assert "Chip people" in answer.content.decode()
    refused = member.post("/teams/", {"name": " "})
    assert (refused.status_code, "name must have" in refused.content.decode()) == (422, True)


def test_members_and_their_roles_cost_the_same_queries(owner, django_assert_max_num_queries):
    for number in range(30):
        lab.person(f"person{number}", "lab", "viewer")
    with django_assert_max_num_queries(5):
        shown = page(owner)
    assert "person29" in shown
    assert page(owner, "/teams/").count('<td class="number">31</td>') == 1


def test_an_owner_changes_and_removes(owner):
    vera = lab.person("vera", "lab", "viewer")
    owner.post(f"/teams/lab/members/{vera.pk}/role", {"role": "admin"})
    assert vera.memberships.get().role == "admin"
    assert (
        "role must be one of"
        in owner.post(
            f"/teams/lab/members/{vera.pk}/role", {"role": "king"}, follow=True
        ).content.decode()
    )
    owner.post(f"/teams/lab/members/{vera.pk}/remove")
    assert not vera.memberships.exists()


def test_the_last_owner_is_told_why_not_to_go(owner):
    shown = owner.post("/teams/lab/leave", follow=True).content.decode()
    assert "last owner" in shown
    assert Team.objects.get().memberships.count() == 1


def test_a_viewer_sees_the_members_and_no_button_but_leave(viewer):
    lab.person("olga", "lab", "owner")
    shown = page(viewer)
    assert "olga" in shown
    assert "Make a link" not in shown
    assert "/role" not in shown
    assert viewer.post("/teams/lab/leave").status_code == 302
    assert viewer.get("/teams/lab/").status_code == 404


def test_a_link_is_shown_once_and_taken_back(owner):
    shown = owner.post("/teams/lab/invite", {"role": "viewer"}).content.decode()
    token = shown.partition("/invitations/")[2].partition("/")[0]
    assert len(token) == 43
    assert token not in page(owner)
    assert "invites you as <strong>viewer" in page(owner, f"/invitations/{token}/")
    owner.post(f"/teams/lab/invitations/{Invitation.objects.get().pk}/revoke")
    assert owner.get(f"/invitations/{token}/").status_code == 410


def test_an_invitation_of_another_team_is_not_there(owner):
    eve = lab.person("eve", "others", "owner")
    invite(eve, eve.teams.get(), "member")
    pk = Invitation.objects.get().pk
    assert owner.post(f"/teams/lab/invitations/{pk}/revoke").status_code == 404
    assert owner.post(f"/teams/others/invitations/{pk}/revoke").status_code == 404


def test_somebody_new_makes_an_account_and_is_in(client, db):
    olga = lab.person("olga", "lab", "owner")
    address = f"/invitations/{invite(olga, olga.teams.get(), 'viewer')}/"
    assert "Make an account" in page(client, address)
    refused = client.post(address, {"username": "nina", "password": "short"})
    assert refused.status_code == 422
    assert "too short" in refused.content.decode()
    answer = client.post(address, {"username": "nina", "password": GOOD})
    assert answer.headers["Location"] == "/teams/lab/"
    assert "You are viewer" in page(client)
    assert User.objects.get(username="nina").check_password(GOOD)
    assert client.post(address).status_code == 410


def test_who_is_signed_in_joins_with_that_account(stranger):
    olga = lab.person("olga", "lab", "owner")
    token = invite(olga, olga.teams.get(), "member")
    assert "Join as bob" in page(stranger, f"/invitations/{token}/")
    assert stranger.post(f"/invitations/{token}/").headers["Location"] == "/teams/lab/"
    assert olga.teams.get().memberships.count() == 2
