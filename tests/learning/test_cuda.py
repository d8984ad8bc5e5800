"""The scan on a GPU; its source also without one, interpreted, where Triton is there."""

import os
import subprocess
import sys
from importlib.util import find_spec

import pytest
import torch

from snnlab.learning import loop
from snnlab.learning.kernels import cpu, cuda
from snnlab.learning.scan import scan


needs_triton = pytest.mark.skipif(find_spec("triton") is None, reason="no Triton here")
needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")

INTERPRETED = """
from snnlab.learning.kernels import cpu, cuda
wrong = [mode for mode in cpu.modes() if not cuda.agrees(mode, "cpu")]
assert not wrong, wrong
"""


@needs_triton
def test_the_source_means_what_the_loop_does():
    environment = {**os.environ, "TRITON_INTERPRET": "1"}
    subprocess.run([sys.executable, "-c", INTERPRETED], env=environment, check=True)


@needs_gpu
@needs_triton
@pytest.mark.parametrize("dynamics", list(cpu.modes()), ids=str)
@pytest.mark.parametrize("constant", [False, True])
def test_a_gpu_gives_what_the_processor_gives(dynamics, constant):
    assert cuda.kernels()
    generator = torch.Generator().manual_seed(1)
    current = torch.randn(1 if constant else 6, 3, 1000, generator=generator)
    errors = torch.randn(6, 3, 1000, generator=generator)
    found = []
    for device in "cpu", "cuda":
        x = current.to(device).requires_grad_()
        spikes = scan(x, dynamics, 6)
        (gradient,) = torch.autograd.grad(spikes, x, errors.to(device))
        found.append((spikes.detach().cpu(), gradient.cpu()))
    flipped = (found[0][0] != found[1][0]).any(0)
    assert flipped.float().mean() < 1e-3  # at the threshold, rounding decides
    same = ~flipped.expand_as(found[0][1])
    torch.testing.assert_close(found[0][1][same], found[1][1][same], rtol=1e-4, atol=1e-5)


@pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU is here")
def test_without_a_gpu_there_is_no_kernel():
    assert cuda.kernels() is None
    current = torch.rand(3, 4)
    assert not cuda.takes(current)
    dynamics = next(cpu.modes())
    expected = loop.forward(current, dynamics, torch.empty(3, 4), None)
    assert torch.equal(scan(current, dynamics, 3), expected)
