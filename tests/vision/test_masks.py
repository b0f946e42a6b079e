"""Masks against their NumPy reference and PyTorch's resizing."""

import inspect

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib import vision
from course_lib.reference import regions as ref


@pytest.mark.parametrize("dtype", [torch.bool, torch.uint8, torch.float32], ids=str)
@given(n=st.integers(0, 4), h=st.integers(1, 7), w=st.integers(1, 7), seed=st.integers(0, 999))
@settings(max_examples=30, deadline=None)
def test_boxes_around_masks_agree_with_the_reference(dtype, n, h, w, seed):
    masks = np.random.default_rng(seed).uniform(size=(n, h, w)) < 0.2
    masks[:, seed % h, seed % w] = True
    got = vision.masks_to_boxes(torch.tensor(masks).to(dtype))
    assert got.dtype == torch.float32
    expected = np.array([ref.mask_to_box(mask) for mask in masks]).reshape(n, 4)
    np.testing.assert_array_equal(got.numpy(), expected, err_msg=f"masks_to_boxes {dtype}")


def test_boxes_of_no_masks_and_on_meta():
    assert vision.masks_to_boxes(torch.zeros(0, 3, 3)).shape == (0, 4)
    assert vision.masks_to_boxes(torch.ones(2, 3, 3, device="meta")).shape == (2, 4)


@pytest.mark.parametrize("padding", [0, 1, 2])
@given(
    n=st.integers(0, 3),
    m=st.integers(1, 6),
    size=st.tuples(st.integers(1, 20), st.integers(1, 20)),
    seed=st.integers(0, 999),
)
@settings(max_examples=30, deadline=None)
def test_pasted_masks_agree_with_the_reference(padding, n, m, size, seed):
    rng = np.random.default_rng(seed)
    masks, corner = rng.uniform(size=(n, 1, m, m)), rng.uniform(-8, 20, (n, 2))
    boxes = np.concatenate([corner, corner + rng.uniform(0, 15, (n, 2))], axis=1)
    got = vision.paste_masks_in_image(torch.tensor(masks), torch.tensor(boxes), size, padding)
    assert got.shape == (n, 1, *size)
    for mask, box, image in zip(masks, boxes, got.numpy(), strict=True):
        expected = ref.paste_mask(mask[0], box, size, padding)
        np.testing.assert_allclose(image[0], expected, atol=1e-12, err_msg=f"{m}x{m} in {box} of {size}")


def test_a_full_mask_covers_its_box():
    image = vision.paste_masks_in_image(
        torch.ones(1, 1, 28, 28), torch.tensor([[10.0, 20, 29, 49]]), (64, 64)
    )
    found = vision.masks_to_boxes(image[0] > 0.5)
    torch.testing.assert_close(found, torch.tensor([[10.0, 20, 29, 49]]), atol=1, rtol=0)


@pytest.mark.parametrize("box", [[30, 0, 40, 9], [-40, 0, -20, 9], [0, -40, 9, -20], [0, 30, 9, 40]], ids=str)
def test_a_mask_outside_the_image_leaves_it_empty(box):
    image = vision.paste_masks_in_image(torch.ones(1, 1, 4, 4), torch.tensor([box]).float(), (20, 20))
    assert image.shape == (1, 1, 20, 20)
    assert image.abs().sum() == 0


def test_gradients_precisions_and_inputs_left_alone():
    masks = torch.rand(2, 1, 3, 3, dtype=torch.float64, requires_grad=True)
    boxes = torch.tensor([[1.0, 2, 6, 7], [-3, -2, 4, 4]], dtype=torch.float64)
    before = masks.detach().clone(), boxes.clone()

    def call(x):
        return vision.paste_masks_in_image(x, boxes, (8, 9))

    assert torch.autograd.gradcheck(call, masks)
    assert torch.equal(masks, before[0])
    assert torch.equal(boxes, before[1])
    low = vision.paste_masks_in_image(masks.detach().bfloat16(), boxes, (8, 9))
    assert low.dtype == torch.bfloat16
    torch.testing.assert_close(low.double(), call(masks.detach()), atol=0.02, rtol=0.02)


def test_signatures():
    parameters = inspect.signature(vision.paste_masks_in_image).parameters
    assert list(parameters) == ["masks", "boxes", "img_shape", "padding"]
    assert parameters["padding"].default == 1
    assert list(inspect.signature(vision.masks_to_boxes).parameters) == ["masks"]
