"""`snnlab token`: made once, listed without what it is, revoked."""

import json

import pytest

from snnlab.client.trouble import Code
from snnlab.teams.actions import user_of
from tests.client.typed import snnlab
from tests.web import lab


@pytest.mark.django_db
def test_a_token_is_made_listed_and_revoked() -> None:
    lab.person("ada", "lab")
    made = snnlab("token", "make", "notebook", "--user", "ada")
    token = made.stdout.strip()
    assert user_of(token).username == "ada"
    (listed,) = json.loads(snnlab("token", "list", "--user", "ada", "--json").stdout)
    assert listed["name"] == "notebook"
    assert token not in str(listed)
    assert "notebook" in snnlab("token", "list", "--user", "ada").stdout
    assert snnlab("token", "revoke", str(listed["id"]), "--user", "ada").exit_code == Code.OK
    assert user_of(token) is None
    again = snnlab("token", "revoke", str(listed["id"]), "--user", "ada")
    assert again.exit_code == Code.NOT_FOUND


@pytest.mark.django_db
def test_a_token_without_a_name_is_refused() -> None:
    lab.person("ada", "lab")
    assert snnlab("token", "make", " ", "--user", "ada").exit_code == Code.WRONG
