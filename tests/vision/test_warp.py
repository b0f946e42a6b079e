"""Stretched regions: exact on pictures whose colours are linear in the place, and plain elsewhere."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from originals import assert_close

from course_lib import vision
from course_lib.vision import warp_boxes, with_context

MIDDLE = 0.5  # of a pixel
ONE = torch.zeros(1, 4)  # box


def ramp(n, h, w, slopes):
    """Pictures (n, 2, h, w) whose colours are across and down, and the formulas of both."""
    ys, xs = torch.meshgrid(torch.arange(h) + MIDDLE, torch.arange(w) + MIDDLE, indexing="ij")
    across, down = slopes
    return torch.stack([across * xs, down * ys]).double().expand(n, 2, h, w)


@given(size=st.integers(2, 9), context=st.integers(0, 2), seed=st.integers(0, 999))
@settings(max_examples=40, deadline=None)
def test_a_linear_picture_is_stretched_exactly(size, context, seed):
    size += 2 * context
    rng = torch.Generator().manual_seed(seed)
    corner = 12 + 6 * torch.rand(3, 2, generator=rng, dtype=torch.float64)
    boxes = torch.cat([corner, corner + 4 + 6 * torch.rand(3, 2, generator=rng, dtype=torch.float64)], dim=1)
    grown = with_context(boxes, size, context)
    assert 1 < grown.min() < grown.max() < 39, "inside"
    got = warp_boxes(ramp(1, 40, 40, (0.1, -0.2)), [boxes], size, context)
    for region, (x1, y1, x2, y2) in zip(got, grown.tolist(), strict=True):
        steps = (torch.arange(size) + MIDDLE) / size
        across, down = 0.1 * (x1 + (x2 - x1) * steps), -0.2 * (y1 + (y2 - y1) * steps)
        assert_close(region[0], across.double().expand(size, size), "across", atol=1e-6)
        assert_close(region[1], down.double()[:, None].expand(size, size), "down", atol=1e-6)


def test_context_is_as_many_pixels_of_the_square_as_was_asked():
    boxes = torch.tensor([[10.0, 20, 34, 28]])
    grown = with_context(boxes, 32, 4)  # 24 pixels for the box, 8 for what surrounds it
    assert grown.tolist() == [[6.0, 18.666666030883789, 38.0, 29.333333969116211]]
    assert torch.equal(with_context(boxes, 32, 0), boxes)
    picture = torch.zeros(1, 1, 40, 40)
    picture[0, 0, 20:28, 10:34] = 1
    inside = warp_boxes(picture, [boxes], 32, 4)[0, 0] > 0.5
    assert inside.sum(dim=0).tolist() == [0] * 4 + [24] * 24 + [0] * 4
    assert inside.sum(dim=1).tolist() == [0] * 4 + [24] * 24 + [0] * 4


def test_what_lies_outside_is_the_mean_colour_of_that_image():
    images = torch.rand(2, 3, 10, 10, dtype=torch.float64)
    outside = torch.tensor([[-30.0, -30, -20, -20]], dtype=torch.float64)
    got = warp_boxes(images, [outside, outside], 4)
    for region, image in zip(got, images, strict=True):
        assert_close(region, image.mean(dim=(1, 2))[:, None, None].expand(3, 4, 4), "outside", atol=1e-12)


def test_regions_come_image_by_image_and_gradients_flow():
    images = torch.rand(3, 1, 8, 8, dtype=torch.float64, requires_grad=True)
    boxes = [
        torch.tensor(each, dtype=torch.float64).reshape(-1, 4)
        for each in ([[0, 0, 8, 8]] * 2, [], [[2, 2, 6, 6]])
    ]
    got = warp_boxes(images, boxes, 4)
    assert got.shape == (3, 1, 4, 4)
    assert torch.equal(got[0], got[1])
    assert_close(got[2], warp_boxes(images[2:], boxes[2:], 4)[0], "the third image's", atol=1e-12)
    assert torch.autograd.gradcheck(lambda x: warp_boxes(x, boxes, 3, 1), (images,))
    assert vision.warp_boxes is warp_boxes


@pytest.mark.parametrize(
    ("error", "call", "words"),
    [
        (
            ValueError,
            lambda: with_context(torch.zeros(1, 4), 8, 4),
            "context must be less than half of size, 8",
        ),
        (ValueError, lambda: with_context(torch.zeros(1, 3), 8, 1), "boxes must have shape (N, 4)"),
        (
            ValueError,
            lambda: warp_boxes(torch.zeros(2, 3, 8, 8), [ONE], 8),
            "boxes must be 2, one",
        ),
        (
            ValueError,
            lambda: warp_boxes(torch.zeros(3, 8, 8), [ONE], 8),
            "images must be (N, C",
        ),
        (TypeError, lambda: warp_boxes(torch.zeros(1, 3, 8, 8).byte(), [], 8), "images must have a floating"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_bad_calls_are_named(error, call, words):
    with pytest.raises(error) as caught:
        call()
    assert words in str(caught.value)
