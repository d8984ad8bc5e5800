"""`snnlab worker`: one command and one URL make a machine a worker."""

import os
import signal
from datetime import timedelta
from pathlib import Path

import pytest
from django.db.models.functions import Now

from snnlab.client import worker
from snnlab.client.trouble import Code
from snnlab.experiments import joining
from snnlab.experiments.models import JoinLink, Worker
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


@pytest.mark.django_db(transaction=True)
def test_a_link_makes_a_machine_a_worker(live_server, tmp_path: Path, settings) -> None:
    settings.SNNLAB_HOME = tmp_path
    settings.CELERY_BROKER_URL = "redis+socket:///nowhere/valkey.sock"
    url = f"{live_server.url}/join/{joining.invite('ada')}/"
    plain = {"DATABASE_URL": "", "BROKER_URL": "", "SNNLAB_HOME": str(tmp_path)}
    process = started("worker", url, "--labels=chip", "--slots=2", **plain)
    try:
        row = until(lambda: Worker.objects.first(), 60)
        assert (row.labels, row.slots, row.pools) == (["chip"], 2, ["cpu"])
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
    assert environment("")["DATABASE_URL"].replace(":@", "@") == joining.database()


def test_a_store_that_is_not_shared_is_told_of(capsys, settings, tmp_path) -> None:
    settings.SNNLAB_HOME = tmp_path
    mark = joining.mark()
    assert mark == joining.mark()
    worker.warn_of_other_store(mark)
    assert capsys.readouterr().err == ""
    worker.warn_of_other_store("another lab's")
    assert "is not the lab's" in capsys.readouterr().err


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
