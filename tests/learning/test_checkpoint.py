from dataclasses import replace

import pytest
import torch
from safetensors.torch import save_file

from snnlab.learning.checkpoint import Checkpoint, load, save, weights_digest
from snnlab.learning.errors import DataError


def checkpoint():
    weight = torch.nn.Parameter(torch.randn(3, 4))
    optimizer = torch.optim.Adam([weight], lr=0.1)
    weight.sum().backward()
    optimizer.step()
    return Checkpoint(
        definition="0123456789ab",
        seed=1,
        epoch=3,
        metrics={"loss": 0.1 + 0.2, "accuracy": 99.0},
        network={"layer.weight": weight.detach(), "layer.count": torch.tensor(7)},
        optimizer=optimizer.state_dict(),
        generator=torch.Generator().manual_seed(5).get_state(),
        environment={"torch": "2.13.0", "threads": 1},
        portrait={"confusion": torch.eye(2).int()},
    )


def same(one, other):
    if isinstance(one, torch.Tensor):
        return torch.equal(one, other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[k], other[k]) for k in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    return one == other


def test_a_checkpoint_read_back_equals_itself(tmp_path):
    before = checkpoint()
    save(before, tmp_path / "checkpoint")
    assert same(vars(load(tmp_path / "checkpoint")), vars(before))
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint"]


def test_the_weights_digest_sees_a_single_bit():
    before = checkpoint()
    changed = {name: tensor.clone() for name, tensor in before.network.items()}
    changed["layer.weight"][1, 2] = torch.nextafter(
        changed["layer.weight"][1, 2], torch.tensor(9.0)
    )
    assert weights_digest(before) == weights_digest(replace(before, metrics={}))
    assert weights_digest(before) != weights_digest(replace(before, network=changed))


@pytest.mark.parametrize("damage", [b"", b"\x80\x04N.", b"\xff" * 100])
def test_a_file_that_is_no_checkpoint_is_refused_by_name(tmp_path, damage):
    path = tmp_path / "odd"
    path.write_bytes(damage)
    with pytest.raises(DataError, match="odd is no checkpoint"):
        load(path)


def test_a_checkpoint_of_another_version_is_refused(tmp_path):
    path = tmp_path / "old"
    save_file({"generator": torch.zeros(1)}, path, metadata={"checkpoint": '{"epoch": 1}'})
    with pytest.raises(DataError, match="old is no checkpoint of this version of snnlab"):
        load(path)


def test_a_truncated_checkpoint_is_refused(tmp_path):
    path = tmp_path / "cut"
    save(checkpoint(), path)
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(DataError, match="cut is no checkpoint"):
        load(path)


def test_a_pickle_is_never_loaded(tmp_path):
    path = tmp_path / "pickle"
    torch.save({"network": {}}, path)
    with pytest.raises(DataError, match="pickle is no checkpoint"):
        load(path)
