"""Non-maximum suppression against its NumPy reference, the greedy loop, its definition and a memory limit."""

import inspect
import math
import resource

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib import vision
from course_lib.reference import boxes as ref
from course_lib.vision.candidates import Candidates
from course_lib.vision.neighbours import Neighbours


def crowd(n, objects, seed, jitter=0.1, size=1000.0):
    """Boxes around some objects."""
    rng = np.random.default_rng(seed)
    sides, centres = rng.uniform(30, 150, (objects, 2)), rng.uniform(0, size, (objects, 2))
    which = rng.integers(0, objects, n)
    centre = centres[which] + rng.normal(0, jitter, (n, 2)) * sides[which]
    side = sides[which] * np.exp(rng.normal(0, jitter, (n, 2)))
    return np.concatenate([centre - side / 2, centre + side / 2], axis=1), rng.permutation(n) / n


def spread(n, size, seed):
    """Boxes anywhere."""
    rng = np.random.default_rng(seed)
    corner = rng.uniform(0, size, (n, 2))
    return np.concatenate([corner, corner + rng.uniform(10, 60, (n, 2))], axis=1), rng.permutation(n) / n


def numpy_nms(boxes, scores, threshold):
    """The greedy loop, each kept box against all that are left."""
    x1, y1, x2, y2 = boxes.T
    area = (x2 - x1) * (y2 - y1)
    order, kept = np.argsort(-scores, kind="stable"), []
    while order.size:
        i, rest = order[0], order[1:]
        kept.append(i)
        width = np.maximum(0, np.minimum(x2[i], x2[rest]) - np.maximum(x1[i], x1[rest]))
        height = np.maximum(0, np.minimum(y2[i], y2[rest]) - np.maximum(y1[i], y1[rest]))
        shared = width * height
        with np.errstate(invalid="ignore"):
            order = rest[~((shared / (area[i] + area[rest] - shared)).astype(float) > threshold)]
    return kept


def assert_same(boxes, scores, threshold, what):
    got = vision.nms(torch.tensor(boxes), torch.tensor(scores), threshold)
    assert got.dtype == torch.int64
    expected = numpy_nms(boxes, scores, threshold)
    assert got.tolist() == [int(i) for i in expected], f"nms of {what} at {threshold}"


@given(
    n=st.integers(0, 30),
    threshold=st.sampled_from([0, 0.1, 1 / 3, 0.5, 0.8, 1]),
    ties=st.booleans(),
    seed=st.integers(0, 9999),
)
@settings(max_examples=80, deadline=None)
def test_few_boxes_agree_with_the_reference(n, threshold, ties, seed):
    rng = np.random.default_rng(seed)
    corner = rng.integers(0, 8, (n, 2))
    boxes = np.concatenate([corner, corner + rng.integers(1, 6, (n, 2))], axis=1).astype(float)
    scores = rng.integers(0, 3, n) / 2 if ties else rng.uniform(size=n)
    got = vision.nms(torch.tensor(boxes), torch.tensor(scores), threshold)
    assert got.tolist() == ref.nms(boxes, scores, threshold), f"nms of {boxes}, {scores} at {threshold}"


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("threshold", [0.0, 0.3, 0.5, 0.7, 0.95, 1.0])
@pytest.mark.parametrize("objects", [1, 20, 400])
def test_crowds_agree_with_the_greedy_loop(objects, threshold, dtype):
    for seed in range(2):
        boxes, scores = crowd(1500, objects, seed)
        assert_same(boxes.astype(dtype), scores.astype(dtype), threshold, f"{objects} objects, {dtype}")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("threshold", [0.0, 0.3, 0.5, 0.7, 0.95, 1.0])
@pytest.mark.parametrize("size", [200, 1000, 30_000])
def test_boxes_that_spread_agree_with_the_greedy_loop(size, threshold, dtype):
    for seed in range(2):
        boxes, scores = spread(1500, size, seed)
        assert_same(boxes.astype(dtype), scores.astype(dtype), threshold, f"{size} pixels, {dtype}")


