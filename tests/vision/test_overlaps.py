"""Overlaps of boxes against their NumPy reference, COCO's code and closed forms."""

import inspect
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools import mask as coco

from course_lib import vision
from course_lib.reference import boxes as ref

NAMES = {
    "box_iou": ref.iou,
    "generalized_box_iou": ref.generalized_iou,
    "distance_box_iou": ref.distance_iou,
    "complete_box_iou": ref.complete_iou,
}


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("name", NAMES)
@given(n=st.integers(0, 5), m=st.integers(0, 5), seed=st.integers(0, 999))
@settings(max_examples=25, deadline=None)
def test_values_agree_with_the_reference(name, dtype, n, m, seed):
    rng = np.random.default_rng(seed)
    one, other = (
        np.concatenate([corner, corner + rng.uniform(0.5, 6, corner.shape)], axis=1)
        for corner in (rng.uniform(0, 9, (n, 2)), rng.uniform(0, 9, (m, 2)))
    )
    got = getattr(vision, name)(torch.tensor(one, dtype=dtype), torch.tensor(other, dtype=dtype))
    assert got.dtype == dtype
    expected = ref.pairwise(NAMES[name], one, other)
    tolerance = 1e-5 if dtype == torch.float32 else 1e-12
    np.testing.assert_allclose(got.numpy(), expected, atol=tolerance, err_msg=f"{name} against reference")


@pytest.mark.parametrize("name", ["box_iou", "generalized_box_iou"])
@given(seed=st.integers(0, 999))
@settings(max_examples=25, deadline=None)
def test_gradients_agree_with_the_reference(draw_boxes, name, seed):
    one, other = draw_boxes(3, seed, 5.0).requires_grad_(), draw_boxes(2, seed + 1, 5.0).requires_grad_()
    grad = torch.randn(3, 2, dtype=torch.float64)
    got = torch.autograd.grad(getattr(vision, name)(one, other), (one, other), grad)
    backward = getattr(ref, NAMES[name].__name__ + "_backward")
    expected = ref.pairwise_backward(grad.numpy(), backward, one.detach().numpy(), other.detach().numpy())
    for mine, theirs, which in zip(got, expected, ("boxes1", "boxes2"), strict=True):
        np.testing.assert_allclose(mine.numpy(), theirs, atol=1e-10, err_msg=f"{name} d{which}")


@pytest.mark.parametrize("name", NAMES)
def test_gradcheck(draw_boxes, name):
    one, other = draw_boxes(2, 0, 4.0).requires_grad_(), draw_boxes(3, 1, 4.0).requires_grad_()
    if name == "complete_box_iou":  # alpha is a constant to the gradient: check what is left without it
        one.data, other.data = one.detach()[:, :2].repeat(1, 2), other.detach()[:, :2].repeat(1, 2)
        one.data[:, 2:] += 3
        other.data[:, 2:] += 3
    assert torch.autograd.gradcheck(getattr(vision, name), (one, other))


def test_alpha_of_the_complete_iou_is_a_constant_to_the_gradient():
    box = torch.tensor([[0.0, 0, 2, 1]], dtype=torch.float64)
    other = torch.tensor([[0.0, 0, 1, 2]], dtype=torch.float64, requires_grad=True)
    (got,) = torch.autograd.grad(
        vision.complete_box_iou(box, other) - vision.distance_box_iou(box, other), other
    )
    v = 4 / math.pi**2 * (math.atan(2) - math.atan(0.5)) ** 2
    alpha = v / (1 - 1 / 3 + v)
    slope = alpha * 8 / math.pi**2 * (math.atan(2) - math.atan(0.5)) * 0.5 / (1 + 0.25)  # d/dw, h = 2
    np.testing.assert_allclose(got.numpy(), [[-slope, slope / 2, slope, -slope / 2]], rtol=1e-6)


@given(n=st.integers(1, 6), m=st.integers(1, 6), seed=st.integers(0, 999))
@settings(max_examples=30, deadline=None)
def test_iou_agrees_with_coco(draw_boxes, n, m, seed):
    one, other = draw_boxes(n, seed), draw_boxes(m, seed + 1)
    sides = [vision.box_convert(boxes, "xyxy", "xywh").numpy() for boxes in (one, other)]
    expected = coco.iou(*sides, np.zeros(m, dtype=np.uint8))
    np.testing.assert_allclose(
        vision.box_iou(one, other).numpy(), expected, atol=1e-12, err_msg="pycocotools"
    )


