"""`snnlab worker`: one command and one URL make a machine a worker."""

import json
import os
import signal
import socket
from datetime import timedelta
from pathlib import Path

import pytest
from django.db.models.functions import Now

from snnlab.client import worker
from snnlab.client.trouble import Code
from snnlab.experiments import joining
from snnlab.experiments.models import JoinLink, Worker, WorkerKey
from tests.chaos.conftest import environment
from tests.client.typed import snnlab, started
from tests.experiments.waiting import until
from tests.web import lab


@pytest.fixture
def taken(monkeypatch) -> list[list[str]]:
    """What would have been executed; the environment is as before afterwards."""
    calls: list[list[str]] = []
    monkeypatch.setattr(worker.os, "execv", lambda path, words: calls.append(words))
    monkeypatch.setattr(worker.os, "environ", os.environ.copy())
    return calls


@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.django_db(transaction=True)
def test_a_link_makes_a_machine_a_worker_with_a_key_unless_it_shares_the_folder(
    live_server, tmp_path: Path, settings, *, shared: bool
) -> None:
    settings.SNNLAB_HOME = tmp_path / "lab"
    settings.CELERY_BROKER_URL = "redis+socket:///nowhere/valkey.sock"
    url = f"{live_server.url}/join/{joining.invite('ada')}/"
    mine = str(tmp_path / ("lab" if shared else "elsewhere"))
    plain = {"DATABASE_URL": "", "BROKER_URL": "", "SNNLAB_HOME": mine}
    process = started("worker", url, "--labels=chip", "--slots=2", **plain)
    try:
        row = until(lambda: Worker.objects.first(), 60)
        assert (row.labels, row.slots, row.pools) == (["chip"], 2, ["cpu"])
    finally:
        process.send_signal(signal.SIGTERM)
        told = process.communicate(timeout=60)[1]
    keys = list(WorkerKey.objects.values_list("machine", "actor"))
    assert keys == ([] if shared else [(socket.gethostname()[:100], "ada")])
    assert (f"Checkpoints go to {live_server.url}/store/" in told) is not shared
    assert environment("")["DATABASE_URL"].replace(":@", "@") == joining.database()


def test_what_no_worker_can_offer_is_refused_in_words() -> None:
    process = started("worker", "--labels", "A100")
    told = process.communicate(timeout=60)[1]
    assert (process.returncode, "Traceback" in told) == (Code.WRONG, False), told
    assert "SNNLAB_LABELS must be words of at most 40 small letters" in told


@pytest.mark.django_db
def test_a_key_is_given_only_by_a_link_that_works_and_to_a_name(client) -> None:
    token = joining.invite("ada")
    for name in ("", " ", "a\nb", "x" * 101):
        answer = client.post(f"/join/{token}/key", {"machine": name})
        assert (answer.status_code, "machine" in answer.json()["error"]) == (422, True)
    assert client.post("/join/x/key", {"machine": "a"}).status_code == 404
    assert not WorkerKey.objects.exists()
    key = client.post(f"/join/{token}/key", {"machine": "a"}).json()["key"]
    assert joining.opens(key)
    JoinLink.objects.update(expires_at=Now())
    assert client.post(f"/join/{token}/key", {"machine": "a"}).status_code == 404
    assert joining.opens(key), "the key outlives the link"


@pytest.mark.django_db
def test_who_runs_the_lab_sees_and_revokes_keys(client, settings, tmp_path) -> None:
    settings.SNNLAB_HOME = tmp_path
    ada, bob = lab.person("ada", "lab"), lab.person("bob", "lab")
    ada.is_staff = True
    ada.save()
    first, second = (joining.make_key(joining.invite("ada"), f"box {n}") for n in (1, 2))
    client.force_login(bob)
    assert "box 1" not in client.get("/workers/").content.decode()
    client.force_login(ada)
    page = client.get("/workers/").content.decode()
    assert "box 1" in page
    assert first not in page
    told = json.loads(snnlab("workers", "keys", "--json", "--user=ada").stdout)
    assert [key["machine"] for key in told] == ["box 2", "box 1"]
    assert client.post(f"/workers/keys/{told[0]['key']}/revoke").status_code == 302
    assert client.post(f"/workers/keys/{told[0]['key']}/revoke").status_code == 404
    assert (joining.opens(second), joining.opens(first)) == (False, True)
    number = told[1]["key"]
    assert snnlab("workers", "revoke", number, "--user=bob").exit_code == Code.WRONG
    assert snnlab("workers", "revoke", number, "--user=ada").exit_code == 0
    assert snnlab("workers", "revoke", number, "--user=ada").exit_code == Code.NOT_FOUND
    assert not joining.opens(first)


@pytest.mark.django_db(transaction=True)
def test_a_link_that_is_unknown_or_too_old_is_refused(live_server, taken) -> None:
    token = joining.invite("ada")
    JoinLink.objects.update(expires_at=Now() - timedelta(seconds=1))
    for wrong in (token, "x", "0" * 43):
        result = snnlab("worker", f"{live_server.url}/join/{wrong}/")
        assert (result.exit_code, "cannot join" in result.stderr) == (Code.NOT_FOUND, True)
    assert snnlab("worker", "ftp://lab/join/x/").exit_code == Code.WRONG
    assert snnlab("worker", "http://127.0.0.1:9/join/x/").exit_code == Code.NOT_UP
    assert not taken


def test_a_lab_that_keeps_to_its_machine_says_so(monkeypatch, taken) -> None:
    told = {"environment": {"DATABASE_URL": "postgres://snnlab@%2Felsewhere%2Fsock/snnlab"},
            "home": "/elsewhere", "mark": "x"}  # fmt: skip
    monkeypatch.setattr(worker, "asked", lambda url: told)
    result = snnlab("worker", "http://lab/join/x/")
    assert (result.exit_code, taken) == (Code.NOT_UP, [])
    assert "keeps its database to its own machine" in result.stderr


def test_without_a_url_it_works_for_the_lab_of_this_machine(taken, tmp_path) -> None:
    assert snnlab("worker", "--home", tmp_path, "--pools=gpu", "--threads=2").exit_code == 0
    assert taken[0][1:4] == ["-m", "celery", "-A"]
    assert (os.environ["SNNLAB_POOLS"], os.environ["SNNLAB_THREADS"]) == ("gpu", "2")


@pytest.mark.django_db
def test_a_page_and_a_command_give_the_link_to_who_runs_the_lab(client, settings) -> None:
    settings.CSRF_TRUSTED_ORIGINS = ["https://lab.example.org"]
    ada = lab.person("ada", "lab")
    ada.is_staff = True
    ada.save()
    client.force_login(ada)
    assert (
        "snnlab worker http://testserver/join/" in client.post("/workers/invite").content.decode()
    )
    told = snnlab("workers", "invite", "--user=ada").stdout
    assert told.startswith("snnlab worker https://lab.example.org/join/")
    assert JoinLink.objects.count() == 2
    assert not JoinLink.objects.filter(token_sha256__in=told.split("/")).exists()
