"""Average precision of detections: COCO's rule against pycocotools, VOC's against a loop; IoU by hand."""

import contextlib
import io
import time

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools import mask as coco_masks
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from course_lib import metrics

STATS = [
    *("map", "map_50", "map_75", "map_small", "map_medium", "map_large"),
    *("mar_1", "mar_10", "mar_100", "mar_small", "mar_medium", "mar_large"),
]


def draw(seed, pictures, classes, most, grid, side, segm=False):
    """Objects, and detections near them or anywhere; on a coarse grid, so that overlaps and scores tie."""
    rng = np.random.default_rng(seed)
    predictions, targets = [], []
    for _ in range(pictures):
        g, d = rng.integers(0, most + 1, 2)
        boxes = _boxes(rng, g, grid, side)
        copies = boxes[rng.integers(0, max(g, 1), d)] if g else np.zeros((d, 4))
        moved = copies + grid * rng.integers(-1, 2, (d, 4))
        near = (rng.random(d) < 0.7) & (moved[:, 2:] > moved[:, :2]).all(axis=1)
        found = np.where(near[:, None], moved.clip(0, side), _boxes(rng, d, grid, side))
        labels = rng.integers(0, classes, g)
        guessed = labels[rng.integers(0, max(g, 1), d)] if g else np.zeros(d, dtype=int)
        guessed = np.where(rng.random(d) < 0.8, guessed, rng.integers(0, classes + 1, d))
        prediction = {"boxes": found, "scores": rng.integers(0, 6, d) / 5, "labels": guessed}
        target = {"boxes": boxes, "labels": labels, "iscrowd": (rng.random(g) < 0.2).astype(int)}
        if rng.random() < 0.5:
            target["area"] = rng.choice([900.0, 1024.0, 1500.0, 9216.0, 10000.0], g)
        for each in (prediction, target) if segm else ():
            each["masks"] = _masks(rng, each["boxes"], side)
        predictions.append(prediction)
        targets.append(target)
    return predictions, targets


