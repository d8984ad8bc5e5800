"""The fused scan must equal the plain loop over steps: spikes and gradients, in every mode."""

from itertools import product

import pytest
import torch

from snnlab.learning.neurons.lif import LIF
from snnlab.learning.surrogates import SHAPES


MODES = [
    {
        "reset": reset,
        "detach_reset": detach,
        "v_reset": v_reset,
        "scale_input": scale,
        "v_initial": 0.3,
    }
    for reset, detach, v_reset, scale in product(
        ("soft", "hard"), (True, False), (0.0, -0.4), (False, True)
    )
]


def both(neuron, current, steps):
    """(spikes, gradient) of the fused scan and of the plain loop, for the same random loss."""
    weight = torch.randn(steps, *current.shape[1:], dtype=current.dtype)
    for way in neuron.scan, neuron.unrolled:
        x = current.detach().clone(memory_format=torch.preserve_format).requires_grad_()
        spikes = way(x, steps)
        (gradient,) = torch.autograd.grad((spikes * weight).sum(), x)
        yield spikes.detach(), gradient


def currents(*shape):
    generator = torch.Generator().manual_seed(1)
    return 3 * torch.randn(*shape, dtype=torch.float64, generator=generator) + 1


@pytest.mark.parametrize("mode", MODES, ids=str)
@pytest.mark.parametrize("shape", SHAPES)
def test_fused_equals_plain_for_changing_currents(mode, shape):
    neuron = LIF(surrogate=shape, surrogate_width=0.7, surrogate_height=1.3, **mode)
    (spikes, gradient), (expected, expected_gradient) = both(neuron, currents(9, 4, 5), 9)
    assert 0.05 < spikes.mean() < 0.95
    assert torch.equal(spikes, expected)
    torch.testing.assert_close(gradient, expected_gradient)


@pytest.mark.parametrize("mode", MODES, ids=str)
def test_fused_equals_plain_for_a_constant_current(mode):
    (spikes, gradient), (expected, expected_gradient) = both(LIF(**mode), currents(1, 40, 5), 9)
    assert spikes.shape == (9, 40, 5)
    assert torch.equal(spikes, expected)
    torch.testing.assert_close(gradient, expected_gradient)


def test_without_gradients_the_spikes_are_the_same():
    current = currents(9, 4, 5)
    with torch.no_grad():
        spikes = LIF().scan(current, 9)
    assert torch.equal(spikes, LIF().unrolled(current, 9))


def test_overwriting_the_current_changes_no_result():
    neuron, source = LIF(), currents(9, 4, 5).requires_grad_()
    gradients = []
    for overwrite in False, True:
        fresh = source * 1.0
        before = fresh.detach().clone()
        spikes = neuron.scan(fresh, 9, overwrite=overwrite)
        assert torch.equal(fresh.detach(), before) != overwrite
        gradients.append(torch.autograd.grad(spikes.square().sum(), source)[0])
    torch.testing.assert_close(*gradients)


def test_the_memory_layout_of_the_current_is_kept():
    current = currents(2, 3, 4, 5, 6).flatten(0, 1).to(memory_format=torch.channels_last)
    spikes = LIF().scan(current.view(2, 3, 4, 5, 6), 2)
    assert spikes[0].stride() == current.view(2, 3, 4, 5, 6)[0].stride()


def test_only_the_potential_is_kept_for_the_backward_pass():
    """Memory: one array for all h beside the spikes themselves, none per operation."""
    kept = []
    current = currents(50, 4, 5).requires_grad_() * 1.0
    with torch.autograd.graph.saved_tensors_hooks(lambda t: kept.append(t) or t, lambda t: t):
        spikes = LIF().scan(current, 50, overwrite=True)
    assert kept == []
    assert spikes.grad_fn.kept.data_ptr() == current.data_ptr()
