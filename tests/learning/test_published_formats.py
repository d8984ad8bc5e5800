"""CIFAR and Tiny ImageNet: small copies written by the tests, and the real files where they are."""

import hashlib
import os
import pickle
import shutil
import zipfile

import pytest
import torch

from snnlab.learning import files
from snnlab.learning.datasets import tiny_imagenet
from snnlab.learning.datasets.cifar10 import CIFAR10
from snnlab.learning.datasets.cifar100 import CIFAR100
from snnlab.learning.datasets.tiny_imagenet import TinyImageNet
from snnlab.learning.errors import DataError
from tests.learning import copies


REAL = os.environ.get("SNNLAB_DATA_DIR", "")
TRAIN = [f"data_batch_{i}" for i in range(1, 6)]


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """An empty data folder and an empty cache, and no way out to the network."""
    monkeypatch.setenv("SNNLAB_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setattr(files, "cache", lambda: tmp_path / "cache")
    monkeypatch.setattr(files.download, "download", lambda url, *_: refuse(url))
    return tmp_path / "data"


def refuse(url):
    raise OSError(f"no network for {url}")


def cifar10(folder, form="bin"):
    """Each batch two images of every class."""
    for seed, name in enumerate([*TRAIN, "test_batch"]):
        labels = [*range(10), *range(10)]
        if form == "bin":
            content = copies.records(labels, 1, seed)
            copies.put(folder / f"cifar-10-batches-bin/{name}.bin", content)
        else:
            content = copies.batch(labels, "labels", seed)
            copies.put(folder / f"cifar-10-batches-py/{name}", content)
    copies.adopt(folder / f"cifar-10-batches-{form}")


def test_binary_records_become_images_and_classes(here):
    cifar10(here)
    data = CIFAR10().load()
    assert data.train.images.shape == (100, 3, 32, 32)
    assert data.train.labels.tolist() == [*range(10)] * 10
    pixels = [list(image) for seed in range(5) for image in copies.images(20, seed)]
    assert data.train.images.flatten(1).tolist() == pixels
    assert data.test.images.flatten(1).tolist() == [list(image) for image in copies.images(20, 5)]
    assert data.caveat == "a copy"


def test_the_python_version_holds_the_same_images(here, tmp_path, monkeypatch):
    cifar10(here)
    binary = CIFAR10().load()
    monkeypatch.setenv("SNNLAB_DATA_DIR", str(tmp_path / "other"))
    cifar10(tmp_path / "other", "py")
    python = CIFAR10().load()
    assert python.digest == binary.digest


def test_cifar_100_takes_the_fine_class(here):
    for seed, part in enumerate(("train", "test")):
        labels = [*range(100)]
        copies.put(here / f"cifar-100-binary/{part}.bin", copies.records(labels, 2, seed))
    copies.adopt(here / "cifar-100-binary")
    data = CIFAR100().load()
    assert data.train.labels.tolist() == data.test.labels.tolist() == [*range(100)]
    assert not torch.equal(data.train.images, data.test.images)


def test_the_fine_class_of_a_python_batch(here):
    for seed, part in enumerate(("train", "test")):
        content = copies.batch([*range(100)], "fine_labels", seed)
        copies.put(here / "cifar-100-python" / part, content)
    copies.adopt(here / "cifar-100-python")
    assert CIFAR100().load().train.labels.tolist() == [*range(100)]


def test_a_file_of_another_content_is_refused_by_its_published_checksum(here):
    cifar10(here)
    (here / "cifar-10-batches-bin/snnlab-data.json").unlink()
    with pytest.raises(DataError, match=r"data_batch_1\.bin is damaged: its SHA-1 is"):
        CIFAR10().load()


@pytest.mark.parametrize("name", ["data_batch_3.bin", "test_batch.bin"])
@pytest.mark.parametrize(
    "damage", [lambda c: c[:-1], lambda c: c[:-1] + b"\x00\x00", lambda c: b""]
)
def test_a_truncated_or_changed_file_is_refused_by_name(here, name, damage):
    cifar10(here)
    place = here / "cifar-10-batches-bin" / name
    place.write_bytes(damage(place.read_bytes()))
    with pytest.raises(DataError, match=rf"{name} is damaged"):
        CIFAR10().load()


def test_a_missing_file_of_an_accepted_copy_is_named(here):
    cifar10(here)
    (here / "cifar-10-batches-bin/data_batch_2.bin").unlink()
    with pytest.raises(DataError, match=r"data_batch_2\.bin is missing"):
        CIFAR10().load()


@pytest.mark.parametrize("dataset", [CIFAR10, CIFAR100, TinyImageNet])
def test_a_data_set_that_is_nowhere_says_what_to_put_where(here, dataset):
    assert not dataset().found()
    with pytest.raises(DataError, match=r"neither in SNNLAB_DATA_DIR nor in .* Put the file into"):
        dataset().load()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "0 bytes are not a number of records of 3,073 bytes"),
        (bytes(3072), "3,072 bytes are not a number of records"),
        (copies.records([10], 1), r"has a class outside 0\.\.9"),
    ],
)
def test_an_accepted_file_must_still_be_one_of_cifar(here, content, message):
    cifar10(here)
    (here / "cifar-10-batches-bin/data_batch_4.bin").write_bytes(content)
    copies.adopt(here / "cifar-10-batches-bin")
    with pytest.raises(DataError, match=rf"data_batch_4\.bin .*{message}"):
        CIFAR10().load()


