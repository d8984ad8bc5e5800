"""The losses of BPTT, by hand."""

import pytest
import torch

from snnlab.learning.networks.mlp import MLP
from snnlab.learning.neurons.lif import LIF
from snnlab.learning.rules.bptt import BPTT


def updated(rule, steps):
    network = MLP(hidden=(8,)).build((1, 3, 3), 4, LIF(), seed=1)
    images = torch.rand(5, 1, 3, 3, generator=torch.Generator().manual_seed(1))
    [loss] = rule.updates(
        network, images.expand(steps, *images.shape), torch.tensor([0, 1, 2, 3, 0])
    )
    return loss, [p.grad for p in network.parameters()]


def test_tet_of_one_step_without_its_regulariser_is_the_mean_loss():
    tet, mean = updated(BPTT(loss="tet", tet_weight=0), 1), updated(BPTT(), 1)
    assert tet[0] == pytest.approx(mean[0])
    torch.testing.assert_close(tet[1], mean[1])


def test_over_several_steps_tet_asks_more_than_the_mean():
    """Jensen: the cross-entropy of a mean is at most the mean of the cross-entropies."""
    assert updated(BPTT(loss="tet", tet_weight=0), 5)[0] > updated(BPTT(), 5)[0] + 0.01


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_tet_is_the_formula_of_deng_et_al(smoothing):
    """Eq. 10 and 11, with lambda 0.3 and phi 0.5, written as sums."""
    outputs, labels = torch.randn(3, 2, 4, dtype=torch.float64), [2, 0]
    expected = 0.0
    for t in range(3):
        for b, label in enumerate(labels):
            wanted = torch.full((4,), smoothing / 4, dtype=torch.float64)
            wanted[label] += 1 - smoothing
            log_p = outputs[t, b] - outputs[t, b].exp().sum().log()
            expected += 0.7 * -(wanted * log_p).sum() / 6
            expected += 0.3 * (outputs[t, b] - 0.5).square().sum() / 24
    rule = BPTT(loss="tet", tet_weight=0.3, tet_target=0.5, label_smoothing=smoothing)
    torch.testing.assert_close(rule.loss_of(outputs, torch.tensor(labels)), expected)
