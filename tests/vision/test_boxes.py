"""Formats, areas and clipping of boxes against their NumPy reference and closed forms."""

import inspect

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib import vision
from course_lib.reference import boxes as ref

FORMATS = ["xyxy", "xywh", "cxcywh"]
SIGNATURES = {
    "box_convert": "(boxes, in_fmt, out_fmt)",
    "box_area": "(boxes, fmt='xyxy')",
    "clip_boxes_to_image": "(boxes, size)",
    "remove_small_boxes": "(boxes, min_size)",
}


def bare_signature(function):
    """Names and defaults, without annotations."""
    parameters = inspect.signature(function).parameters.values()
    bare = [p.replace(annotation=inspect.Parameter.empty) for p in parameters]
    return str(inspect.Signature(bare))


@pytest.mark.parametrize("name", SIGNATURES)
def test_signatures_are_torchvisions(name):
    assert bare_signature(getattr(vision, name)) == SIGNATURES[name]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("out_fmt", FORMATS)
@pytest.mark.parametrize("in_fmt", FORMATS)
def test_formats_and_gradients_agree_with_the_reference(draw_boxes, in_fmt, out_fmt, dtype):
    boxes = draw_boxes(5, 0, dtype=dtype).requires_grad_()
    before = boxes.detach().clone()
    grad = torch.randn(5, 4, dtype=dtype)
    got = vision.box_convert(boxes, in_fmt, out_fmt)
    (gradient,) = torch.autograd.grad(got, boxes, grad)
    what = f"box_convert {in_fmt} to {out_fmt}"
    expected = ref.box_convert(before.double().numpy(), in_fmt, out_fmt)
    np.testing.assert_allclose(got.detach().numpy(), expected, rtol=1e-5, atol=1e-5, err_msg=what)
    expected = ref.box_convert_backward(grad.double().numpy(), in_fmt, out_fmt)
    np.testing.assert_allclose(gradient.numpy(), expected, rtol=1e-5, atol=1e-5, err_msg=f"{what}: gradient")
    assert torch.equal(boxes, before), f"{what} changed its input"
    assert got.data_ptr() != boxes.data_ptr(), f"{what} returned its input, not a copy"
    assert got.dtype == dtype
    back = vision.box_convert(got, out_fmt, in_fmt)
    torch.testing.assert_close(back, boxes, msg=lambda m: f"{what} and back: {m}")


def test_integer_boxes_are_converted():
    boxes = torch.tensor([[1, 2, 4, 8]])
    assert vision.box_convert(boxes, "xyxy", "xywh").tolist() == [[1, 2, 3, 6]]
    assert vision.box_area(boxes).tolist() == [18]
    assert vision.box_area(torch.tensor([[0, 0, 200, 200]], dtype=torch.uint8)).tolist() == [40_000]


@pytest.mark.parametrize("fmt", FORMATS)
@given(lead=st.lists(st.integers(0, 3), min_size=1, max_size=3), seed=st.integers(0, 999))
@settings(max_examples=20, deadline=None)
def test_areas_agree_with_the_reference(fmt, lead, seed):
    corner = torch.tensor(np.random.default_rng(seed).uniform(0, 9, (*lead, 2)))
    boxes = torch.cat([corner, corner + 3], dim=-1).requires_grad_()
    area = vision.box_area(vision.box_convert(boxes, "xyxy", fmt), fmt)
    assert area.shape == tuple(lead)
    flat = boxes.detach().numpy().reshape(-1, 4)
    np.testing.assert_allclose(area.detach().numpy().ravel(), ref.box_area(flat), err_msg=f"box_area {fmt}")
    (gradient,) = torch.autograd.grad(area.sum(), boxes)
    expected = ref.box_area_backward(np.ones(len(flat)), flat)
    np.testing.assert_allclose(
        gradient.numpy().reshape(-1, 4), expected, atol=1e-12, err_msg="box_area dboxes"
    )


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
def test_areas_of_half_precision_boxes_do_not_overflow(dtype):
    area = vision.box_area(torch.tensor([[0, 0, 512, 512]], dtype=dtype))
    assert area.dtype == torch.float32
    assert area.tolist() == [512 * 512]


@given(seed=st.integers(0, 999), lead=st.lists(st.integers(0, 3), max_size=2))
@settings(max_examples=30, deadline=None)
def test_clipped_boxes_lie_in_the_image(seed, lead):
    boxes = torch.tensor(np.random.default_rng(seed).uniform(-20, 40, (*lead, 4)), requires_grad=True)
    clipped = vision.clip_boxes_to_image(boxes, (10, 25))
    expected = np.clip(boxes.detach().numpy(), 0, [25, 10, 25, 10])
    np.testing.assert_array_equal(clipped.detach().numpy(), expected, err_msg="clip_boxes_to_image")
    (gradient,) = torch.autograd.grad(clipped.sum(), boxes)
    inside = expected == boxes.detach().numpy()
    np.testing.assert_array_equal(gradient.numpy(), inside, err_msg="clip_boxes_to_image: gradient")


def test_small_boxes_are_those_with_a_short_side():
    boxes = torch.tensor([[0, 0, 2, 2], [0, 0, 2, 1], [0, 0, 1.5, 9], [1, 1, 4, 3.0]])
    assert vision.remove_small_boxes(boxes, 2).tolist() == [0, 3], "a side of min_size stays"
    assert vision.remove_small_boxes(boxes[:0], 2).shape == (0,)
    assert vision.remove_small_boxes(boxes, -1).dtype == torch.int64


@pytest.mark.parametrize("device", ["meta", *(["cuda"] if torch.cuda.is_available() else [])])
def test_any_device_will_do(device):
    boxes = torch.zeros(3, 4, device=device)
    assert vision.box_convert(boxes, "xyxy", "cxcywh").device.type == device
    assert vision.box_area(boxes).shape == (3,)
    assert vision.clip_boxes_to_image(boxes, [4, 4]).shape == (3, 4)


def test_gradcheck():
    boxes = torch.tensor([[0.0, 1, 5, 7], [2, 2, 3, 9]], dtype=torch.float64, requires_grad=True)
    for function in (
        lambda b: vision.box_convert(b, "cxcywh", "xywh"),
        vision.box_area,
        lambda b: vision.clip_boxes_to_image(b * 1.1 - 0.3, (6, 4)),
    ):
        assert torch.autograd.gradcheck(function, boxes)
        assert torch.autograd.gradgradcheck(function, boxes)