@pytest.mark.parametrize("fmt", ["xyxy", "xywh", "cxcywh"])
def test_formats_and_batches(draw_boxes, fmt):
    one, other = draw_boxes(6, 0).reshape(2, 3, 4), draw_boxes(8, 1).reshape(2, 4, 4)
    got = vision.box_iou(*(vision.box_convert(boxes, "xyxy", fmt) for boxes in (one, other)), fmt)
    assert got.shape == (2, 3, 4)
    for i in range(2):
        torch.testing.assert_close(got[i], vision.box_iou(one[i], other[i]), msg=f"box_iou {fmt}, batch {i}")


def test_identities():
    boxes = torch.tensor([[0.0, 0, 4, 2], [1, 1, 3, 5], [10, 10, 11, 12]])
    for name in NAMES:
        function = getattr(vision, name)
        torch.testing.assert_close(
            function(boxes, boxes).diagonal(), torch.ones(3), msg=f"{name} with itself"
        )
        torch.testing.assert_close(function(boxes, boxes.flip(0)).flip(1), function(boxes, boxes), msg=name)
        moved = function(boxes + 100, boxes + 100)
        torch.testing.assert_close(moved, function(boxes, boxes), atol=1e-4, rtol=0, msg=f"{name} moved")
    iou = vision.box_iou(boxes, boxes)
    assert (vision.generalized_box_iou(boxes, boxes) <= iou).all()
    assert iou[0, 2] == 0


def test_integers_half_precision_and_empty_boxes():
    whole = torch.tensor([[0, 0, 2, 2], [1, 1, 3, 3]])
    for dtype in (torch.int64, torch.uint8, torch.float16, torch.bfloat16):
        got = vision.box_iou(whole.to(dtype), whole.to(dtype))
        assert got.dtype == torch.float32, f"box_iou of {dtype}"
        torch.testing.assert_close(got, torch.tensor([[1, 1 / 7], [1 / 7, 1]]))
    big = torch.tensor([[0, 0, 200, 200]], dtype=torch.uint8)
    assert vision.box_iou(big, big).item() == 1, "areas must not wrap around in uint8"
    point = torch.zeros(1, 4)
    assert vision.box_iou(point, point).isnan().all(), "0 / 0"
    assert vision.box_iou(point, torch.tensor([[0.0, 0, 1, 1]])).item() == 0
    assert vision.box_iou(point * math.nan, point).isnan().all(), "NaN disappears"


@pytest.mark.parametrize("scale", [1e-15, 1e4, 1e15])
def test_scales(draw_boxes, scale):
    one, other = draw_boxes(4, 0, 4.0, torch.float32), draw_boxes(4, 1, 4.0, torch.float32)
    got, expected = vision.box_iou(one * scale, other * scale), vision.box_iou(one, other)
    torch.testing.assert_close(
        got, expected, atol=1e-5, rtol=1e-4, msg=lambda m: f"box_iou times {scale}: {m}"
    )


@pytest.mark.parametrize("name", NAMES)
def test_signatures_devices_and_inputs_left_alone(draw_boxes, name):
    function = getattr(vision, name)
    defaults = {k: p.default for k, p in inspect.signature(function).parameters.items()}
    extra = {"box_iou": {"fmt": "xyxy"}, "generalized_box_iou": {}}.get(name, {"eps": 1e-7})
    assert defaults == {"boxes1": inspect.Parameter.empty, "boxes2": inspect.Parameter.empty} | extra
    assert function(torch.zeros(2, 4, device="meta"), torch.zeros(3, 4, device="meta")).shape == (2, 3)
    one, other = draw_boxes(2, 0), draw_boxes(3, 1)
    before = one.clone(), other.clone()
    function(one, other)
    assert torch.equal(one, before[0])
    assert torch.equal(other, before[1])
    torch.testing.assert_close(function(one.mT.contiguous().mT, other), function(one, other))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert function(one.float(), other.float()).dtype == torch.float32
