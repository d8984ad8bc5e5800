import pytest
import torch

from snnlab.learning.encoders import Direct, Poisson, is_constant


UNIT = (torch.zeros(1, 1, 1), torch.ones(1, 1, 1))


def test_direct_input_is_the_normalised_image_and_takes_no_memory():
    images = torch.rand(3, 1, 4, 4)
    normalise = (torch.full((1, 1, 1), 0.2), torch.full((1, 1, 1), 0.5))
    x = Direct().encode(images, 7, normalise, torch.Generator())
    assert x.shape == (7, 3, 1, 4, 4)
    assert is_constant(x)
    torch.testing.assert_close(x[6], (images - 0.2) / 0.5)


@pytest.mark.parametrize("max_rate", [1.0, 0.25])
def test_poisson_spikes_are_binary_and_as_frequent_as_the_pixel_is_bright(max_rate):
    images = torch.tensor([0.0, 0.3, 1.0]).view(1, 1, 1, 3)
    x = Poisson(max_rate=max_rate).encode(images, 1000, UNIT, torch.Generator().manual_seed(0))
    assert set(x.unique().tolist()) == {0.0, 1.0}
    expected = images.flatten() * max_rate
    error = (expected * (1 - expected) / 1000).sqrt()
    assert ((x.mean(0).flatten() - expected).abs() <= 4 * error).all()


def test_poisson_spikes_come_from_the_generator_alone():
    images = torch.rand(2, 1, 3, 3)
    once, again = (
        Poisson().encode(images, 5, UNIT, torch.Generator().manual_seed(3)) for _ in range(2)
    )
    assert torch.equal(once, again)
