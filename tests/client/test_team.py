"""`snnlab team`."""

import json

import pytest

from snnlab.teams.actions import ensure_first_team
from snnlab.teams.actions_invitations import accept
from snnlab.teams.models import User
from tests.client.typed import snnlab


@pytest.fixture(autouse=True)
def lab(db) -> None:
    ensure_first_team()


def test_a_team_is_made_and_somebody_is_invited(db) -> None:
    assert (
        snnlab("team", "make", "Chip people").stdout
        == "team chip-people is made; you are its owner\n"
    )
    link = snnlab("team", "invite", "chip-people", "viewer").stdout
    accept(link.rstrip("/\n").rpartition("/")[2], User.objects.create(username="vera"))
    assert snnlab("team", "role", "chip-people", "vera", "member").exit_code == 0
    members = json.loads(snnlab("team", "members", "chip-people", "--json").stdout)
    assert members == [{"user": "admin", "role": "owner"}, {"user": "vera", "role": "member"}]
    assert snnlab("team", "remove", "chip-people", "vera").exit_code == 0
    teams = json.loads(snnlab("team", "list", "--json").stdout)
    assert [(one["team"], one["members"]) for one in teams] == [("chip-people", 1), ("lab", 1)]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("make", " "), 2),
        (("members", "nowhere"), 4),
        (("remove", "lab", "admin"), 2),
        (("remove", "lab", "nobody"), 4),
        (("invite", "lab", "king"), 2),
    ],
)
def test_what_cannot_be_ends_with_a_code(words: tuple[str, ...], code: int) -> None:
    assert snnlab("team", *words).exit_code == code
