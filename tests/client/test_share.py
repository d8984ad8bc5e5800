"""`snnlab share`."""

import json

import pytest
from django.test import Client

from snnlab.client.trouble import Code
from snnlab.experiments.models import Share
from snnlab.teams.models import User
from tests.client.typed import snnlab
from tests.experiments.toys import submit


pytestmark = pytest.mark.django_db


def test_a_link_is_made_listed_and_taken_back():
    run = submit()[0]
    made = snnlab("share", "create", "mnist", "--title=Ours", "--days=3", "--columns=energy,gap")
    place = made.stdout.strip()
    assert Client().get(place).status_code == 200
    share = Share.objects.get()
    assert (share.title, share.columns) == ("Ours", ["energy", "gap"])
    assert "Ours" in snnlab("share", "list").stdout
    (listed,) = json.loads(snnlab("share", "list", "--json").stdout)
    assert (listed["hits"], listed["works"]) == (1, True)
    assert place[3:-1] not in str(listed)
    assert "leads nowhere" in snnlab("share", "revoke", share.pk).stdout
    assert Client().get(place).status_code == 404
    assert snnlab("share", "create", run.pk).stdout.strip().startswith("/s/r")
    assert snnlab("share", "create", "compare", f"--query=runs={run.pk}").exit_code == Code.OK


def test_what_cannot_be_shared_is_told_in_words():
    submit()
    answer = snnlab("share", "create", "secret")
    assert (answer.exit_code, "there is no board secret" in answer.stderr) == (Code.WRONG, True)
    answer = snnlab("share", "create", "mnist", "--days=999")
    assert "days must be in 1..365, got 999" in answer.stderr
    assert snnlab("share", "revoke", 99).exit_code == Code.NOT_FOUND
    User.objects.get().memberships.update(role="viewer")
    assert snnlab("share", "create", "mnist").exit_code == Code.WRONG