@pytest.mark.parametrize("groups", [None, 3])
@pytest.mark.parametrize("threshold", [0.0, 0.1, 0.5, 0.9, 1.0])
@pytest.mark.parametrize("offset", [0.0, 1e6])
def test_neighbours_alone_agree_with_the_greedy_loop(threshold, groups, offset):
    """Whatever way ``nms`` goes: here all boxes, crowded and spread, go this one."""
    for seed, (boxes, _) in enumerate([crowd(300, 5, 0), spread(300, 300, 1), spread(300, 3000, 2)]):
        boxes = (boxes + offset).astype("float32")
        boxes[:5, 2:] += 500  # a few giants
        boxes[5:9, 2:] = boxes[5:9, :2]  # and boxes without area
        kinds = None if groups is None else torch.arange(300) % groups - 1
        found = Neighbours(Candidates.of(torch.tensor(boxes), kinds), threshold)
        labels = np.zeros(300) if kinds is None else kinds.numpy()
        expected = [
            int(i)
            for label in np.unique(labels)
            for i in (labels == label).nonzero()[0][
                numpy_nms(boxes[labels == label], -np.arange((labels == label).sum()), threshold)
            ]
        ]
        assert found.kept().tolist() == sorted(expected), f"neighbours, case {seed} at {threshold}"


def test_the_threshold_itself_does_not_suppress():
    boxes = torch.tensor([[0.0, 0, 2, 1], [1, 0, 3, 1], [0, 0, 1, 1]])  # IoUs 1/3, 1/2, 0
    scores = torch.tensor([0.9, 0.8, 0.7])
    assert vision.nms(boxes, scores, 0.5).tolist() == [0, 1, 2]
    assert vision.nms(boxes, scores, 0.49).tolist() == [0, 1]
    assert vision.nms(boxes, scores, 1 / 3).tolist() == [0], "1/3 in float32 is more than 1/3"
    assert vision.nms(boxes.double(), scores, 1 / 3).tolist() == [0, 1], "1/3 in float64 is the threshold"


def test_the_order_is_that_of_scores_and_then_of_places():
    boxes = torch.tensor([[0.0, 0, 1, 1]]).repeat(1000, 1) + 10 * torch.arange(1000.0)[:, None]
    scores = torch.zeros(1000)
    assert vision.nms(boxes, scores, 0.5).tolist() == list(range(1000)), "equal scores"
    scores[::2] = 1
    expected = [*range(0, 1000, 2), *range(1, 1000, 2)]
    assert vision.nms(boxes, scores, 0.5).tolist() == expected, "two scores"
    same = torch.zeros(1000, 4) + torch.tensor([0.0, 0, 1, 1])
    assert vision.nms(same, torch.zeros(1000), 0.5).tolist() == [0], "equal boxes"
    assert vision.nms(same, torch.arange(1000.0), 0.5).tolist() == [999]
    infinite = torch.tensor([-math.inf, math.inf, 0])
    assert vision.nms(boxes[:3], infinite, 0.5).tolist() == [1, 2, 0]


@pytest.mark.parametrize("n", [0, 1, 2, 63, 64, 65, 255, 256, 257, 300])
def test_any_number_of_boxes(n):
    boxes, scores = crowd(n, 3, n)
    assert_same(boxes, scores, 0.5, f"{n} boxes")


def test_boxes_without_area_stay():
    boxes = torch.tensor([[1.0, 1, 1, 1]] * 3 + [[0, 0, 2, 2]])
    scores = torch.tensor([0.1, 0.4, 0.2, 0.3])
    assert vision.nms(boxes, scores, 0.0).tolist() == [1, 3, 2, 0]


@pytest.mark.parametrize("scale", [1e-15, 1e-4, 1e4, 1e15])
def test_scales(scale):
    boxes, scores = crowd(500, 30, 5)
    assert_same((boxes * scale).astype("float32"), scores.astype("float32"), 0.5, f"scale {scale}")


@given(n=st.integers(0, 40), kinds=st.integers(1, 5), seed=st.integers(0, 999))
@settings(max_examples=50, deadline=None)
def test_categories_do_not_meet(n, kinds, seed):
    rng = np.random.default_rng(seed)
    boxes, scores = (array.astype("float32") for array in crowd(n, 2, seed))
    idxs = rng.integers(-1, kinds, n) * 1000
    expected = [
        i
        for kind in set(idxs)
        for i in (idxs == kind).nonzero()[0][numpy_nms(*(a[idxs == kind] for a in (boxes, scores)), 0.4)]
    ]
    expected.sort(key=lambda i: -scores[i])
    got = vision.batched_nms(torch.tensor(boxes), torch.tensor(scores), torch.tensor(idxs), 0.4)
    assert got.tolist() == expected, f"batched_nms of {n} boxes in {kinds} categories"


