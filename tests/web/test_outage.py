"""A database that is away is told as such, with when to ask again; any other fault is a 500."""

import pytest
from django.db import InterfaceError, OperationalError

from snnlab.experiments import queries
from snnlab.teams.actions import make_token


@pytest.mark.parametrize("error", [OperationalError("gone"), InterfaceError("closed")])
def test_a_page_without_its_database_says_when_to_ask_again(member, monkeypatch, error) -> None:
    monkeypatch.setattr(queries, "experiments", lambda *_: (_ for _ in ()).throw(error))
    member.raise_request_exception = False
    answer = member.get("/experiments/")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert "The database does not answer" in answer.content.decode()
    assert "gone" not in answer.content.decode()


def test_another_fault_is_a_fault(member, monkeypatch) -> None:
    monkeypatch.setattr(queries, "experiments", lambda *_: 1 / 0)
    member.raise_request_exception = False
    answer = member.get("/experiments/")
    assert (answer.status_code, "Retry-After" in answer.headers) == (500, False)
    assert "Something broke" in answer.content.decode()


def test_a_program_is_told_in_json(client, ada, monkeypatch) -> None:
    def away(*_: object) -> None:
        raise OperationalError

    monkeypatch.setattr(queries, "runs", away)
    client.raise_request_exception = False
    token = make_token(ada, "asks")
    answer = client.get("/api/v1/runs", headers={"authorization": f"Bearer {token}"})
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["title"] == "The database does not answer"
