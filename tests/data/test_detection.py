import dataclasses

import numpy as np
import pytest
import torch

from course_lib.data import DetectionDataset
from course_lib.data.detection import visible_boxes


def two_pictures():
    """A picture with two objects, of which the second hides part of the first, and one with one."""
    instances = torch.zeros(2, 5, 6, dtype=torch.uint8)
    instances[0, 0:3, 1:4] = 1
    instances[0, 2:5, 3:6] = 2
    instances[1, 4, 0] = 1
    labels = torch.tensor([[2, 1], [1, 0]])
    y = torch.zeros(2, 5, 6, dtype=torch.int64)
    y[0][instances[0] == 1], y[0][instances[0] == 2], y[1, 4, 0] = 2, 1, 1
    boxes = torch.from_numpy(visible_boxes(instances.numpy(), 2))
    classes = ("background", "a", "b")
    return DetectionDataset(
        torch.rand(2, 3, 5, 6), y, classes, boxes=boxes, labels=labels, instances=instances
    )


def test_boxes_are_measured_between_pixels_and_go_around_what_is_seen():
    boxes = two_pictures().boxes
    assert boxes.dtype == torch.float32
    assert boxes[0].tolist() == [[1, 0, 4, 3], [3, 2, 6, 5]]
    assert boxes[1].tolist() == [[0, 4, 1, 5], [0, 0, 0, 0]]


def test_a_target_has_the_objects_and_no_padding():
    targets = two_pictures().targets()
    assert [len(target["labels"]) for target in targets] == [2, 1]
    first = targets[0]
    assert {key: value.dtype for key, value in first.items()} == {
        "boxes": torch.float32,
        "labels": torch.int64,
        "masks": torch.uint8,
    }
    assert first["labels"].tolist() == [2, 1]
    assert first["masks"].shape == (2, 5, 6)
    assert first["masks"].sum(dim=(1, 2)).tolist() == [8, 9], "the hidden corner belongs to the one on top"
    assert (first["masks"].sum(dim=0) <= 1).all()


@pytest.mark.parametrize(
    ("index", "expected"),
    [
        (slice(1, 2), [1]),
        (torch.tensor([1, 0, 1]), [1, 0, 1]),
        (torch.tensor([False, True]), [1]),
        ([0], [0]),
        (np.array([1, 1]), [1, 1]),
        (None, [0, 1]),
    ],
)
def test_targets_are_chosen_as_rows_of_a_tensor_are(index, expected):
    data = two_pictures()
    found = data.targets(index)
    assert len(found) == len(expected)
    for target, row in zip(found, expected, strict=True):
        assert torch.equal(target["boxes"], data.target(row)["boxes"])
    with pytest.raises(IndexError):
        data.targets([2])


def test_torchvision_style_batches_and_segmentation_batches_both_work():
    data = two_pictures()
    x, y = next(iter(data.batches(2)))
    assert (x.shape, y.shape) == ((2, 3, 5, 6), (2, 5, 6))
    rows = torch.randperm(2)
    assert len(data.targets(rows)) == len(data.x[rows])


def test_it_moves_as_a_whole(monkeypatch):
    monkeypatch.setattr("course_lib.environment.device", torch.device)
    moved = two_pictures().to("meta")
    assert isinstance(moved, DetectionDataset)
    for name in ("x", "y", "boxes", "labels", "instances"):
        assert getattr(moved, name).device.type == "meta", f"{name} stayed behind"


@pytest.mark.parametrize(
    ("part", "wrong"),
    [
        ("labels", torch.zeros(3, 2, dtype=torch.int64)),
        ("boxes", torch.zeros(2, 3, 4)),
        ("boxes", torch.zeros(2, 2, 5)),
        ("instances", torch.zeros(2, 6, 5, dtype=torch.uint8)),
        ("y", torch.zeros(2, 5, 5, dtype=torch.int64)),
    ],
)
def test_parts_that_do_not_fit_are_named(part, wrong):
    with pytest.raises(ValueError, match=f"{part} must have shape .* got .*{wrong.shape[-1]}"):
        dataclasses.replace(two_pictures(), **{part: wrong})


def test_no_objects_are_no_objects():
    none = visible_boxes(np.zeros((2, 4, 4), np.uint8), 3)
    assert none.shape == (2, 3, 4)
    assert not none.any()
    empty = DetectionDataset(
        torch.zeros(1, 1, 4, 4),
        torch.zeros(1, 4, 4, dtype=torch.int64),
        boxes=torch.zeros(1, 0, 4),
        labels=torch.zeros(1, 0, dtype=torch.int64),
        instances=torch.zeros(1, 4, 4, dtype=torch.uint8),
    )
    assert empty.target(0)["masks"].shape == (0, 4, 4)
