"""The same people as in the tests of the pages, and links to what they have."""

import pytest
from django.test import Client

from snnlab.experiments import actions_shares
from snnlab.experiments.actions_shares import Wish
from tests.web import lab
from tests.web.conftest import ada, home


__all__ = ["ada", "home"]


@pytest.fixture
def result(ada, tmp_path):
    """One result of the team `lab`, and one of another team that nobody may see."""
    lab.experiment(ada, "ours")
    lab.succeed(tmp_path, test_accuracy=97.5, energy=77.7, parameters=5000.0, firing_rate=0.1)
    lab.experiment(lab.person("bob", "others"), "theirs")
    lab.succeed(tmp_path, test_accuracy=98.25, energy=3.0)


@pytest.fixture
def visitor(db):
    """A browser that nobody has signed in with."""
    return Client(enforce_csrf_checks=True)


@pytest.fixture
def share(ada):
    """Makes a link of ada's team; gives its address."""

    def made(kind="board", slug="mnist", **wish):
        given = Wish(kind, slug="" if kind == "run" else slug, **wish)
        link, token = actions_shares.create(ada.teams.get(), ada, given)
        made.last = link
        return f"/s/{token}/"

    return made
