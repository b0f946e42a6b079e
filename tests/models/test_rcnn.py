"""R-CNN: its machines and regressions against closed forms and scikit-learn, and pictures that it learns."""

import numpy as np
import pytest
import torch
from originals import assert_close
from sklearn.svm import LinearSVC
from torch import nn

from course_lib import data, layers, metrics, vision
from course_lib.models.rcnn import NORM, RCNN, rcnn


def network(seed=0, size=12):
    """An untrained net: convolution, ReLU, and every pixel of a quarter of the size."""
    torch.manual_seed(seed)
    convolution = layers.Conv2d(3, 32, 3, padding=1)
    return nn.Sequential(convolution, nn.ReLU(), nn.AvgPool2d(size // 3), nn.Flatten()), 32 * 9


@pytest.fixture(scope="module")
def scenes():
    """Four pictures, their objects, and boxes about them, the true ones first."""
    scenes = data.load("scenes", split="train", n=4, size=48, objects=3, clutter=0)
    targets = scenes.targets()
    shifts = torch.tensor([-6.0, -3, 0, 3, 6])
    grid = torch.cartesian_prod(shifts, shifts, shifts, shifts)[::7]
    near = [(each["boxes"][:, None] + grid).flatten(0, 1).clamp(0, 48) for each in targets]
    rng = torch.Generator().manual_seed(0)
    corner = 30 * torch.rand(60, 2, generator=rng)
    elsewhere = torch.cat([corner, corner + 8 + 10 * torch.rand(60, 2, generator=rng)], dim=1)
    boxes = [torch.cat([t["boxes"], n, elsewhere]) for t, n in zip(targets, near, strict=True)]
    boxes = [each[vision.remove_small_boxes(each, 2.0)] for each in boxes]
    return scenes, targets, boxes


@pytest.fixture
def fitted(scenes):
    """An R-CNN fitted to the classes that the pictures show, numbered from 1, with what it was fitted to."""
    pictures, targets, boxes = scenes
    shown = sorted({label for each in targets for label in each["labels"].tolist()})
    numbers = torch.zeros(len(pictures.classes), dtype=torch.int64)
    numbers[shown] = torch.arange(len(shown)) + 1
    targets = [each | {"labels": numbers[each["labels"]]} for each in targets]
    net, features = network()
    rcnn = RCNN(net, features, len(shown) + 1, size=12, context=2).eval()
    described = rcnn.describe(pictures.x, boxes)
    rcnn.fit_svms(described, boxes, targets, C=1.0)
    rcnn.fit_boxes(described, boxes, targets, alpha=10.0)
    return rcnn, described, targets


def test_each_box_goes_through_the_network_by_itself(scenes):
    pictures, _, boxes = scenes
    net, features = network()
    described = RCNN(net, features, 7, size=12, context=2, at_once=50).describe(pictures.x, boxes)
    assert [len(each) for each in described] == [len(each) for each in boxes]
    for image in (0, 3):
        for row in (0, 5):
            region = vision.warp_boxes(pictures.x[image : image + 1], [boxes[image][row : row + 1]], 12, 2)
            assert_close(described[image][row], net(region)[0], f"image {image}, box {row}", atol=1e-5)


def test_machines_are_scikit_learns_of_true_boxes_against_what_overlaps_little(scenes, fitted):
    _, _, boxes = scenes
    rcnn, described, targets = fitted
    x = torch.cat(described)
    assert (x * rcnn.scale).norm(dim=1).mean().item() == pytest.approx(NORM, rel=1e-4)
    rows, wanted = [], []
    for number in (1, 2):
        rows, wanted = [], []
        for image, (target, each) in enumerate(zip(targets, boxes, strict=True)):
            for row, box in enumerate(each):
                ious = [
                    vision.box_iou(box[None], own[None]).item()
                    for own, label in zip(target["boxes"], target["labels"], strict=True)
                    if label == number
                ]
                best = max(ious, default=0.0)
                if best < 0.3 or best > 0.999:
                    rows.append((described[image][row] * rcnn.scale).double().numpy())
                    wanted.append(best > 0.999)
        machine = LinearSVC(C=1.0, dual=False).fit(rows, wanted)
        np.testing.assert_allclose(rcnn.svm_weight[number - 1], machine.coef_[0], rtol=1e-3, atol=1e-5)
        margins = machine.decision_function(rows)
        assert margins[np.array(wanted)].min() > 0.3, "the true boxes are told from the others"


def test_boxes_are_corrected_by_the_ridge_regressions_normal_equations(scenes, fitted):
    _, _, boxes = scenes
    rcnn, described, targets = fitted
    x, wanted = [], []
    for features, each, target in zip(described, boxes, targets, strict=True):
        own = target["boxes"][target["labels"] == 1]
        if not len(own):
            continue
        iou, row = vision.box_iou(own, each).max(dim=0)
        x.append(features[iou >= 0.6] * rcnn.scale)
        wanted.append(vision.encode(own[row[iou >= 0.6]], each[iou >= 0.6]))
    x, wanted = torch.cat(x).double().numpy(), torch.cat(wanted).double().numpy()
    centred = x - x.mean(axis=0)
    weights = np.linalg.solve(
        centred.T @ centred + 10 * np.eye(x.shape[1]), centred.T @ (wanted - wanted.mean(axis=0))
    )
    np.testing.assert_allclose(rcnn.box_weight[0], weights.T, rtol=1e-2, atol=1e-5)
    np.testing.assert_allclose(
        rcnn.box_bias[0], wanted.mean(axis=0) - x.mean(axis=0) @ weights, rtol=1e-2, atol=1e-4
    )


def test_what_it_was_fitted_to_is_found_and_boxes_get_better(scenes, fitted):
    pictures, _, boxes = scenes
    rcnn, described, targets = fitted
    proposals = [each[len(target["boxes"]) :] for each, target in zip(boxes, targets, strict=True)]
    found = rcnn(pictures.x, proposals)
    assert metrics.mean_average_precision(found, targets)["map_50"] > 0.8
    kept = rcnn.detect(described, boxes, (48, 48))
    rcnn.box_weight.zero_()
    rcnn.box_bias.zero_()
    uncorrected = rcnn(pictures.x, proposals)
    results = [metrics.mean_average_precision(each, targets)["map"] for each in (found, uncorrected)]
    assert results[0] > results[1], f"corrected {results[0]:.2f}, as proposed {results[1]:.2f}"
    assert metrics.mean_average_precision(kept, targets)["map_50"] > 0.8, "from features that were kept"


def test_all_that_was_fitted_is_in_the_state(scenes, fitted):
    pictures, _, boxes = scenes
    rcnn, _, _ = fitted
    net, features = network(seed=9)
    other = RCNN(net, features, len(rcnn.svm_weight) + 1, size=12, context=2).eval()
    other.load_state_dict(rcnn.state_dict())
    for one, same in zip(rcnn(pictures.x, boxes), other(pictures.x, boxes), strict=True):
        assert torch.equal(one["scores"], same["scores"])


@pytest.mark.parametrize(
    ("error", "call", "words"),
    [
        (ValueError, lambda: RCNN(nn.Identity(), 0, 3), "features must be 1 or more"),
        (ValueError, lambda: RCNN(nn.Identity(), 4, 3, context=-1), "context must be 0 or more"),
        (
            ValueError,
            lambda: RCNN(nn.Identity(), 4, 3).fit_svms([torch.zeros(1, 4)], [torch.zeros(1, 4)], []),
            "targets must be 1, one for each image, got 0",
        ),
        (
            ValueError,
            lambda: RCNN(nn.Identity(), 4, 3).fit_svms(
                [torch.ones(1, 4)],
                [torch.tensor([[0.0, 0, 4, 4]])],
                [{"boxes": torch.tensor([[8.0, 8, 9, 9]]), "labels": torch.tensor([1])}],
            ),
            "boxes must hold the true boxes, none of class 1",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_bad_calls_are_named(error, call, words):
    with pytest.raises(error) as caught:
        call()
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("options", "inputs"),
    [({}, 64 * 4 * 4), ({"size": 16}, 64 * 2 * 2), ({"channels": (8, 8), "strides": (2, 1)}, 8 * 16 * 16)],
    ids=["as it is", "smaller regions", "fewer blocks"],
)
def test_a_small_one_describes_regions_by_a_layer_over_the_whole_map(options, inputs):
    net = rcnn(7, features=10, **options).eval()
    linear = next(layer for layer in net.network if isinstance(layer, layers.Linear))
    assert tuple(linear.weight.shape) == (10, inputs)
    assert tuple(net.svm_weight.shape) == (6, 10)
    boxes = [torch.tensor([[0.0, 0, 20, 20], [5, 5, 30, 40]]), torch.zeros(0, 4)]
    features = net.describe(torch.rand(2, 3, 48, 48), boxes)
    assert [tuple(each.shape) for each in features] == [(2, 10), (0, 10)]
    assert (features[0] >= 0).all(), "after a ReLU"


def test_a_small_one_passes_options_on():
    assert rcnn(7, nms_iou=0.4, context=5).nms_iou == 0.4
    assert rcnn(7, context=5).context == 5
