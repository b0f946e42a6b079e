"""The NumPy boxes against counted pixels, COCO's code, central differences and closed forms."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools import mask as coco

from course_lib.reference import boxes as ref
from course_lib.reference.gradient_check import numerical_gradient, relative_error

integer_box = st.tuples(st.integers(0, 9), st.integers(0, 9), st.integers(1, 7), st.integers(1, 7)).map(
    lambda b: np.array([b[0], b[1], b[0] + b[2], b[1] + b[3]], dtype=float)
)
FORMATS = ["xyxy", "xywh", "cxcywh"]


def draw_boxes(n, seed, spread=10.0):
    rng = np.random.default_rng(seed)
    corner = rng.uniform(0, spread, (n, 2))
    return np.concatenate([corner, corner + rng.uniform(0.5, 6, (n, 2))], axis=1)


def pixels(box):
    """The unit squares that a box of whole pixels covers."""
    x1, y1, x2, y2 = box.astype(int)
    return {(x, y) for x in range(x1, x2) for y in range(y1, y2)}


@given(a=integer_box, b=integer_box)
@settings(max_examples=100, deadline=None)
def test_overlaps_agree_with_counted_pixels(a, b):
    first, second = pixels(a), pixels(b)
    covered = first | second
    xs, ys = zip(*covered, strict=True)
    hull = (max(xs) - min(xs) + 1) * (max(ys) - min(ys) + 1)
    iou = len(first & second) / len(covered)
    assert ref.iou(a, b) == pytest.approx(iou, abs=1e-12), f"iou of {a} and {b}"
    expected = iou - (hull - len(covered)) / hull
    assert ref.generalized_iou(a, b) == pytest.approx(expected, abs=1e-12), f"GIoU of {a} and {b}"
    assert ref.box_area(a[None])[0] == len(first)


@given(n=st.integers(1, 6), m=st.integers(1, 6), seed=st.integers(0, 999))
@settings(max_examples=50, deadline=None)
def test_iou_agrees_with_coco(n, m, seed):
    one, other = draw_boxes(n, seed), draw_boxes(m, seed + 1)
    sides = [ref.box_convert(boxes, "xyxy", "xywh") for boxes in (one, other)]
    expected = coco.iou(*sides, np.zeros(m, dtype=np.uint8))
    np.testing.assert_allclose(
        ref.pairwise(ref.iou, one, other), expected, atol=1e-12, err_msg="iou, pycocotools"
    )


def test_overlaps_of_worked_examples():
    a, b, far = np.array([[0, 0, 2, 2], [1, 1, 3, 3], [4, 0, 6, 2.0]])
    assert ref.iou(a, b) == pytest.approx(1 / 7)
    assert ref.generalized_iou(a, b) == pytest.approx(1 / 7 - 2 / 9)
    assert ref.generalized_iou(a, far) == pytest.approx(-4 / 12)
    assert ref.distance_iou(a, b, 0) == pytest.approx(1 / 7 - 2 / 18)
    assert ref.distance_iou(a, far, 0) == pytest.approx(-16 / 40)
    assert ref.complete_iou(a, b, 0) == pytest.approx(1 / 7 - 2 / 18), "equal shapes"
    tall, wide = np.array([0, 0, 1, 2.0]), np.array([0, 0, 2, 1.0])
    v = 4 / math.pi**2 * (math.atan(2) - math.atan(0.5)) ** 2
    assert ref.complete_iou(tall, wide, 0) == pytest.approx(1 / 3 - 0.5 / 8 - v / (2 / 3 + v) * v)
    for overlap in (ref.iou, ref.generalized_iou, ref.distance_iou, ref.complete_iou):
        assert overlap(b, b) == pytest.approx(1), f"{overlap.__name__} of a box with itself"


@pytest.mark.parametrize("name", ["iou", "generalized_iou"])
@given(seed=st.integers(0, 999))
@settings(max_examples=40, deadline=None)
def test_gradients_of_overlaps_agree_with_central_differences(name, seed):
    overlap, backward = getattr(ref, name), getattr(ref, f"{name}_backward")
    one, other = draw_boxes(2, seed, 4.0), draw_boxes(3, seed + 1, 4.0)
    grad = np.random.default_rng(seed).normal(size=(2, 3))
    d_one, d_other = ref.pairwise_backward(grad, backward, one, other)
    expected = numerical_gradient(lambda x: np.sum(grad * ref.pairwise(overlap, x, other)), one)
    np.testing.assert_allclose(d_one, expected, atol=1e-7, err_msg=f"{name}: first boxes")
    expected = numerical_gradient(lambda x: np.sum(grad * ref.pairwise(overlap, one, x)), other)
    np.testing.assert_allclose(d_other, expected, atol=1e-7, err_msg=f"{name}: second boxes")


@pytest.mark.parametrize("out_fmt", FORMATS)
@pytest.mark.parametrize("in_fmt", FORMATS)
def test_formats(in_fmt, out_fmt):
    same = {"xyxy": [[1, 2, 4, 8]], "xywh": [[1, 2, 3, 6]], "cxcywh": [[2.5, 5, 3, 6]]}
    got = ref.box_convert(np.array(same[in_fmt], dtype=float), in_fmt, out_fmt)
    np.testing.assert_allclose(got, same[out_fmt], err_msg=f"{in_fmt} to {out_fmt}")
    boxes, grad = draw_boxes(3, 0), np.random.default_rng(1).normal(size=(3, 4))
    expected = numerical_gradient(lambda x: np.sum(grad * ref.box_convert(x, in_fmt, out_fmt)), boxes)
    error = relative_error(ref.box_convert_backward(grad, in_fmt, out_fmt), expected)
    assert error < 1e-8, f"{in_fmt} to {out_fmt} against central differences: {error}"


def test_gradient_of_the_area():
    boxes, grad = draw_boxes(4, 2), np.random.default_rng(3).normal(size=4)
    expected = numerical_gradient(lambda x: np.sum(grad * ref.box_area(x)), boxes)
    assert relative_error(ref.box_area_backward(grad, boxes), expected) < 1e-8


@given(n=st.integers(0, 12), threshold=st.sampled_from([0, 0.2, 0.5, 0.9, 1]), seed=st.integers(0, 999))
@settings(max_examples=60, deadline=None)
def test_nms_keeps_what_nothing_better_suppresses(n, threshold, seed):
    boxes = draw_boxes(n, seed, 5.0)
    scores = np.random.default_rng(seed).integers(0, 4, n) / 4.0  # ties
    kept = ref.nms(boxes, scores, threshold)
    rank = sorted(range(n), key=lambda i: (-scores[i], i))
    assert kept == [i for i in rank if i in kept], "not by falling score, first come first"
    for i in range(n):
        better = [k for k in kept if rank.index(k) < rank.index(i)]
        suppressed = any(ref.iou(boxes[k], boxes[i]) > threshold for k in better)
        assert (i in kept) != suppressed, f"box {i} of {boxes} at {threshold}"


def test_soft_nms_of_a_worked_example():
    boxes = np.array([[0, 0, 2, 2], [0, 0, 2, 1], [5, 5, 6, 6], [0, 0, 2, 2.0]])
    scores = np.array([0.9, 0.8, 0.3, 0.5])
    kept, new = ref.soft_nms(boxes, scores, lambda iou: 1 - iou, 0.01)
    assert kept == [0, 1, 2], "the fourth box is the first one again, with an IoU of 1"
    np.testing.assert_allclose(new, [0.9, 0.4, 0.3])
    kept, new = ref.soft_nms(boxes, scores, lambda iou: math.exp(-(iou**2) / 0.5), 0.0)
    assert kept == [0, 1, 2, 3]
    np.testing.assert_allclose(new, [0.9, 0.8 * math.exp(-0.5), 0.3, 0.5 * math.exp(-2) * math.exp(-0.5)])


@given(n=st.integers(1, 5), seed=st.integers(0, 999))
@settings(max_examples=40, deadline=None)
def test_codes_are_undone_and_their_gradients_agree_with_central_differences(n, seed):
    boxes, proposals, weights = draw_boxes(n, seed), draw_boxes(n, seed + 1), (10.0, 5.0, 2.0, 4.0)
    grad = np.random.default_rng(seed).normal(size=(n, 4))
    codes = ref.encode(boxes, proposals, weights)
    np.testing.assert_allclose(
        ref.decode(codes, proposals, weights), boxes, atol=1e-9, err_msg="decode(encode)"
    )
    expected = numerical_gradient(lambda x: np.sum(grad * ref.encode(x, proposals, weights)), boxes)
    assert relative_error(ref.encode_backward(grad, boxes, proposals, weights), expected) < 1e-7
    clip = float(np.median(codes[:, 2:] / np.array(weights[2:]))) + 1e-3  # some codes on either side
    expected = numerical_gradient(lambda x: np.sum(grad * ref.decode(x, proposals, weights, clip)), codes)
    assert relative_error(ref.decode_backward(grad, codes, proposals, weights, clip), expected) < 1e-7


def test_codes_of_a_worked_example():
    proposal, box = np.array([[0, 0, 4, 2.0]]), np.array([[2, 0, 10, 1.0]])
    np.testing.assert_allclose(ref.encode(box, proposal), [[1, -0.25, math.log(2), math.log(0.5)]])
    huge = ref.decode(np.array([[0, 0, 100, 0.0]]), proposal)
    np.testing.assert_allclose(huge, [[2 - 125, 0, 2 + 125, 2]], err_msg="sides grow at most 1000 / 16 times")


def test_anchors_are_those_of_the_published_code():
    expected = [[-91, -45, 91, 45], [-64, -64, 64, 64], [-45, -91, 45, 91]]
    np.testing.assert_array_equal(ref.anchors([128], [0.5, 1, 2]), expected)
    placed = ref.grid_anchors(np.array([[-1, -2, 1, 2.0], [0, 0, 0, 0]]), (2, 3), (10, 5))
    assert placed.shape == (12, 4)
    np.testing.assert_array_equal(placed[:4], [[-1, -2, 1, 2], [0] * 4, [4, -2, 6, 2], [5, 0, 5, 0]])
    np.testing.assert_array_equal(placed[6:8], [[-1, 8, 1, 12], [0, 10, 0, 10]])
