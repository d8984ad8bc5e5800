"""Where data come from; the server is a real one, on this machine."""

import hashlib
import io
import re
import tarfile
import zipfile
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from snnlab.learning import files
from snnlab.learning.errors import DataError
from snnlab.learning.files import Archive, File, fetch, find
from snnlab.learning.manifest import Manifest, write


CONTENT = b"spikes"
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Handler(SimpleHTTPRequestHandler):
    """Serves a folder, ranges too, and remembers which."""

    asked: list[str] = []

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        span = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        self.asked.append(self.headers.get("Range", ""))
        if not span:
            return super().do_GET()
        content = Path(self.translate_path(self.path)).read_bytes()[int(span[1]) :]
        self.send_response(206 if content else 416)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


@pytest.fixture
def served(tmp_path, monkeypatch):
    """A published file on a real server, an empty cache and an empty data folder."""
    for folder in ("site", "cache", "data"):
        (tmp_path / folder).mkdir()
    (tmp_path / "site/file.bin").write_bytes(CONTENT)
    monkeypatch.setenv("SNNLAB_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setattr(files, "cache", lambda: tmp_path / "cache")
    monkeypatch.setattr(Handler, "asked", [])
    handler = partial(Handler, directory=tmp_path / "site")
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, args=[0.01], daemon=True).start()
        yield File("set/file.bin", SHA256, f"http://127.0.0.1:{server.server_port}/file.bin")
        server.shutdown()


def test_a_file_is_downloaded_once_into_the_cache(served, tmp_path):
    assert find(served) is None
    assert fetch(served) == tmp_path / "cache/set/file.bin"
    (tmp_path / "site/file.bin").unlink()
    assert fetch(served).read_bytes() == CONTENT


def test_the_data_folder_wins_over_the_cache(served, tmp_path):
    fetch(served)
    (tmp_path / "data/set").mkdir()
    (tmp_path / "data/set/file.bin").write_bytes(CONTENT)
    assert fetch(served) == tmp_path / "data/set/file.bin"


def test_a_damaged_file_is_refused_by_name(served, tmp_path):
    (tmp_path / "data/set").mkdir()
    (tmp_path / "data/set/file.bin").write_bytes(b"spike")
    with pytest.raises(DataError, match=r"data/set/file\.bin is damaged"):
        fetch(served)


@pytest.mark.parametrize("algorithm", ["md5", "sha1", "sha256"])
def test_a_checksum_tells_its_algorithm_by_its_length(served, algorithm):
    place = fetch(served)
    good = hashlib.new(algorithm, CONTENT).hexdigest()
    files.check(place, served._replace(checksum=good))
    with pytest.raises(DataError, match="is damaged"):
        files.check(place, served._replace(checksum="0" * len(good)))


def test_a_download_with_a_wrong_checksum_is_refused_and_not_kept(served, tmp_path):
    (tmp_path / "site/file.bin").write_bytes(b"other")
    with pytest.raises(DataError, match="the download from"):
        fetch(served)
    left = {path.name for path in (tmp_path / "cache").rglob("*") if path.is_file()}
    assert left == {".lock"}


def test_an_interrupted_download_goes_on_where_it_stopped(served, tmp_path):
    (tmp_path / "cache/set").mkdir()
    (tmp_path / "cache/set/file.bin.part").write_bytes(CONTENT[:4])
    assert fetch(served).read_bytes() == CONTENT
    assert Handler.asked == ["bytes=4-"]


def test_a_download_that_was_stopped_just_before_its_end_is_taken(served, tmp_path):
    (tmp_path / "cache/set").mkdir()
    (tmp_path / "cache/set/file.bin.part").write_bytes(CONTENT)
    assert fetch(served).read_bytes() == CONTENT


def test_a_part_of_something_else_is_noticed_and_the_next_time_is_clean(served, tmp_path):
    (tmp_path / "cache/set").mkdir()
    (tmp_path / "cache/set/file.bin.part").write_bytes(b"else")
    with pytest.raises(DataError, match="the download from"):
        fetch(served)
    assert fetch(served).read_bytes() == CONTENT


def test_a_file_that_cannot_be_had_says_where_to_put_it(served, tmp_path):
    (tmp_path / "site/file.bin").unlink()
    with pytest.raises(DataError, match=r"Put the file into a folder and name .* SNNLAB_DATA_DIR"):
        fetch(served)


