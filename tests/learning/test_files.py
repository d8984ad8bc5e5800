"""Where data come from; the server is a real one, on this machine."""

import hashlib
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from snnlab.learning import files
from snnlab.learning.errors import DataError
from snnlab.learning.files import File, fetch, find


CONTENT = b"spikes"
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def served(tmp_path, monkeypatch):
    """A published file on a real server, an empty cache and an empty data folder."""
    for folder in ("site", "cache", "data"):
        (tmp_path / folder).mkdir()
    (tmp_path / "site/file.bin").write_bytes(CONTENT)
    monkeypatch.setenv("SNNLAB_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setattr(files, "cache", lambda: tmp_path / "cache")
    quiet = type("Quiet", (SimpleHTTPRequestHandler,), {"log_message": lambda *_: None})
    handler = partial(quiet, directory=tmp_path / "site")
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
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


def test_a_download_with_a_wrong_checksum_is_refused_and_not_kept(served, tmp_path):
    (tmp_path / "site/file.bin").write_bytes(b"other")
    with pytest.raises(DataError, match="the download from"):
        fetch(served)
    assert not (tmp_path / "cache/set/file.bin").exists()


def test_a_file_that_cannot_be_had_says_where_to_put_it(served, tmp_path):
    (tmp_path / "site/file.bin").unlink()
    with pytest.raises(DataError, match=r"Put the file into a folder and name .* SNNLAB_DATA_DIR"):
        fetch(served)