def _boxes(rng, n, grid, side):
    corner = grid * rng.integers(0, side // grid, (n, 2))
    return np.concatenate([corner, corner + grid * rng.integers(1, side // grid + 1, (n, 2))], axis=1).astype(
        float
    )


def _masks(rng, boxes, side):
    """Boxes with some pixels knocked out."""
    masks = np.zeros((len(boxes), side, side), dtype=bool)
    for mask, (left, top, right, bottom) in zip(masks, boxes.astype(int), strict=True):
        mask[top:bottom, left:right] = True
    return masks & (rng.random(masks.shape) < 0.9)


def pycocotools(predictions, targets, iou_type="bbox", limits=(1, 10, 100), thresholds=None):
    """The twelve numbers of COCOeval, and its average precision of each class."""
    labels = sorted({int(label) for each in (*predictions, *targets) for label in each["labels"]})
    annotations, results = [], []
    for i, (prediction, target) in enumerate(zip(predictions, targets, strict=True)):
        for j, label in enumerate(target["labels"]):
            shape, area = _coco_shape(target, j, iou_type)
            annotations.append(
                {
                    **shape,
                    "id": len(annotations) + 1,
                    "image_id": i,
                    "category_id": int(label),
                    "iscrowd": int(target.get("iscrowd", np.zeros(99))[j]),
                    "area": float(target["area"][j]) if "area" in target else area,
                }
            )
        for j, label in enumerate(prediction["labels"]):
            shape, area = _coco_shape(prediction, j, iou_type)
            results.append(
                {
                    **shape,
                    "id": len(results) + 1,
                    "image_id": i,
                    "category_id": int(label),
                    "area": area,
                    "iscrowd": 0,
                    "score": float(prediction["scores"][j]),
                }
            )
    size = targets[0]["masks"].shape[1:] if iou_type == "segm" else (1, 1)
    images = [{"id": i, "height": size[0], "width": size[1]} for i in range(len(targets))]
    with contextlib.redirect_stdout(io.StringIO()):
        both = []
        for rows in (annotations, results):
            coco = COCO()
            coco.dataset = {"images": images, "annotations": rows, "categories": [{"id": k} for k in labels]}
            coco.createIndex()
            both.append(coco)
        evaluation = COCOeval(*both, iou_type)
        evaluation.params.maxDets = list(limits)
        if thresholds is not None:
            evaluation.params.iouThrs = np.array(thresholds)
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    precision = evaluation.eval["precision"][:, :, :, 0, -1]
    each = [_mean(precision[:, :, k]) for k in range(len(labels))]
    stats = evaluation.stats.tolist()
    if limits[-1] != 100:  # its first number is fixed to 100 detections
        stats[0] = _mean(precision)
    return stats, labels, each


def _mean(values):
    return values[values > -1].mean() if (values > -1).any() else -1.0


def _coco_shape(picture, j, iou_type):
    if iou_type == "segm":
        encoded = coco_masks.encode(np.asfortranarray(picture["masks"][j].astype(np.uint8)))
        return {"segmentation": encoded}, float(coco_masks.area(encoded))
    left, top, right, bottom = picture["boxes"][j].tolist()
    box = [left, top, right - left, bottom - top]
    return {"bbox": box}, box[2] * box[3]


def assert_agrees(predictions, targets, what, limits=(1, 10, 100), thresholds=None, **options):
    expected, labels, each = pycocotools(
        predictions, targets, options.get("iou_type", "bbox"), limits, thresholds
    )
    names = list(STATS)
    names[6:9] = [f"mar_{limit}" for limit in limits]
    forms = [(predictions, targets), (as_tensors(predictions), as_tensors(targets))]
    for form in forms:
        got = metrics.mean_average_precision(
            *form, max_detections=limits, iou_thresholds=thresholds, **options
        )
        for name, value in zip(names, expected, strict=True):
            assert isinstance(got[name], float)
            assert got[name] == pytest.approx(value, abs=1e-12), f"{name} of {what}: {got[name]}, not {value}"
        assert got["classes"].tolist() == labels
        np.testing.assert_allclose(got["map_per_class"], each, atol=1e-12, err_msg=f"map_per_class of {what}")


def as_tensors(pictures):
    return [{key: torch.as_tensor(value) for key, value in each.items()} for each in pictures]


@given(
    seed=st.integers(0, 10**6),
    pictures=st.integers(1, 6),
    classes=st.integers(1, 3),
    most=st.integers(0, 12),
    size=st.sampled_from([(1, 8), (8, 64), (16, 128), (32, 320)]),
)
@settings(max_examples=120, deadline=None)
def test_boxes_agree_with_pycocotools(seed, pictures, classes, most, size):
    predictions, targets = draw(seed, pictures, classes, most, *size)
    assert_agrees(predictions, targets, f"seed {seed}")


@given(seed=st.integers(0, 10**6), limits=st.sampled_from([(1, 2, 3), (1, 10, 100), (2, 5, 6)]))
@settings(max_examples=60, deadline=None)
def test_limits_and_thresholds_agree_with_pycocotools(seed, limits):
    predictions, targets = draw(seed, 3, 2, 15, 16, 128)
    assert_agrees(predictions, targets, f"seed {seed}, limits {limits}", limits)
    assert_agrees(predictions, targets, f"seed {seed}, two thresholds", limits, thresholds=[0.5, 0.75])


@given(seed=st.integers(0, 10**6), classes=st.integers(1, 2), side=st.sampled_from([8, 40]))
@settings(max_examples=60, deadline=None)
def test_masks_agree_with_pycocotools(seed, classes, side):
    predictions, targets = draw(seed, 3, classes, 5, 4, side, segm=True)
    assert_agrees(predictions, targets, f"seed {seed}", iou_type="segm")


def test_more_detections_than_count_agree_with_pycocotools():
    rng = np.random.default_rng(0)
    predictions, targets = draw(0, 2, 1, 6, 16, 128)
    for each in predictions:
        each["boxes"] = _boxes(rng, 150, 16, 128)
        each["scores"] = rng.integers(0, 9, 150) / 8
        each["labels"] = np.zeros(150, dtype=int)
    assert_agrees(predictions, targets, "150 detections")


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32])
def test_formats_of_boxes_and_precisions_mean_the_same(devices, dtype):
    predictions, targets = map(as_tensors, draw(3, 4, 2, 8, 16, 128))
    expected = metrics.mean_average_precision(predictions, targets)
    convert = {
        "xyxy": lambda b: b,
        "xywh": lambda b: torch.cat([b[:, :2], b[:, 2:] - b[:, :2]], dim=1),
        "cxcywh": lambda b: torch.cat([(b[:, :2] + b[:, 2:]) / 2, b[:, 2:] - b[:, :2]], dim=1),
    }
    for device in devices:
        for box_format, change in convert.items():
            forms = [
                [each | {"boxes": change(each["boxes"]).to(device, dtype)} for each in pictures]
                for pictures in (predictions, targets)
            ]
            got = metrics.mean_average_precision(*forms, box_format=box_format)
            for name in STATS:
                assert got[name] == expected[name], f"{name} of {box_format} as {dtype} on {device}"


def picture(boxes, labels, scores=None, **more):
    made = {
        "boxes": torch.tensor(boxes).reshape(-1, 4).float(),
        "labels": torch.tensor(labels, dtype=torch.int64),
    }
    return made | ({} if scores is None else {"scores": torch.tensor(scores)}) | more


def test_small_cases_by_hand():
    box, half = [0.0, 0, 10, 10], [0.0, 0, 10, 6]  # IoU 0.6: right at 0.5, 0.55 and 0.6
    got = metrics.mean_average_precision([picture([half], [1], [0.9])], [picture([box], [1])])
    assert got["map"] == pytest.approx(0.3)
    assert (got["map_50"], got["map_75"], got["map_large"]) == (pytest.approx(1.0), 0.0, -1.0)
    twice = picture([box, box], [1, 1], [0.9, 0.8])
    got = metrics.mean_average_precision([twice], [picture([box], [1])])
    assert got["map"] == pytest.approx(1.0), "a second detection after the last recall costs nothing"
    got = metrics.mean_average_precision(
        [twice | {"boxes": torch.tensor([[50.0, 50, 60, 60], box])}], [picture([box], [1])]
    )
    assert got["map"] == pytest.approx(0.5), "one wrong before the right one"
    crowd = picture([[0.0, 0, 100, 100], box], [1, 1], iscrowd=torch.tensor([1, 0]))
    inside = picture([box, [20.0, 20, 30, 30], [40.0, 40, 50, 50]], [1, 1, 1], [0.9, 0.99, 0.98])
    got = metrics.mean_average_precision([inside], [crowd])
    assert got["map"] == pytest.approx(1.0), "detections inside a crowd are neither right nor wrong"


def test_nothing_to_find_is_minus_one():
    nothing, target = picture([], [], []), picture([], [])
    got = metrics.mean_average_precision([nothing], [target])
    assert got["map"] == got["mar_100"] == -1.0
    assert got["classes"].numel() == got["map_per_class"].numel() == 0
    got = metrics.mean_average_precision([picture([[0, 0, 1, 1]], [3], [0.5])], [target])
    assert (got["map"], got["map_per_class"].tolist()) == (-1.0, [-1.0])
    got = metrics.mean_average_precision([nothing], [picture([[0, 0, 1, 1]], [3])])
    assert (got["map"], got["mar_100"]) == (0.0, 0.0)


def test_inputs_are_not_changed():
    predictions, targets = map(as_tensors, draw(5, 3, 2, 6, 8, 64))
    before = [{k: v.clone() for k, v in each.items()} for each in (*predictions, *targets)]
    metrics.mean_average_precision(predictions, targets)
    metrics.voc_mean_average_precision(predictions, targets)
    for each, old in zip((*predictions, *targets), before, strict=True):
        assert all(torch.equal(each[key], old[key]) for key in old)


def test_thousands_of_detections_are_quick():
    predictions, targets = draw(0, 300, 3, 20, 8, 256)
    start = time.perf_counter()
    metrics.mean_average_precision(predictions, targets)
    assert time.perf_counter() - start < 10


# VOC


def voc_by_loops(predictions, targets, threshold, points):
    """The development kit's procedure, a detection at a time."""
    labels = sorted({int(label) for each in (*predictions, *targets) for label in each["labels"]})
    values = []
    for label in labels:
        queue, objects = [], 0
        for i, (prediction, target) in enumerate(zip(predictions, targets, strict=True)):
            mine = target["labels"] == label
            objects += int((mine & (target["difficult"] == 0)).sum())
            for j in np.flatnonzero(prediction["labels"] == label):
                queue.append((-prediction["scores"][j], i, j))
        if objects == 0:
            values.append(-1.0)
            continue
        taken, tp, fp, recall, precision = set(), 0, 0, [], []
        for _, i, j in sorted(queue):
            best, best_k = -1.0, None
            for k in np.flatnonzero(targets[i]["labels"] == label):
                overlap = iou(predictions[i]["boxes"][j], targets[i]["boxes"][k])
                if overlap > best:
                    best, best_k = overlap, k
            if best >= threshold and targets[i]["difficult"][best_k]:
                pass
            elif best >= threshold and (i, best_k) not in taken:
                taken.add((i, best_k))
                tp += 1
            else:
                fp += 1
            recall.append(tp / objects)
            precision.append(tp / (tp + fp) if tp + fp else 0.0)
        if points is None:
            steps = np.diff([0.0, *recall])
            values.append(sum(step * max(precision[i:]) for i, step in enumerate(steps)))
        else:
            at = [
                [p for p, r in zip(precision, recall, strict=True) if r >= t]
                for t in np.linspace(0, 1, points)
            ]
            values.append(np.mean([max(each, default=0.0) for each in at]))
    return labels, values


def iou(a, b):
    w, h = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    shared = max(w, 0) * max(h, 0)
    return shared / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared)


