"""A signed-in member, a viewer of the same team and a member of another."""

import pytest

from tests.web import lab


@pytest.fixture(autouse=True)
def home(settings, tmp_path):
    """Stored files go to a folder of the test; static files come from where they are written."""
    settings.SNNLAB_HOME = settings.STATIC_ROOT = tmp_path


@pytest.fixture
def ada(db):
    return lab.person("ada", "lab")


@pytest.fixture
def member(client, ada):
    """The browser of a member of the team `lab`."""
    client.force_login(ada)
    return client


@pytest.fixture
def viewer(client, db):
    """The browser of somebody who may only look."""
    client.force_login(lab.person("vera", "lab", "viewer"))
    return client


@pytest.fixture
def stranger(client, db):
    """The browser of a member of another team."""
    client.force_login(lab.person("bob", "others"))
    return client
