"""The one-stage detector: cells by a loop, boxes by the paper's formulas, and pictures that it learns."""

import math

import pytest
import torch
from detectors import learn_by_heart
from hypothesis import given, settings
from hypothesis import strategies as st
from originals import assert_close
from torch.nn import functional as F
from torchvision_models import torchvision

from course_lib import data, metrics
from course_lib.models.detector_backbone import DetectorBackbone
from course_lib.models.tiny_yolo import TinyYOLO, grid_target, tiny_yolo

SMALL = {"channels": (4, 8, 8), "strides": (2, 2, 2)}


def drawn_targets(n, seed, size=32.0):
    rng = torch.Generator().manual_seed(seed)
    for _ in range(n):
        k = int(torch.randint(4, (1,), generator=rng))
        corner = torch.rand(k, 2, generator=rng) * (size - 12)
        boxes = torch.cat([corner, corner + 3 + 9 * torch.rand(k, 2, generator=rng)], dim=1)
        yield {"boxes": boxes, "labels": torch.randint(1, 4, (k,), generator=rng)}


@given(n=st.integers(0, 3), seed=st.integers(0, 999))
@settings(max_examples=40, deadline=None)
def test_every_object_is_its_centres_cells_and_no_other_cell_has_one(n, seed):
    targets = list(drawn_targets(n, seed))
    labels, boxes = grid_target(targets, (4, 4), 8)
    assert labels.shape == (n, 4, 4)
    for image, target in enumerate(targets):
        expected = {}
        for box, label in zip(target["boxes"].tolist(), target["labels"].tolist(), strict=True):
            place = int((box[1] + box[3]) / 2 // 8), int((box[0] + box[2]) / 2 // 8)
            expected[place] = (label, box)
        for place in ((i, j) for i in range(4) for j in range(4)):
            label, box = expected.get(place, (0, [0.0] * 4))
            assert labels[image][place] == label
            assert boxes[image][place].tolist() == box


def test_a_centre_on_the_far_edge_is_in_the_last_cell():
    target = {"boxes": torch.tensor([[30.0, 30, 34, 34]]), "labels": torch.tensor([2])}
    assert grid_target([target], (4, 4), 8).labels[0, 3, 3] == 2


def test_boxes_are_the_papers_formulas_cell_by_cell():
    torch.manual_seed(0)
    net = TinyYOLO(DetectorBackbone(**SMALL), 4, prior=10.0).double().eval()
    torch.nn.init.normal_(net.out.weight)
    x = torch.rand(2, 3, 24, 32, dtype=torch.float64)
    raw = net.out(torch.relu(net.hidden(net.backbone(x))))  # (2, 8, 3, 4)
    cells = net.cells(x)
    assert_close(cells.objectness, raw[:, 0], "objectness")
    assert_close(cells.classes, raw[:, 5:].permute(0, 2, 3, 1), "classes")
    for i in range(3):
        for j in range(4):
            tx, ty, tw, th = raw[:, 1:5, i, j].unbind(1)
            middle = torch.stack([8 * (j + tx.sigmoid()), 8 * (i + ty.sigmoid())], dim=1)
            sides = torch.stack([10 * tw.exp(), 10 * th.exp()], dim=1)
            expected = torch.cat([middle - sides / 2, middle + sides / 2], dim=1)
            assert_close(cells.boxes[:, i, j], expected, f"cell {i}, {j}", atol=1e-9)


def test_losses_are_those_of_the_cells():
    torch.manual_seed(0)
    net = TinyYOLO(DetectorBackbone(**SMALL), 4, prior=10.0)
    net.backbone.eval()
    x, targets = torch.rand(3, 3, 32, 32), list(drawn_targets(3, 5))
    losses, cells = net(x, targets), net.cells(x)
    labels, boxes = grid_target(targets, (4, 4), 8)
    full = labels > 0
    assert 2 < full.sum() < 12
    focal = torchvision.ops.sigmoid_focal_loss(cells.objectness, full.float(), reduction="sum")
    expected = {
        "loss_objectness": focal / full.sum(),
        "loss_classifier": F.cross_entropy(cells.classes[full], labels[full] - 1),
        "loss_box_reg": torchvision.ops.complete_box_iou_loss(cells.boxes[full], boxes[full]).mean(),
    }
    assert list(losses) == list(expected)
    for name, value in expected.items():
        assert_close(losses[name], value, name, rtol=1e-5)
    sum(losses.values()).backward()
    assert all(parameter.grad is not None for parameter in net.parameters())


def test_pictures_without_objects_teach_only_that_there_are_none():
    net = tiny_yolo(4, **SMALL)
    losses = net(
        torch.rand(2, 3, 32, 32), [{"boxes": torch.zeros(0, 4), "labels": torch.zeros(0).long()}] * 2
    )
    assert losses["loss_classifier"] == losses["loss_box_reg"] == 0
    sum(losses.values()).backward()
    assert net.out.bias.grad[0] != 0


def test_it_begins_by_saying_that_cells_are_empty():
    torch.manual_seed(0)
    cells = tiny_yolo(7).cells(torch.rand(1, 3, 64, 64))
    assert cells.objectness.shape == (1, 8, 8)
    assert cells.objectness.sigmoid().mean().item() == pytest.approx(0.01, abs=0.002)
    left, _, right, _ = cells.boxes[0, 0, 0].tolist()
    assert math.isclose(right - left, 18, rel_tol=0.1)


def test_a_few_scenes_are_learned_by_heart():
    torch.manual_seed(0)
    scenes = data.load("scenes", split="train", n=4, size=48, objects=2, clutter=0)
    net = tiny_yolo(len(scenes.classes), (12, 24, 32), (2, 2, 2), prior=14.0)
    learn_by_heart(net, lambda: net(scenes.x, scenes.targets()), scenes.x, lr=5e-3, steps=120)
    found = net(scenes.x)
    assert metrics.mean_average_precision(found, scenes.targets())["map_50"] > 0.9
    for each in found:
        assert (each["scores"].diff() <= 0).all()
        assert each["labels"].min() >= 1


@pytest.mark.parametrize(
    ("error", "call", "words"),
    [
        (ValueError, lambda: tiny_yolo(1), "num_classes must be 2 or more, got 1"),
        (ValueError, lambda: tiny_yolo(3, prior=0.0), "prior must be greater than 0"),
        (ValueError, lambda: tiny_yolo(3, nms_iou=3.0), "nms_iou must be"),
        (ValueError, lambda: tiny_yolo(3)(torch.zeros(1, 3, 32, 32)), "TinyYOLO: targets must be given"),
        (ValueError, lambda: tiny_yolo(3)(torch.zeros(1, 3, 32, 32), []), "targets must be 1, one for each"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_bad_calls_are_named(error, call, words):
    with pytest.raises(error) as caught:
        call()
    assert words in str(caught.value)