def test_of_two_that_want_a_file_one_downloads_it(served):
    with ThreadPoolExecutor(2) as pool:
        places = list(pool.map(fetch, [served, served]))
    assert places[0] == places[1]
    assert len(Handler.asked) == 1


def tar(path, **content):
    with tarfile.open(path, "w:gz") as archive:
        for name, body in content.items():
            info = tarfile.TarInfo(name)
            info.size = len(body)
            archive.addfile(info, io.BytesIO(body))
        link = tarfile.TarInfo("set/link.bin")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)


def zipped(path, **content):
    with zipfile.ZipFile(path, "w") as archive:
        for name, body in content.items():
            archive.writestr(name, body)


@pytest.fixture(params=[(tar, "set.tar.gz"), (zipped, "set.zip")], ids=["tar", "zip"])
def packed(request, served, tmp_path):
    """A file inside a published archive that also holds what nobody wants."""
    write_archive, name = request.param
    evil = {"set/../../evil.bin": b"evil", "/tmp/evil.bin": b"evil", "set/more.bin": b"more"}
    write_archive(tmp_path / "site" / name, **{"set/file.bin": CONTENT, **evil})
    checksum = hashlib.sha256((tmp_path / "site" / name).read_bytes()).hexdigest()
    url = served.url.replace("file.bin", name)
    archive = Archive(name, checksum, url, r"set/(file|link)\.bin")
    return File("set/file.bin", SHA256, archive=archive)


def test_only_what_is_wanted_is_taken_out_of_an_archive(packed, tmp_path):
    assert fetch(packed) == tmp_path / "cache/set/file.bin"
    found = {path.name for path in tmp_path.rglob("*") if path.is_file()} - {"file.bin"}
    assert found == {packed.archive.path, ".lock"}
    assert not (tmp_path / "cache/set/link.bin").exists()


def test_an_archive_that_lies_in_the_data_folder_needs_no_download(packed, tmp_path):
    name = packed.archive.path
    (tmp_path / "site" / name).rename(tmp_path / "data" / name)
    assert fetch(packed).read_bytes() == CONTENT
    assert Handler.asked == []


def test_a_truncated_archive_is_refused_by_name(packed, tmp_path):
    name = packed.archive.path
    (tmp_path / "data" / name).write_bytes((tmp_path / "site" / name).read_bytes()[:-20])
    with pytest.raises(DataError, match=rf"{name} is damaged"):
        fetch(packed)


def adopted(folder, **content):
    folder.mkdir(parents=True, exist_ok=True)
    listed = {name: hashlib.sha256(body).hexdigest() for name, body in content.items()}
    write(folder, Manifest(name="set", caveat="a copy", files=listed))


def test_a_manifest_stands_in_place_of_the_published_checksum(served, tmp_path):
    folder = tmp_path / "data/set"
    adopted(folder, **{"file.bin": b"a copy of spikes"})
    (folder / "file.bin").write_bytes(b"a copy of spikes")
    assert fetch(served) == folder / "file.bin"
    assert files.caveat(served) == "a copy"
    (folder / "file.bin").write_bytes(CONTENT)
    with pytest.raises(DataError, match=r"is damaged: .* snnlab-data\.json says"):
        fetch(served)


def test_a_file_that_the_manifest_does_not_list_is_refused(served, tmp_path):
    adopted(tmp_path / "data/set", **{"other.bin": CONTENT})
    (tmp_path / "data/set/file.bin").write_bytes(CONTENT)
    with pytest.raises(DataError, match=r"snnlab-data\.json does not list it"):
        fetch(served)


def test_an_accepted_copy_is_not_completed_with_published_files(served, tmp_path):
    adopted(tmp_path / "data/set", **{"file.bin": CONTENT})
    with pytest.raises(DataError, match=r"file\.bin is missing, but snnlab-data\.json lists it"):
        fetch(served)


@pytest.mark.parametrize("text", ["", "[]", '{"name": "set"}', '{"files": {"a": "../"}}'])
def test_a_manifest_that_cannot_be_understood_is_refused_by_name(served, tmp_path, text):
    (tmp_path / "data/set").mkdir()
    (tmp_path / "data/set/file.bin").write_bytes(CONTENT)
    (tmp_path / "data/set/snnlab-data.json").write_text(text)
    with pytest.raises(DataError, match=r"snnlab-data\.json is no description of a data set"):
        fetch(served)


def test_what_has_no_checksum_cannot_be_verified(served):
    place = fetch(served)
    with pytest.raises(DataError, match="no checksum of it is published"):
        files.check(place, served._replace(checksum=""))
