import gzip
import struct

import pytest
import torch

from snnlab.learning import files
from snnlab.learning.dataset import Dataset, Samples, split
from snnlab.learning.datasets import mnist_5k
from snnlab.learning.datasets.mnist import read_idx
from snnlab.learning.datasets.mnist_5k import MNIST5k
from snnlab.learning.errors import DataError
from snnlab.learning.part import members


EVERY = pytest.mark.parametrize(
    "dataset", members(Dataset, "snnlab.learning.datasets"), ids=lambda d: d.__name__
)


@EVERY
def test_every_data_set_names_licence_citation_and_board(dataset):
    assert dataset.licence
    assert dataset.citation
    assert dataset.board
    assert dataset.title


@EVERY
def test_every_data_set_at_hand_holds_what_it_says(dataset):
    if not dataset().found():
        pytest.skip(f"{dataset.title} is not on this machine")
    data = dataset().load()
    for samples in data.train, data.test:
        assert samples.images.shape[1:] == dataset.shape
        assert samples.labels.unique().tolist() == list(range(dataset.classes))
    pixels = data.train.images.float() / 255
    assert pixels.mean((0, 2, 3)).tolist() == pytest.approx(dataset.mean, abs=0.005)
    assert pixels.std((0, 2, 3)).tolist() == pytest.approx(dataset.std, abs=0.005)
    assert len(data.digest) == 64


def test_the_sample_holds_4000_training_and_1000_test_images_of_equal_shares():
    data = MNIST5k().load()
    assert data.train.labels.bincount().tolist() == [400] * 10
    assert data.test.labels.bincount().tolist() == [100] * 10


def test_no_image_of_the_sample_is_both_trained_on_and_tested():
    data = MNIST5k().load()
    train = {image.numpy().tobytes() for image in data.train.images}
    assert not train & {image.numpy().tobytes() for image in data.test.images}


def numbered(n, classes=4):
    labels = torch.arange(n) % classes
    return Samples(torch.arange(n, dtype=torch.uint8).view(n, 1, 1, 1), labels)


def test_a_split_is_disjoint_complete_and_even_in_classes():
    train, held_out = split(numbered(200), 0.1, 0, seed=3)
    assert sorted([*train.images.flatten(), *held_out.images.flatten()]) == list(range(200))
    assert held_out.labels.bincount().tolist() == [5] * 4


def test_a_split_is_decided_by_its_seed():
    one, same, other = (split(numbered(200), 0.1, 0, seed=s)[0].images for s in (1, 1, 2))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


def test_a_smaller_training_set_is_even_in_classes_and_leaves_the_validation_alone():
    train, held_out = split(numbered(200), 0.1, 40, seed=3)
    assert train.labels.bincount().tolist() == [10] * 4
    assert torch.equal(held_out.images, split(numbered(200), 0.1, 0, seed=3)[1].images)


def idx(path, *sizes):
    header = bytes([0, 0, 8, len(sizes)]) + struct.pack(f">{len(sizes)}i", *sizes)
    path.write_bytes(gzip.compress(header + bytes(range(24))))
    return path


def test_an_idx_file_is_read_in_its_shape(tmp_path):
    read = read_idx(idx(tmp_path / "file.gz", 2, 3, 4))
    assert read.shape == (2, 3, 4)
    assert read[1, 2, 3] == 23


@pytest.mark.parametrize("content", [b"", b"no gzip", gzip.compress(b"\0\0\x08")])
def test_a_file_that_is_no_idx_is_refused_by_name(tmp_path, content):
    path = tmp_path / "broken.gz"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"broken\.gz is no gzipped IDX file"):
        read_idx(path)


def test_an_idx_file_that_promises_more_than_it_holds_is_refused(tmp_path):
    with pytest.raises(DataError, match="no gzipped IDX file"):
        read_idx(idx(tmp_path / "short.gz", 3, 3, 4))


def test_a_damaged_sample_is_refused_by_its_checksum(tmp_path, monkeypatch):
    copy = tmp_path / "mnist_5k.csv.gz"
    content = bytearray(files.find(mnist_5k.FILE).read_bytes())
    content[1000] ^= 1
    copy.write_bytes(content)
    monkeypatch.setattr(files, "find", lambda file: copy)
    with pytest.raises(DataError, match=r"mnist_5k\.csv\.gz is damaged"):
        MNIST5k().load()
