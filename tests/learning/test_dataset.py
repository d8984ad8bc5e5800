import gzip
import struct

import pytest
import torch

from snnlab.learning import files
from snnlab.learning.dataset import Dataset, Samples, packed, split
from snnlab.learning.datasets import mnist_5k
from snnlab.learning.datasets.mnist_5k import MNIST5k
from snnlab.learning.datasets.mnist_7x7 import smaller
from snnlab.learning.errors import DataError
from snnlab.learning.mnist import read_idx
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
        classes = samples.labels.unique().tolist()
        assert classes == list(range(len(classes)))
        assert len(classes) == dataset.all_classes or data.caveat
    some = data.train.images[:: 1 + len(data.train) // 10_000].float() / 255
    near = 0.015 if not data.caveat else 0.03  # a part of the classes has other colours
    assert some.mean((0, 2, 3)).tolist() == pytest.approx(dataset.mean, abs=near)
    assert some.std((0, 2, 3)).tolist() == pytest.approx(dataset.std, abs=near)
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


def test_more_training_images_than_there_are_are_refused():
    with pytest.raises(DataError, match="train_size is 300, but there are 180 images to train on"):
        split(numbered(200), 0.1, 300, seed=3)


def test_a_training_set_that_loses_a_class_is_refused():
    with pytest.raises(DataError, match=r"3 images are too few .* none is left of 1 classes"):
        split(numbered(200), 0.1, 3, seed=3)


def test_the_first_classes_alone_can_be_learnt():
    data = MNIST5k(class_count=3).chosen()
    assert data.train.labels.bincount().tolist() == [400] * 3
    assert data.test.labels.bincount().tolist() == [100] * 3
    assert MNIST5k(class_count=3).classes == 3
    assert MNIST5k(class_count=3, train_size=20).narrowing == (
        "first 3 of 10 classes; trained on 20 images only"
    )
    assert data.digest == MNIST5k().chosen().digest  # of the files, whatever is taken of them


@pytest.mark.parametrize("count", [1, 11])
def test_a_number_of_classes_that_there_are_not_is_refused(count):
    with pytest.raises(ValueError, match=rf"class_count must be 0 or in 2\.\.10, got {count}"):
        MNIST5k(class_count=count)


def test_a_class_without_an_image_is_named_with_the_way_out(monkeypatch):
    whole = MNIST5k().load()
    train = whole.train[whole.train.labels != 7]
    monkeypatch.setattr(MNIST5k, "load", lambda self: packed(train, whole.test, ()))
    with pytest.raises(DataError, match=r"no training image of 1 of 10 .* class 7.* to 7 or less"):
        MNIST5k().chosen()
    assert len(MNIST5k(class_count=7).chosen().test) == 700


def test_the_digest_sees_every_pixel_and_every_label():
    one = numbered(20)
    pixel, label = one.images.clone(), one.labels.clone()
    pixel[3] += 1
    label[3] += 1
    changed = (Samples(pixel, one.labels), Samples(one.images, label))
    digests = {packed(train, one, ()).digest for train in (one, *changed)}
    assert len(digests) == 3
    assert packed(one, one, ("a", "", "b")).caveat == "a; b"


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


def test_small_images_are_means_of_blocks():
    images = torch.zeros(1, 1, 28, 28, dtype=torch.uint8)
    images[0, 0, :4, 4:8] = 200
    images[0, 0, 4:6, :4] = 100
    small = smaller(Samples(images, torch.tensor([3])))
    wanted = torch.zeros(1, 1, 7, 7, dtype=torch.uint8)
    wanted[0, 0, 0, 1], wanted[0, 0, 1, 0] = 200, 50
    assert torch.equal(small.images, wanted)
    assert small.labels.tolist() == [3]
