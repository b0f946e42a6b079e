"""Soft non-maximum suppression against its NumPy reference, its limits and closed forms."""

import inspect
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib import vision
from course_lib.reference import boxes as ref


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("method", ["linear", "gaussian"])
@given(
    n=st.integers(0, 12),
    iou_threshold=st.sampled_from([0.0, 0.3, 0.7]),
    sigma=st.sampled_from([0.1, 0.5, 3.0]),
    score_threshold=st.sampled_from([0.0, 0.05, 0.4]),
    seed=st.integers(0, 999),
)
@settings(max_examples=30, deadline=None)
def test_agrees_with_the_reference(draw_boxes, method, dtype, n, iou_threshold, sigma, score_threshold, seed):
    boxes = draw_boxes(n, seed, 5.0, dtype)
    scores = torch.tensor(np.random.default_rng(seed).uniform(size=n), dtype=dtype)
    before = boxes.clone(), scores.clone()
    got, new = vision.soft_nms(boxes, scores, iou_threshold, sigma, score_threshold, method)
    factors = {
        "linear": lambda iou: 1 - iou if iou >= iou_threshold else 1,
        "gaussian": lambda iou: math.exp(-(iou**2) / sigma),
    }
    expected = ref.soft_nms(boxes.double().numpy(), scores.double().numpy(), factors[method], score_threshold)
    assert got.tolist() == expected[0], f"soft_nms {method}"
    assert got.dtype == torch.int64
    assert new.dtype == dtype
    tolerance = 1e-5 if dtype == torch.float32 else 1e-12
    np.testing.assert_allclose(new.numpy(), expected[1], atol=tolerance, err_msg=f"soft_nms {method} scores")
    assert torch.equal(boxes, before[0])
    assert torch.equal(scores, before[1])


def test_a_worked_example():
    boxes = torch.tensor([[0.0, 0, 2, 2], [0, 0, 2, 1], [5, 5, 6, 6], [0, 0, 2, 2]])
    scores = torch.tensor([0.9, 0.8, 0.3, 0.5])
    kept, new = vision.soft_nms(boxes, scores)
    assert kept.tolist() == [0, 1, 2]
    torch.testing.assert_close(new, torch.tensor([0.9, 0.4, 0.3]))


def test_limits(draw_boxes):
    boxes = draw_boxes(40, 0, 5.0)
    scores = torch.tensor(np.random.default_rng(0).uniform(0.1, 1, 40))
    hard, _ = vision.soft_nms(boxes, scores, sigma=1e-9, score_threshold=0.01, method="gaussian")
    assert torch.equal(hard, vision.nms(boxes, scores, 0.0)), "a narrow Gaussian is hard suppression at 0"
    soft, new = vision.soft_nms(boxes, scores, sigma=1e9, method="gaussian")
    assert torch.equal(soft, scores.argsort(descending=True)), "a wide one suppresses nothing"
    torch.testing.assert_close(new, scores[soft], rtol=1e-6, atol=0)
    assert (vision.soft_nms(boxes, scores)[1].diff() <= 0).all(), "new scores fall"


def test_degenerate_boxes_ties_and_half_precision():
    boxes = torch.tensor([[1.0, 1, 1, 1]] * 3)
    kept, new = vision.soft_nms(boxes, torch.tensor([0.5, 0.7, 0.5]))
    assert kept.tolist() == [1, 0, 2], "boxes without area overlap nothing"
    assert new.tolist() == pytest.approx([0.7, 0.5, 0.5])
    assert vision.soft_nms(boxes, torch.tensor([0.5, 0.0005, 0.0]))[0].tolist() == [0]
    kept, new = vision.soft_nms(boxes.bfloat16(), torch.tensor([0.5, 0.75, 0.5]).bfloat16())
    assert new.dtype == torch.bfloat16
    assert kept.tolist() == [1, 0, 2]


def test_signature():
    defaults = [p.default for p in inspect.signature(vision.soft_nms).parameters.values()]
    assert defaults[2:] == [0.3, 0.5, 0.001, "linear"]
