"""Who may do what, and how they come in."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ValidationError
from django.db import connection
from django.db.models.functions import Now

from snnlab.teams import actions, queries
from snnlab.teams.models import Membership, SignInLink, Team, User


pytestmark = pytest.mark.django_db

MAY = {
    "owner": {"read": True, "write": True, "admin": True, "own": True},
    "admin": {"read": True, "write": True, "admin": True, "own": False},
    "member": {"read": True, "write": True, "admin": False, "own": False},
    "viewer": {"read": True, "write": False, "admin": False, "own": False},
}


@pytest.mark.parametrize("role", MAY)
def test_a_role_allows_this_and_no_more(role: str) -> None:
    user = User.objects.create(username="ada")
    team = Team.objects.create(slug="a", name="A")
    other = Team.objects.create(slug="b", name="B")
    Membership.objects.create(user=user, team=team, role=role)
    assert {what: queries.may(user, team, what) for what in MAY[role]} == MAY[role]
    assert not any(queries.may(user, other, what) for what in MAY[role])
    assert list(queries.teams_of(user)) == [team]


def test_nobody_and_the_inactive_may_nothing() -> None:
    user, team = actions.ensure_first_team()
    assert queries.may(user, team, "own")
    user.is_active = False
    assert not queries.may(user, team, "read")
    assert not queries.may(AnonymousUser(), team, "read")


def test_the_first_team_is_made_once_and_without_a_password() -> None:
    user, team = actions.ensure_first_team()
    assert actions.ensure_first_team() == (user, team)
    assert (user.username, team.slug, user.has_usable_password()) == ("admin", "lab", False)


def test_a_changed_password_survives_the_next_start() -> None:
    user, _ = actions.ensure_first_team()
    actions.set_password(user, "rather-long-and-odd-42")
    again, _ = actions.ensure_first_team()
    assert again.check_password("rather-long-and-odd-42")


def test_a_weak_password_is_refused() -> None:
    user, _ = actions.ensure_first_team()
    with pytest.raises(ValidationError):
        actions.set_password(user, "short")
    assert not user.has_usable_password()


def test_a_sign_in_link_works_once() -> None:
    user, _ = actions.ensure_first_team()
    token = actions.sign_in_link(user)
    assert actions.redeem(token) == user
    assert actions.redeem(token) is None


def test_a_sign_in_link_is_not_kept_in_the_clear() -> None:
    user, _ = actions.ensure_first_team()
    token = actions.sign_in_link(user)
    assert len(token) >= 43
    assert token not in str(SignInLink.objects.values())


def test_an_old_a_wrong_and_an_inactive_link_do_nothing() -> None:
    user, _ = actions.ensure_first_team()
    old, good = actions.sign_in_link(user), actions.sign_in_link(user)
    SignInLink.objects.order_by("id")[:1].get().delete()
    assert actions.redeem(old) is None
    SignInLink.objects.update(expires=Now() - timedelta(seconds=1))
    assert actions.redeem(good) is None
    assert actions.redeem("") is None
    locked = actions.sign_in_link(user)
    User.objects.update(is_active=False)
    assert actions.redeem(locked) is None


@pytest.mark.django_db(transaction=True)
def test_a_link_opened_many_times_at_once_signs_in_once() -> None:
    user, _ = actions.ensure_first_team()
    token, gate = actions.sign_in_link(user), Barrier(8)

    def redeem(_: int) -> User | None:
        gate.wait()
        try:
            return actions.redeem(token)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(redeem, range(8)))
    assert sorted(map(bool, found)) == [False] * 7 + [True]
