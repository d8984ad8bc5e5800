"""The door of the lab's store: what comes in is whole and verified, or it leaves nothing."""

import errno
import hashlib
import os
import socket
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.db.models.functions import Now

from snnlab.experiments import artifacts, joining, queue, recording, sweeping
from snnlab.experiments.models import Artifact, WorkerKey
from snnlab.experiments.store import Door, Folder, Shut, TooLarge, Unreachable, store
from snnlab.teams.actions import make_token
from tests.experiments.toys import Toy, fresh, submit
from tests.experiments.waiting import until
from tests.web import lab


pytestmark = pytest.mark.django_db(transaction=True)

BODY = b"weights " * 100_000
NAME = hashlib.sha256(BODY).hexdigest()


@pytest.fixture(autouse=True)
def home(settings, tmp_path: Path) -> Path:
    settings.SNNLAB_HOME = tmp_path / "lab"
    return settings.SNNLAB_HOME


@pytest.fixture
def key(db) -> str:
    return joining.make_key(joining.invite("ada"), "elsewhere")


@pytest.fixture
def door(live_server, key: str) -> Door:
    return Door(f"{live_server.url}/store/", key)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "checkpoint"
    path.write_bytes(BODY)
    return path


def quiet() -> None:
    """What nobody interrupts."""


def everything(home: Path) -> list[str]:
    return sorted(path.name for path in home.glob("artifacts/*/*"))


def test_what_is_sent_arrives_and_can_be_fetched_however_often(
    door: Door, file: Path, home: Path, tmp_path: Path
) -> None:
    for _ in range(2):
        door.send(file, NAME, quiet)
    assert door.place(file, NAME) == file
    assert everything(home) == [NAME]
    assert artifacts.verifies(NAME)
    copy = door.fetch(NAME, tmp_path, quiet)
    assert copy != artifacts.path_of(NAME)
    assert copy.read_bytes() == BODY
    assert door.fetch("0" * 64, tmp_path, quiet) is None


def test_sending_again_mends_a_damaged_file(client, key: str, home: Path) -> None:
    for content in (BODY, b"damaged"):
        path = artifacts.path_of(NAME)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        assert put(client, key).status_code == 201
        assert artifacts.verifies(NAME)


def test_a_damaged_file_is_fetched_by_nobody(door: Door, file: Path, tmp_path: Path) -> None:
    door.send(file, NAME, quiet)
    artifacts.path_of(NAME).write_bytes(BODY[:-1] + b"!")
    assert door.fetch(NAME, tmp_path, quiet) is None


def put(client, key: str, body: bytes = BODY, name: str = NAME, **headers: str):
    authorization = {"authorization": f"Bearer {key}"}
    return client.put(f"/store/{name}", body, "application/octet-stream",
                      headers=authorization | headers)  # fmt: skip


def test_what_is_not_what_its_name_says_is_refused_and_gone(client, key: str, home: Path) -> None:
    for body in (b"something else", BODY[:-1], BODY + b"!"):
        assert put(client, key, body).status_code == 400
    assert put(client, key, b"").status_code == 411
    assert everything(home) == []
    assert not Artifact.objects.exists()


def test_an_upload_that_breaks_off_leaves_no_file_and_no_row(door: Door, home: Path) -> None:
    place = urlsplit(door.address)
    with socket.create_connection((place.hostname, place.port)) as line:
        head = f"PUT /store/{NAME} HTTP/1.1\r\nHost: {place.netloc}\r\n"
        line.sendall(f"{head}Authorization: Bearer {door.key}\r\n".encode())
        line.sendall(f"Content-Length: {len(BODY)}\r\n\r\n".encode() + BODY[:300_000])
        until(lambda: len(everything(home)) == 1)
        assert everything(home) != [NAME], "what is not whole has not its name"
    until(lambda: everything(home) == [])
    assert not Artifact.objects.exists()


def test_a_file_that_is_too_large_is_refused_before_it_is_read(
    door: Door, file: Path, client, settings, home: Path
) -> None:
    settings.SNNLAB_LARGEST = 1
    large = b"x" * (2**20 + 1)
    file.write_bytes(large)
    with pytest.raises(TooLarge, match="1048577 bytes, and the lab takes at most 1048576"):
        door.send(file, hashlib.sha256(large).hexdigest(), quiet)
    assert put(client, door.key, large).status_code == 413
    assert everything(home) == []


def test_a_full_disk_is_told_as_such(door: Door, file: Path, home: Path, monkeypatch) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(artifacts.os, "fsync", full)
    with pytest.raises(OSError, match="the lab's disk is full"):
        door.send(file, NAME, quiet)
    assert everything(home) == []


@pytest.mark.parametrize("method", ["get", "put", "delete"])
def test_only_a_key_that_works_opens_the_store(client, door: Door, method: str) -> None:
    ada = lab.person("ada", "lab")
    client.force_login(ada)
    ask = getattr(client, method)
    for wrong in ("", "Bearer ", "Bearer x", f"Bearer {make_token(ada, 'mine')}", door.key,
                  f"Basic {door.key}", f"Bearer {joining.invite('ada')}"):  # fmt: skip
        for place in ("/store/", f"/store/{NAME}"):
            assert ask(place, headers={"authorization": wrong}).status_code == 401, wrong
    right = {"authorization": f"Bearer {door.key}"}
    assert ask(f"/store/{NAME}", headers=right).status_code in (204, 404, 411)