@given(
    seed=st.integers(0, 10**6),
    pictures=st.integers(1, 4),
    classes=st.integers(1, 3),
    threshold=st.sampled_from([0.3, 0.5, 0.75]),
    points=st.sampled_from([None, 11, 101]),
)
@settings(max_examples=80, deadline=None)
def test_voc_agrees_with_loops(seed, pictures, classes, threshold, points):
    predictions, targets = draw(seed, pictures, classes, 10, 16, 128)
    for each in targets:
        each["difficult"] = each.pop("iscrowd")
    labels, expected = voc_by_loops(predictions, targets, threshold, points)
    got = metrics.voc_mean_average_precision(predictions, targets, iou_threshold=threshold, points=points)
    assert got["classes"].tolist() == labels
    np.testing.assert_allclose(got["map_per_class"], expected, atol=1e-12, err_msg=f"seed {seed}")
    defined = [value for value in expected if value >= 0]
    assert got["map"] == pytest.approx(np.mean(defined) if defined else -1.0)


def test_voc_gives_a_detection_its_best_object_only_and_coco_the_next():
    objects = picture([[0, 0, 10, 10], [0, 0, 10, 6]], [1, 1])
    found = picture([[0, 0, 10, 10], [0, 0, 10, 9]], [1, 1], [0.9, 0.8])
    assert metrics.voc_mean_average_precision([found], [objects])["map"] == pytest.approx(0.5)
    assert metrics.mean_average_precision([found], [objects])["map_50"] == pytest.approx(1.0)


def test_interpolated_average_precision_by_hand():
    recall, precision = [0.25, 0.25, 0.5, 0.75, 0.75], [1.0, 0.5, 2 / 3, 3 / 4, 3 / 5]
    area = 0.25 * 1 + 0.5 * 3 / 4
    assert metrics.interpolated_average_precision(recall, precision) == pytest.approx(area)
    eleven = (3 * 1 + 5 * 3 / 4) / 11  # at 0, 0.1, 0.2; at 0.3 ... 0.7; never at 0.8, 0.9, 1
    assert metrics.interpolated_average_precision(recall, precision, points=11) == pytest.approx(eleven)
    assert metrics.interpolated_average_precision(torch.tensor(recall), precision) == pytest.approx(area)
    assert metrics.interpolated_average_precision([], []) == 0.0
