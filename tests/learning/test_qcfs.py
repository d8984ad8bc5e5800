"""Quantised clip-floor-shift against its formula."""

import torch

from snnlab.learning.layers import Spiking
from snnlab.learning.neurons.qcfs import QCFS


def test_the_output_is_the_nearest_of_the_levels_within_the_range():
    current = torch.tensor([[-1.0, 0.24, 0.26, 0.74, 0.76, 1.9, 5.0]])
    output = QCFS(levels=4, ceiling=2.0, train_ceiling=False).scan(current, 3)
    assert output.tolist() == [[0.0, 0.0, 0.5, 0.5, 1.0, 2.0, 2.0]] * 3


def test_gradients_are_those_of_the_straight_through_estimator():
    """Bu et al. 2022: the floor counts as the identity."""
    current = torch.linspace(-1, 4, 101, dtype=torch.float64).requires_grad_()
    ceiling = torch.tensor(1.7, dtype=torch.float64, requires_grad=True)
    neuron = QCFS(levels=5).model_copy(update={"ceiling": ceiling})
    output = neuron.scan(current[None], 1)[0]
    level = (current / ceiling * 5 + 0.5).floor()
    inside = level == level.clamp(0, 5)
    by_ceiling = []
    for y in output:
        by_ceiling += torch.autograd.grad(y, ceiling, retain_graph=True)
    (by_current,) = torch.autograd.grad(output.sum(), current)
    torch.testing.assert_close(by_current, inside.double())
    expected = torch.where(inside, (output - current) / ceiling, (current > 0).double())
    torch.testing.assert_close(torch.stack(by_ceiling), expected)


def test_a_layer_trains_its_ceiling():
    layer = Spiking(torch.nn.Linear(3, 4), torch.nn.Identity(), QCFS(ceiling=2.0))
    assert layer.neuron.ceiling.item() == 2.0
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.1)
    layer(10 * torch.ones(1, 2, 3)).square().sum().backward()
    optimizer.step()
    assert 0 < layer.neuron.ceiling.item() < 2.0