class Command:
    """What an attacker would put into a pickle."""

    def __reduce__(self):
        return os.mkdir, ("/tmp/snnlab-was-here",)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (pickle.dumps(Command(), protocol=2), r"it names posix\.mkdir"),
        (pickle.dumps({"data": [0] * 3072}), "labels"),
        (pickle.dumps({"data": [0] * 3071, "labels": [1]}), "cannot reshape"),
        (pickle.dumps({"data": [0] * 6144, "labels": [1]}), "2 images and 1 classes"),
        (pickle.dumps([1]), "indices must be integers"),
        (copies.batch([1], "labels")[:-40], "truncated|exhausted|ran out"),
    ],
)
def test_a_python_batch_can_hold_nothing_but_images(here, content, message):
    cifar10(here, "py")
    (here / "cifar-10-batches-py/data_batch_5").write_bytes(content)
    copies.adopt(here / "cifar-10-batches-py")
    with pytest.raises(DataError, match=rf"data_batch_5 is no CIFAR batch: .*({message})"):
        CIFAR10().load()
    assert not os.path.exists("/tmp/snnlab-was-here")


@pytest.fixture
def tiny(here):
    folder = here / "tiny-imagenet-200"
    copies.tiny(folder)
    copies.adopt(folder)
    return folder


def test_a_folder_of_jpegs_becomes_images_and_classes_in_the_order_of_its_list(tiny):
    data = TinyImageNet().load()
    assert data.train.images.shape == (9, 3, 64, 64)
    assert data.train.labels.tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    assert data.test.labels.tolist() == [2, 2, 1, 1, 0, 0]  # as the annotations say
    expected = torch.tensor([[200, 0, 0], [0, 200, 0], [90, 90, 90]])
    for samples in data.train, data.test:
        colours = samples.images.float().mean((2, 3)).round().long()
        assert (colours - expected[samples.labels]).abs().max() <= 2  # JPEG is lossy
    assert data.caveat == "a copy"


def test_a_copy_with_some_classes_is_learnt_by_its_first_classes(tiny):
    with pytest.raises(DataError, match=r"no training image of 197 of 200 .* to 3 or less"):
        TinyImageNet().chosen()
    assert TinyImageNet(class_count=2).chosen().test.labels.tolist() == [1, 1, 0, 0]


def test_jpegs_are_decoded_once(tiny, monkeypatch):
    first = TinyImageNet().load()
    (tiny / "train").rename(tiny / "gone")
    assert TinyImageNet().load().digest == first.digest


def test_a_damaged_cache_is_made_anew(tiny, tmp_path):
    first = TinyImageNet().load()
    (place,) = (tmp_path / "cache/decoded").glob("*.safetensors")
    content = bytearray(place.read_bytes())
    content[-1] ^= 1
    place.write_bytes(content)
    assert TinyImageNet().load().digest == first.digest
    place.write_bytes(content[:100])
    assert TinyImageNet().load().digest == first.digest


