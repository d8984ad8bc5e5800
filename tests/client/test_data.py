import json
from pathlib import Path

import pytest

from snnlab.client.trouble import Code
from tests.client.typed import snnlab


NOTHING = "t10k-labels-idx1-ubyte.gz"


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder, and no cache beside it."""
    monkeypatch.setattr("snnlab.learning.files.cache", lambda: tmp_path / "cache")
    monkeypatch.setenv("SNNLAB_DATA_DIR", str(tmp_path))
    return tmp_path


def states(result: str) -> dict[str, str]:
    return {Path(file["file"]).name: file["state"] for file in json.loads(result)}


def test_list_names_licence_citation_and_place(elsewhere: Path) -> None:
    text = snnlab("data", "list").stdout
    assert "CC BY-SA 3.0" in text
    assert "mnist-5k" in text
    assert str(elsewhere) in text.replace("\n", "")
    listed = {entry["name"]: entry for entry in json.loads(snnlab("data", "list", "--json").stdout)}
    assert listed["mnist"]["files"][0]["state"] == "missing"
    assert listed["mnist-5k"]["files"][0]["size"] > 1_000_000


def test_verify_tells_ok_from_damaged_and_missing(elsewhere: Path) -> None:
    (elsewhere / "MNIST" / "raw").mkdir(parents=True)
    (elsewhere / "MNIST" / "raw" / NOTHING).write_bytes(b"not what was published")
    result = snnlab("data", "verify", "--json")
    found = states(result.stdout)
    assert found["mnist_5k.csv.gz"] == "ok"
    assert found[NOTHING] == "damaged"
    assert found["train-images-idx3-ubyte.gz"] == "missing"
    assert result.exit_code == Code.FAILED


def test_what_was_never_fetched_is_no_failure_unless_it_is_named(elsewhere: Path) -> None:
    assert snnlab("data", "verify").exit_code == Code.OK
    assert snnlab("data", "verify", "mnist").exit_code == Code.FAILED


def test_fetch_of_a_shipped_data_set_verifies_it() -> None:
    result = snnlab("data", "fetch", "mnist-5k")
    assert (result.exit_code, "ok" in result.stdout) == (Code.OK, True)


def test_a_misspelt_data_set_gets_a_suggestion() -> None:
    result = snnlab("data", "fetch", "mnst")
    assert (result.exit_code, "Did you mean mnist?" in result.stderr) == (Code.NOT_FOUND, True)
