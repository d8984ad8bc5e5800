"""Batched augmentation, against loops over single pixels that read the same random numbers."""

import pytest
import torch

from snnlab.learning.augment import CropFlip, Unchanged


MEAN = torch.tensor([0.5, 0.2, 0.9]).view(3, 1, 1)


def images(n=6, height=5, width=7):
    return torch.randint(1, 256, (n, 3, height, width), dtype=torch.uint8)


def drawn(seed):
    return torch.Generator().manual_seed(seed)


def naively(part, batch, seed):
    """Pixel by pixel, from the definition."""
    generator, (n, _, height, width) = drawn(seed), batch.shape

    def draw(high):
        return torch.randint(high, (n,), generator=generator).tolist()

    top, left = draw(2 * part.padding + 1), draw(2 * part.padding + 1)
    flipped = draw(2) if part.flip else [0] * n
    centres = list(zip(draw(height), draw(width), strict=True)) if part.cutout else []
    result = torch.zeros_like(batch)
    for i in range(n):
        for y in range(height):
            for x in range(width):
                across = width - 1 - x if flipped[i] else x
                row, column = y + top[i] - part.padding, across + left[i] - part.padding
                if 0 <= row < height and 0 <= column < width:
                    result[i, :, y, x] = batch[i, :, row, column]
                if centres:
                    first = [c - part.cutout // 2 for c in centres[i]]
                    if all(0 <= a - b < part.cutout for a, b in zip((y, x), first, strict=True)):
                        result[i, :, y, x] = (255 * MEAN.flatten()).round().to(torch.uint8)
    return result


@pytest.mark.parametrize("padding", [0, 1, 4])
@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.parametrize("cutout", [0, 2, 3])
def test_a_batch_is_changed_as_each_pixel_alone_would_be(padding, flip, cutout):
    part, batch = CropFlip(padding=padding, flip=flip, cutout=cutout), images()
    for seed in range(5):
        changed = part.augment(batch, MEAN, drawn(seed))
        assert torch.equal(changed, naively(part, batch, seed))


def test_pixels_as_bytes_and_as_numbers_are_changed_alike():
    part, batch = CropFlip(padding=2), images()
    whole = part.augment(batch, MEAN, drawn(1)).float() / 255
    assert torch.equal(part.augment(batch.float() / 255, MEAN, drawn(1)), whole)
    cut = CropFlip(cutout=64).augment(batch.float() / 255, MEAN, drawn(1))
    assert torch.equal(cut, MEAN.expand_as(cut))


def test_every_crop_and_half_of_the_mirror_images_occur():
    pattern = torch.arange(1, 10, dtype=torch.uint8).view(1, 1, 3, 3)
    batch = CropFlip(padding=1).augment(pattern.expand(4000, 1, 3, 3), MEAN[:1], drawn(1))
    kinds, counts = batch.flatten(1).unique(dim=0, return_counts=True)
    assert len(kinds) == 3 * 3 * 2
    assert (counts - 4000 / 18).abs().max() < 4 * (4000 / 18) ** 0.5  # 4 standard deviations


def test_the_same_generator_changes_alike_and_another_otherwise():
    part, batch = CropFlip(), images(32)
    one, same, other = (part.augment(batch, MEAN, drawn(seed)) for seed in (1, 1, 2))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


def test_none_leaves_images_and_generator_alone():
    batch, generator = images(), drawn(1)
    assert Unchanged().augment(batch, MEAN, generator) is batch
    assert torch.equal(generator.get_state(), drawn(1).get_state())
