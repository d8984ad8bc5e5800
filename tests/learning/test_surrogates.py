import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from snnlab.learning.surrogates import SHAPES, Surrogate


# functions whose derivative is the documented slope (for width 1 and height 1)
PRIMITIVES = {
    "boxcar": lambda z: z.clamp(-0.5, 0.5),
    "triangle": lambda z: torch.where(z.abs() < 1, z - z * z.abs() / 2, z.sign() / 2),
    "fast_sigmoid": lambda z: z / (1 + z.abs()),
    "sigmoid": lambda z: 4 * torch.sigmoid(z),
    "arctan": torch.arctan,
    "gaussian": lambda z: math.sqrt(math.pi / 2) * torch.erf(z / math.sqrt(2)),
    "exponential": lambda z: z.sign() * (1 - (-z.abs()).exp()),
}
POINTS = torch.linspace(-4.03, 4.07, 400, dtype=torch.float64)


@pytest.mark.parametrize("shape", SHAPES)
@given(width=st.floats(0.05, 20), height=st.floats(0.05, 20))
def test_the_slope_is_the_derivative_of_the_documented_primitive(shape, width, height):
    x = POINTS.clone().requires_grad_()
    (expected,) = torch.autograd.grad((PRIMITIVES[shape](x / width) * width * height).sum(), x)
    torch.testing.assert_close(Surrogate(shape, width, height).slope_(POINTS.clone()), expected)


@pytest.mark.parametrize("shape", SHAPES)
def test_the_slope_at_the_threshold_is_the_height(shape):
    at_threshold = Surrogate(shape, 0.3, 2.5).slope_(torch.zeros(1))
    torch.testing.assert_close(at_threshold, torch.tensor([2.5]))
