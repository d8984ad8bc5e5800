import pytest
import torch
from torch import nn

from snnlab.learning import linear
from snnlab.learning.linear import Linear, OneDNN, onednn


@pytest.fixture
def both():
    """Our layer and torch's, with the same weights, and an input that needs a gradient."""
    ours, theirs = Linear(37, 11), nn.Linear(37, 11)
    theirs.load_state_dict(ours.state_dict())
    return ours, theirs, torch.randn(50, 37, requires_grad=True)


def gradients(layer, x):
    y = layer(x)
    weights = torch.randn(y.shape, generator=torch.Generator().manual_seed(1))
    return [y.detach(), *torch.autograd.grad((y * weights).sum(), [x, *layer.parameters()])]


def test_output_and_gradients_are_those_of_torch(both):
    ours, theirs, x = both
    torch.testing.assert_close(gradients(ours, x), gradients(theirs, x))


@pytest.mark.skipif(not onednn(), reason="torch's own is as fast on this processor")
def test_onednn_computes_where_it_is_faster(both):
    ours, _, x = both
    assert isinstance(ours(x).grad_fn, OneDNN._backward_cls)


def test_where_the_operator_is_gone_torch_computes(both, monkeypatch):
    def gone(*_):
        raise AttributeError("no such operator")

    monkeypatch.setattr(linear, "product", gone)
    monkeypatch.setattr(linear, "amd", lambda: True)
    onednn.cache_clear()
    ours, theirs, x = both
    assert not onednn()
    assert torch.equal(ours(x), theirs(x))
    monkeypatch.undo()
    onednn.cache_clear()


def test_double_precision_and_sequences_are_left_to_torch(both):
    ours, theirs, _ = both
    x = torch.randn(4, 3, 37)
    assert torch.equal(ours(x), theirs(x))
    assert torch.equal(ours.double()(x.double()), theirs.double()(x.double()))
