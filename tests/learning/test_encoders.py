import pytest
import torch

from snnlab.learning.encoders import Delta, Direct, Latency, Poisson, is_constant


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


def encoded(encoder, pixels, steps):
    images = torch.tensor(pixels).view(1, 1, 1, -1)
    return encoder.encode(images, steps, UNIT, torch.Generator()).flatten(1)


def test_latency_is_linear_in_the_brightness_white_first():
    spikes = encoded(Latency(), [1.0, 0.75, 0.5, 0.26, 0.001], 5)
    assert spikes.argmax(0).tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("steps", [1, 2, 7, 100])
@pytest.mark.parametrize("threshold", [0.0, 0.4])
def test_latency_is_one_spike_or_none(steps, threshold):
    images = torch.rand(4, 1, 5, 5)
    images[0, 0, 0] = torch.tensor([0.0, 0.4, 0.4001, 0.9, 1.0])
    x = Latency(threshold=threshold).encode(images, steps, UNIT, torch.Generator())
    assert torch.equal(x.sum(0), (images > threshold).float())
    assert set(x.unique().tolist()) <= {0.0, 1.0}


def test_a_brighter_pixel_never_spikes_later():
    images = torch.rand(1, 1, 1, 500).sort(descending=True).values
    moments = Latency().encode(images, 20, UNIT, torch.Generator()).flatten(1).argmax(0)
    assert (moments.diff() >= 0).all()


def test_delta_spikes_once_for_each_threshold_that_the_onset_is_high():
    pixels = [0.0, 0.19, 0.2, 0.59, 0.6, 1.0]
    spikes = encoded(Delta(threshold=0.2), pixels, 10)
    assert spikes.sum(0).tolist() == [0, 0, 1, 2, 3, 5]


def test_delta_follows_the_onset_and_then_is_silent():
    assert encoded(Delta(threshold=0.3), [0.9], 6).flatten().tolist() == [1, 1, 1, 0, 0, 0]


def test_what_delta_has_sent_is_the_image_but_for_less_than_a_threshold():
    images = torch.rand(4, 1, 5, 5)
    sent = 0.05 * Delta(threshold=0.05).encode(images, 20, UNIT, torch.Generator()).sum(0)
    assert ((images - sent).abs() < 0.05 + 1e-5).all()


def test_delta_with_too_few_steps_sends_one_spike_in_each():
    assert encoded(Delta(threshold=0.1), [1.0], 3).flatten().tolist() == [1, 1, 1]