@pytest.mark.parametrize(
    "make", [lambda n: crowd(n, 50, 0), lambda n: spread(n, 2000, 0)], ids=["crowd", "spread"]
)
def test_many_boxes_of_many_categories(make):
    boxes, scores = (torch.tensor(array) for array in make(3000))
    idxs = torch.arange(3000, dtype=torch.int32) % 80
    expected = torch.cat(
        [(idxs == k).nonzero()[:, 0][vision.nms(boxes[idxs == k], scores[idxs == k], 0.5)] for k in range(80)]
    )
    expected = expected[scores[expected].argsort(descending=True)]
    assert torch.equal(vision.batched_nms(boxes, scores, idxs, 0.5), expected)
    one = vision.batched_nms(boxes, scores, torch.zeros_like(idxs), 0.5)
    assert torch.equal(one, vision.nms(boxes, scores, 0.5))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
def test_half_precision(dtype):
    boxes, scores = (torch.tensor(array) for array in crowd(200, 10, 0))
    got = vision.nms(boxes.to(dtype), scores.to(dtype), 0.5)
    expected = numpy_nms(boxes.to(dtype).float().numpy(), scores.to(dtype).float().numpy(), 0.5)
    assert got.tolist() == [int(i) for i in expected], f"nms in {dtype}"


def test_signatures_layouts_and_inputs_left_alone():
    assert list(inspect.signature(vision.nms).parameters) == ["boxes", "scores", "iou_threshold"]
    assert list(inspect.signature(vision.batched_nms).parameters) == [
        "boxes",
        "scores",
        "idxs",
        "iou_threshold",
    ]
    boxes, scores = (torch.tensor(array, requires_grad=True) for array in crowd(500, 10, 0))
    before = boxes.detach().clone(), scores.detach().clone()
    kept = vision.nms(boxes, scores, 0.5)
    assert not kept.requires_grad
    assert torch.equal(boxes, before[0])
    assert torch.equal(scores, before[1])
    assert torch.equal(
        vision.nms(boxes.detach().T.contiguous().T, scores.repeat_interleave(2)[::2], 0.5), kept
    )


@pytest.mark.parametrize(
    "make",
    [
        lambda n: spread(n, 10_000, 0),
        lambda n: spread(n, 1000, 0),
        lambda n: crowd(n, 1000, 0),
        lambda n: crowd(n, 1, 0),
    ],
    ids=["spread", "dense", "crowd", "one object"],
)
def test_a_hundred_thousand_boxes_take_little_memory(make):
    boxes, scores = (torch.tensor(array, dtype=torch.float32) for array in make(100_000))
    vision.nms(boxes[:1000], scores[:1000], 0.5)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    kept = vision.nms(boxes, scores, 0.5)
    used = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
    assert used < 500e6, f"nms took {used / 1e6:.0f} MB; all pairs would take 10 GB"
    sample = boxes[kept[torch.randperm(len(kept))[:50]]]
    overlap = vision.box_iou(sample, boxes[kept])
    assert ((overlap > 0.5).sum(dim=1) == 1).all(), "two kept boxes overlap"
    gone = torch.ones(len(boxes), dtype=torch.bool)
    gone[kept] = False
    lost = gone.nonzero()[torch.randperm(int(gone.sum()))[:50], 0]
    better = scores[kept] > scores[lost][:, None]
    covered = (vision.box_iou(boxes[lost], boxes[kept]) > 0.5) & better
    assert covered.any(dim=1).all(), "a box went that no better one suppresses"


@pytest.mark.parametrize("device", ["cpu", *(["cuda"] if torch.cuda.is_available() else [])])
def test_any_device_gives_the_same(device):
    for boxes, scores in (crowd(5000, 50, 0), spread(5000, 1000, 0), spread(5000, 20_000, 0)):
        got = vision.nms(torch.tensor(boxes, device=device), torch.tensor(scores, device=device), 0.5)
        assert got.device.type == device
        assert got.tolist() == [int(i) for i in numpy_nms(boxes, scores, 0.5)], f"nms on {device}"
