"""Bit-mask suppression keeps what the NumPy reference, box by box, keeps."""

import numpy as np
import pytest
import torch
from originals import assert_close

from course_lib import kernels, vision
from course_lib.kernels import nms as kernel
from course_lib.reference import boxes as ref


def crowd(n, seed, device, dtype=torch.float32):
    """Boxes of which many overlap, and scores of which some are equal."""
    rng = np.random.default_rng(seed)
    corner = rng.uniform(0, 3 + n**0.5, (n, 2))
    boxes = np.concatenate([corner, corner + rng.uniform(2, 6, (n, 2))], axis=1)
    scores = rng.integers(0, n // 2 + 1, n) / (n + 1)
    return torch.tensor(boxes, dtype=dtype, device=device), torch.tensor(scores, device=device)


@pytest.mark.parametrize("threshold", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("n", [0, 1, 30, 70])
def test_agrees_with_the_reference(device, n, threshold):
    boxes, scores = crowd(n, n, device, torch.float64)
    got = kernel.nms(boxes, scores, threshold)
    assert got.dtype == torch.int64
    expected = ref.nms(boxes.cpu().numpy(), scores.cpu().numpy(), threshold)
    assert got.tolist() == expected, f"{n} boxes at {threshold}"


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64], ids=str)
def test_agrees_with_ours(device, dtype):
    boxes, scores = crowd(140, 1, device, dtype)  # three words
    assert_close(kernel.nms(boxes, scores, 0.4), vision.nms(boxes, scores, 0.4), f"nms of {dtype}")


def test_a_chain_longer_than_a_word_is_followed_to_its_end(device):
    """Each box overlaps with the next alone: every other one is kept, each because of the one before."""
    n = 70
    left = torch.arange(n, device=device).float()
    boxes = torch.stack([left, torch.zeros_like(left), left + 1.5, torch.ones_like(left)], dim=1)
    got = kernel.nms(boxes, -left, 0.1)
    assert_close(got, torch.arange(0, n, 2, device=device), "every other box")


def test_categories_do_not_suppress_each_other(device):
    boxes, scores = crowd(70, 2, device)
    groups = torch.arange(70, device=device) % 3 - 1
    got = kernel.batched_nms(boxes, scores, groups, 0.2)
    alone = [torch.nonzero(groups == g)[:, 0] for g in (-1, 0, 1)]
    kept = torch.cat([each[kernel.nms(boxes[each], scores[each], 0.2)] for each in alone])
    assert_close(got.sort().values, kept.sort().values, "the boxes of three categories")
    assert (scores[got].diff() <= 0).all(), f"by falling score, got {scores[got].tolist()}"


def test_the_threshold_is_exact_and_does_not_suppress_itself(device):
    boxes = torch.tensor([[0.0, 0, 10, 1], [0, 0, 1, 1], [0, 0, 3, 1], [0, 0, 5, 1]], device=device)
    scores = torch.tensor([3.0, 2, 1, 0], device=device)
    assert kernel.nms(boxes[[0, 3]], scores[[0, 3]], 0.5).tolist() == [0, 1], "5 / 10 is not more than 0.5"
    assert kernel.nms(boxes[:2], scores[:2], 0.1).tolist() == [0], "float32's 1 / 10 is more than 0.1"
    assert kernel.nms(boxes[:2].double(), scores[:2], 0.1).tolist() == [0, 1], "1 / 10 is not more than 0.1"
    assert kernel.nms(boxes[[0, 2]], scores[[0, 2]], 0.3).tolist() == [0], "float32's 3 / 10 is more than 0.3"


def test_boxes_without_area_and_huge_ones(device):
    point = torch.tensor([[1.0, 1, 1, 1], [1, 1, 1, 1]], device=device)
    scores = torch.tensor([1.0, 2.0], device=device)
    assert kernel.nms(point, scores, 0.0).tolist() == [1, 0], "0 / 0 counts as no overlap"
    for size in (1e-18, 1e18):
        boxes = size * torch.tensor([[0.0, 0, 2, 2], [0, 0, 2, 1.5]], device=device)
        assert kernel.nms(boxes, scores, 0.7).tolist() == [1], f"boxes of size {size}"
        assert kernel.nms(boxes, scores, 0.8).tolist() == [1, 0], f"boxes of size {size}"


def test_strided_inputs_are_left_alone(device):
    boxes, scores = crowd(20, 3, device)
    turned, spread = boxes.T.contiguous().T, torch.stack([scores, scores], dim=1)[:, 0]
    before = turned.clone()
    assert_close(kernel.nms(turned, spread, 0.3), kernel.nms(boxes, scores, 0.3), "strided inputs")
    assert_close(turned, before, "the boxes afterwards")


def test_shapes_that_do_not_fit(device):
    boxes, scores = crowd(4, 0, device)
    for wrong in ((boxes[:, :3], scores), (boxes, scores[:3]), (boxes[0], scores)):
        with pytest.raises(ValueError, match="nms: boxes and scores must have shapes"):
            kernel.nms(*wrong, 0.5)
    with pytest.raises(ValueError, match="idxs must have shape"):
        kernel.batched_nms(boxes, scores, torch.zeros(3, dtype=torch.int64, device=device), 0.5)


def test_ours_uses_it_for_boxes_that_are_not_too_many(device, monkeypatch):
    boxes, scores = crowd(30, 4, device)
    groups = torch.arange(30, device=device) % 2
    expected = vision.nms(boxes, scores, 0.3), vision.batched_nms(boxes, scores, groups, 0.3)
    monkeypatch.setattr(kernels, "usable", lambda *tensors: True)
    assert_close(vision.nms(boxes, scores, 0.3), expected[0], "nms")
    assert_close(vision.batched_nms(boxes, scores, groups, 0.3), expected[1], "batched_nms")