def test_a_damaged_jpeg_is_named(tiny):
    place = tiny / f"train/{copies.WNIDS[1]}/images/{copies.WNIDS[1]}_2.JPEG"
    place.write_bytes(place.read_bytes()[:-1])
    with pytest.raises(DataError, match=rf"{place.name} is damaged"):
        TinyImageNet().load()


def test_a_missing_jpeg_is_named(tiny):
    (tiny / "val/images/val_3.JPEG").unlink()
    with pytest.raises(DataError, match=r"val_3\.JPEG is missing"):
        TinyImageNet().load()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("val/images/val_0.JPEG", b"GIF89a", r"val_0\.JPEG is no JPEG image"),
        ("val/images/val_0.JPEG", copies.jpeg(1, (64, 32)), "has 64 x 32 pixels, not 64 x 64"),
        ("wnids.txt", copies.WNIDS[0].encode(), r"of a class that wnids\.txt does not list"),
        ("val/val_annotations.txt", b"val_0.JPEG\n", r"of a class that wnids\.txt does not list"),
        (
            "val/val_annotations.txt",
            f"val_9.JPEG\t{copies.WNIDS[0]}".encode(),
            "val_9.* is missing",
        ),
    ],
)
def test_an_accepted_folder_must_still_be_tiny_imagenet(tiny, name, content, message):
    (tiny / name).write_bytes(content)
    copies.adopt(tiny)
    with pytest.raises(DataError, match=message):
        TinyImageNet().load()


@pytest.fixture
def zipped(tiny, here, monkeypatch):
    """The same as its published archive, in place of the folder."""
    place = here / "tiny-imagenet-200.zip"
    with zipfile.ZipFile(place, "w") as archive:
        for path in tiny.rglob("*.*"):
            archive.write(path, path.relative_to(here))
    checksum = hashlib.sha256(place.read_bytes()).hexdigest()
    archive = tiny_imagenet.ARCHIVE._replace(checksum=checksum)
    monkeypatch.setattr(tiny_imagenet, "ARCHIVE", archive)
    shutil.rmtree(tiny)
    return place


def test_the_published_archive_needs_no_acceptance(zipped, tmp_path):
    data = TinyImageNet().load()
    assert (len(data.train), len(data.test), data.caveat) == (9, 6, "")
    unpacked = {path.name for path in (tmp_path / "cache").rglob("*.*")}
    assert "snnlab-data.json" in unpacked
    assert not any(name.endswith("boxes.txt") for name in unpacked)
    zipped.unlink()
    assert TinyImageNet().load().digest == data.digest


def test_an_archive_that_was_unpacked_in_part_is_unpacked_again(zipped, tmp_path):
    copies.put(tmp_path / "cache/tiny-imagenet-200/wnids.txt", copies.WNIDS[0].encode())
    assert len(TinyImageNet().load().train) == 9


def test_a_damaged_archive_is_refused(zipped):
    zipped.write_bytes(zipped.read_bytes()[:-1])
    with pytest.raises(DataError, match=r"tiny-imagenet-200\.zip is damaged"):
        TinyImageNet().load()


def test_a_folder_that_nobody_accepted_says_how_to_accept_it(here):
    copies.tiny(here / "tiny-imagenet-200")
    with pytest.raises(DataError, match=r"no checksums are published\. .* --adopt"):
        TinyImageNet().load()


def real(dataset):
    """The data set in the folder that SNNLAB_DATA_DIR named before the tests began."""
    if not REAL or not dataset.found():
        pytest.skip(f"{dataset.title} is not in SNNLAB_DATA_DIR")
    return dataset.load()


@pytest.mark.parametrize(
    ("dataset", "sizes", "classes"),
    [
        (CIFAR10(), (50_000, 10_000), 10),
        (CIFAR100(), (50_000, 10_000), 100),
        (TinyImageNet(), (100_000, 10_000), 200),
    ],
    ids=["cifar10", "cifar100", "tiny-imagenet"],
)
def test_the_real_files_hold_what_was_published_or_what_was_accepted(
    monkeypatch, dataset, sizes, classes
):
    monkeypatch.setenv("SNNLAB_DATA_DIR", REAL)
    data = real(dataset)
    train, test = (samples.labels.bincount() for samples in (data.train, data.test))
    assert len(train.unique()) == len(test.unique()) == 1  # so many of each class
    if not data.caveat:
        assert (len(data.train), len(data.test)) == sizes
        assert len(train) == len(test) == classes
