import json
from pathlib import Path

import pytest

from snnlab.client.trouble import Code
from tests.client.typed import snnlab
from tests.learning import copies


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


def a_copy(elsewhere: Path) -> Path:
    """CIFAR-100 with one image of each class, which is not what was published."""
    for seed, part in enumerate(("train", "test")):
        content = copies.records([*range(100)], 2, seed)
        copies.put(elsewhere / f"cifar-100-binary/{part}.bin", content)
    return elsewhere / "cifar-100-binary"


def test_a_copy_can_be_accepted_with_a_caveat(elsewhere: Path) -> None:
    folder = a_copy(elsewhere)
    assert snnlab("data", "verify", "cifar100").exit_code == Code.FAILED
    result = snnlab("data", "verify", "cifar100", "--adopt", "1 image\n per class", "--json")
    assert (result.exit_code, states(result.stdout)) == (0, {"train.bin": "ok", "test.bin": "ok"})
    assert str(folder / "snnlab-data.json") in result.stderr
    listed = {entry["name"]: entry for entry in json.loads(snnlab("data", "list", "--json").stdout)}
    assert listed["cifar100"]["caveat"] == "1 image per class"
    (folder / "train.bin").write_bytes(copies.records([*range(100)], 2, 7))
    assert states(snnlab("data", "verify", "cifar100", "--json").stdout) == {
        "train.bin": "damaged",
        "test.bin": "ok",
    }


def test_what_cannot_be_read_is_not_accepted_and_the_last_word_stands(elsewhere: Path) -> None:
    folder = a_copy(elsewhere)
    snnlab("data", "verify", "cifar100", "--adopt", "1 image per class")
    (folder / "test.bin").write_bytes(b"cut")
    result = snnlab("data", "verify", "cifar100", "--adopt", "something else")
    assert result.exit_code == Code.FAILED
    assert "test.bin is no CIFAR file: 3 bytes" in result.stderr.replace("\n", " ")
    assert json.loads((folder / "snnlab-data.json").read_text())["caveat"] == "1 image per class"
    (folder / "test.bin").unlink()
    result = snnlab("data", "verify", "cifar100", "--adopt", "something else")
    assert "there is no whole copy to accept" in result.stderr.replace("\n", " ")


@pytest.mark.parametrize("caveat", ["", "  ", "x" * 201])
def test_a_copy_is_not_accepted_without_a_short_caveat(elsewhere: Path, caveat: str) -> None:
    a_copy(elsewhere)
    result = snnlab("data", "verify", "cifar100", "--adopt", caveat)
    assert (result.exit_code, "say in 1 to 200 characters" in result.stderr) == (Code.WRONG, True)
    assert snnlab("data", "verify", "--adopt", "all").exit_code == Code.WRONG


def test_what_a_package_ships_is_not_accepted(elsewhere: Path) -> None:
    result = snnlab("data", "verify", "mnist-5k", "--adopt", "mine")
    assert (result.exit_code, "nothing to accept" in result.stderr) == (Code.FAILED, True)


def test_many_files_share_a_row_but_a_damaged_one_has_its_own(elsewhere: Path) -> None:
    folder = elsewhere / "tiny-imagenet-200"
    copies.tiny(folder)
    assert "unknown" in snnlab("data", "verify", "tiny-imagenet").stdout
    text = snnlab("data", "verify", "tiny-imagenet", "--adopt", "3 classes").stdout
    assert "17 files" in text
    assert "JPEG" not in text
    (folder / "val/images/val_4.JPEG").write_bytes(b"cut")
    result = snnlab("data", "verify", "tiny-imagenet")
    assert "val_4.JPEG" in result.stdout
    assert ("16 files" in result.stdout, result.exit_code) == (True, Code.FAILED)


def test_fetch_of_a_shipped_data_set_verifies_it() -> None:
    result = snnlab("data", "fetch", "mnist-5k")
    assert (result.exit_code, "ok" in result.stdout) == (Code.OK, True)


def test_a_misspelt_data_set_gets_a_suggestion() -> None:
    result = snnlab("data", "fetch", "mnst")
    assert (result.exit_code, "Did you mean mnist?" in result.stderr) == (Code.NOT_FOUND, True)
