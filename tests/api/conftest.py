"""Programs with tokens: of a member, of a viewer of the same team, of a member of another."""

import json
from typing import Any

import pytest
from django.test import Client

from snnlab.teams.actions import make_token
from tests.web import lab
from tests.web.conftest import home


__all__ = ["home"]


class Program:
    """Asks the API with a token."""

    def __init__(self, token: str) -> None:
        self.client = Client(headers={"Authorization": f"Bearer {token}"})

    def get(self, path: str, **query: Any):
        return self.client.get(f"/api/v1/{path}", query)

    def post(self, path: str, data: Any = None):
        body = data if isinstance(data, str | bytes) else json.dumps(data)
        return self.client.post(f"/api/v1/{path}", body, content_type="application/json")


@pytest.fixture
def ada(db):
    return lab.person("ada", "lab")


@pytest.fixture
def program(ada):
    return Program(make_token(ada, "notebook"))


@pytest.fixture
def viewer(ada):
    return Program(make_token(lab.person("vera", "lab", "viewer"), "looks"))


@pytest.fixture
def stranger(ada):
    return Program(make_token(lab.person("bob", "others"), "elsewhere"))