def test_a_key_ends_a_week_after_its_last_use_or_when_it_is_revoked(door: Door) -> None:
    assert door.open()
    row = WorkerKey.objects.get()
    assert timedelta(days=6) < row.expires_at - row.created_at < timedelta(days=8)
    assert door.key not in (row.key_sha256, row.machine, row.actor)
    WorkerKey.objects.update(used_at=Now() - timedelta(days=6), expires_at=Now() + timedelta(1))
    assert door.open()
    before = row.expires_at
    row.refresh_from_db()
    assert row.expires_at > before
    WorkerKey.objects.update(expires_at=Now() - timedelta(seconds=1))
    with pytest.raises(Shut):
        door.open()
    WorkerKey.objects.update(expires_at=Now() + timedelta(1))
    assert joining.revoke_key(row.pk)
    assert not joining.revoke_key(row.pk)
    with pytest.raises(Shut, match="join again"):
        door.open()


@pytest.mark.parametrize(
    "name", ["../secret_key", "..%2f..%2fsecret_key", NAME.upper(), NAME[1:], NAME + "0", "x" * 64]
)
def test_nothing_but_a_digest_is_a_name(client, key: str, home: Path, name: str) -> None:
    home.mkdir(exist_ok=True)
    (home / "secret_key").write_text("a secret")
    answer = put(client, key, name=name)
    assert answer.status_code == 404
    answer = client.get(f"/store/{name}", headers={"authorization": f"Bearer {key}"})
    assert (answer.status_code, b"a secret" in answer.content) == (404, False)
    assert everything(home) == []


def test_only_what_no_row_names_can_be_removed(client, key: str, door: Door, file: Path) -> None:
    door.send(file, NAME, quiet)
    Artifact.objects.create(sha256=NAME, size=len(BODY))
    right = {"authorization": f"Bearer {key}"}
    assert client.delete(f"/store/{NAME}", headers=right).status_code == 204
    assert artifacts.verifies(NAME)
    Artifact.objects.all().delete()
    assert client.delete(f"/store/{NAME}", headers=right).status_code == 204
    assert not artifacts.path_of(NAME).exists()
    assert not Artifact.objects.exists()


def test_few_files_come_in_at_once_so_that_pages_have_threads(client, key: str) -> None:
    from snnlab.web.store import AT_ONCE, RECEIVING

    for _ in range(AT_ONCE):
        RECEIVING.acquire()
    answer = put(client, key)
    for _ in range(AT_ONCE):
        RECEIVING.release()
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
    assert put(client, key).status_code == 201


def test_a_row_is_written_only_when_the_lab_has_the_file(
    door: Door, settings, home: Path, tmp_path: Path
) -> None:
    (run,) = submit(Toy())
    settings.SNNLAB_STORE, settings.SNNLAB_STORE_KEY = door.address, door.key
    claim, checkpoint = queue.claim("worker:w:0", ["cpu"]), fresh(1)
    with pytest.raises(Unreachable, match="is gone again"):
        recording.record(claim, [("loss", 1, 0.5)], checkpoint)
    assert (run.checkpoints.count(), run.measurements.count(), Artifact.objects.count()) == (0,) * 3
    for step in range(1, 5):
        checkpoint = fresh(step, final=step == 4)
        store().send(Path(checkpoint.path), checkpoint.sha256, quiet)
        recording.record(claim, [("loss", step, 0.5)], checkpoint)
    names = set(run.checkpoints.values_list("artifact_id", flat=True))
    assert set(everything(home)) == names == set(Artifact.objects.values_list("pk", flat=True))
    assert len(names) == 2, "older ones are gone at the lab, too"


def test_a_store_elsewhere_is_no_door_but_trouble(live_server, settings, tmp_path: Path) -> None:
    assert isinstance(store(), Folder)
    assert not Door("http://127.0.0.1:9/store/", "x").open()
    assert not Door(f"{live_server.url}/nothing/", "x").open()
    assert not Door(f"{live_server.url}/sign-in/", "x").open(), "a page is no answer"
    with pytest.raises(Unreachable, match="302"):
        Door(f"{live_server.url}/queue/?", "x").fetch("", tmp_path, quiet)


def test_a_file_on_another_disk_is_moved_whole(home: Path, file: Path, monkeypatch) -> None:
    real = os.replace

    def across(source: Path, target: Path) -> None:
        if Path(source) == file:
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        real(source, target)

    monkeypatch.setattr(artifacts.os, "replace", across)
    artifacts.keep(file, NAME)
    assert (artifacts.verifies(NAME), file.exists(), everything(home)) == (True, False, [NAME])


def test_what_a_crash_left_of_an_upload_is_swept(home: Path) -> None:
    half = home / "artifacts" / artifacts.INCOMING / "half"
    half.parent.mkdir(parents=True)
    half.touch()
    assert sweeping.sweep() == 0
    os.utime(half, (0, 0))
    assert sweeping.sweep() == 1
    assert not half.exists()
