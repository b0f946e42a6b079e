"""Faster and Mask R-CNN: torchvision's stages joined end to end, and pictures on which they learn."""

import pytest
import torch
from detectors import learn_by_heart
from originals import assert_close
from torch import nn

from course_lib import data, metrics, models
from course_lib.models.detections import batch_of
from course_lib.models.detector_backbone import DetectorBackbone
from course_lib.models.fast_rcnn import fast_rcnn
from course_lib.models.faster_rcnn import faster_rcnn, mask_rcnn
from course_lib.models.region_heads import RegionHeads

SMALL = {"channels": (4, 8), "strides": (2, 2), "hidden": 16, "output_size": 3}
BOXES = torch.tensor([[4.0, 4, 20, 20], [10, 12, 30, 28]])


def target(count=2):
    masks = torch.zeros(count, 32, 32, dtype=torch.uint8)
    for mask, (x1, y1, x2, y2) in zip(masks, BOXES.long().tolist(), strict=False):
        mask[y1:y2, x1:x2] = 1
    return {"boxes": BOXES[:count], "labels": torch.tensor([1, 2])[:count], "masks": masks}


def test_the_backbone_is_torchs_layers_and_halves_where_it_says():
    torch.manual_seed(0)
    ours = DetectorBackbone((4, 6, 8), (2, 1, 2)).double()
    theirs = nn.Sequential()
    for before, after, stride in ((3, 4, 2), (4, 6, 1), (6, 8, 2)):
        theirs.extend([nn.Conv2d(before, after, 3, stride, 1, bias=False), nn.BatchNorm2d(after), nn.ReLU()])
    theirs.double().load_state_dict(ours.state_dict(), strict=True)
    x = torch.randn(2, 3, 31, 34, dtype=torch.float64)
    assert_close(ours(x), theirs(x), "DetectorBackbone", atol=1e-10)
    assert (ours.stride, ours.out_channels) == (4, 8)
    assert ours(x).shape == (2, 8, 8, 9)


def test_training_is_the_losses_of_both_stages_on_the_same_features():
    torch.manual_seed(0)
    net = faster_rcnn(3, **SMALL)
    x, targets = torch.rand(2, 3, 32, 32), [target(), target(1)]
    net.backbone.eval()  # batch normalization must not depend on what ran before
    losses = net(x, targets, torch.Generator().manual_seed(1))
    features, draws = net.backbone(x), torch.Generator().manual_seed(1)
    logits, codes = net.rpn.predict(features)
    anchors = net.rpn.anchors(features)
    expected = net.rpn.loss(logits, codes, anchors, targets, draws)
    proposals = net.rpn.propose(logits, codes, anchors, (32, 32)).boxes
    expected |= net.roi_heads.loss(features, proposals, targets, draws)
    assert list(losses) == list(expected)
    for name, value in expected.items():
        assert_close(losses[name], value, name)
    sum(losses.values()).backward()
    silent = [name for name, parameter in net.named_parameters() if parameter.grad is None]
    assert not silent, f"no gradient: {silent}"


@pytest.mark.parametrize("make", [faster_rcnn, mask_rcnn])
def test_lists_and_tensors_are_the_same_and_evaluation_is_repeatable(make):
    torch.manual_seed(0)
    net = make(3, **SMALL, score_threshold=0.0, most=5).eval()
    x = torch.rand(2, 3, 32, 40)
    first, second = net(x), net(list(x))
    for one, other in zip(first, second, strict=True):
        assert {*one} == {"boxes", "labels", "scores"} | ({"masks"} if make is mask_rcnn else set())
        assert one["boxes"].shape == (5, 4)
        for key, value in one.items():
            assert torch.equal(value, other[key]), key
        assert (one["boxes"][:, 2] <= 40).all()
        assert (one["boxes"][:, 3] <= 32).all()
        assert set(one["labels"].tolist()) <= {1, 2}, "background is no detection"


def test_fast_rcnn_is_its_stages_and_takes_proposals_from_elsewhere():
    torch.manual_seed(0)
    net = fast_rcnn(3, **SMALL).eval()
    assert net.roi_heads.pool == "pool"
    x, proposals = torch.rand(2, 3, 32, 32), [BOXES, BOXES[:1] + 2]
    expected = net.roi_heads.detect(net.backbone(x), proposals, (32, 32))
    for one, other in zip(net(x, proposals), expected, strict=True):
        for key, value in one.items():
            assert torch.equal(value, other[key]), key
    losses = net.train()(x, proposals, [target(), target(1)])
    assert {*losses} == {"loss_classifier", "loss_box_reg"}
    sum(losses.values()).backward()
    assert all(parameter.grad is not None for parameter in net.parameters())


@pytest.mark.parametrize("kind", ["fast", "faster", "mask"])
def test_a_few_scenes_are_learned_by_heart(kind):
    """Boxes, classes and masks of four pictures; nothing is said of others."""
    torch.manual_seed(0)
    scenes = data.load("scenes", split="train", n=4, size=48, objects=2, clutter=0)
    targets = scenes.targets()
    options = {"channels": (12, 24, 32), "strides": (1, 2, 2), "hidden": 48, "output_size": 5}
    make = {"fast": fast_rcnn, "faster": faster_rcnn, "mask": mask_rcnn}[kind]
    net = make(len(scenes.classes), **options, **{"mask_size": 7} if kind == "mask" else {})
    shifts = torch.tensor([-4.0, 0, 4])
    grid = torch.cartesian_prod(shifts, shifts, shifts, shifts)
    near = [(each["boxes"][:, None] + grid).flatten(0, 1).clamp(0, 48) for each in targets]
    more = (near,) if kind == "fast" else ()
    learn_by_heart(net, lambda: net(scenes.x, *more, targets), scenes.x, lr=3e-3, steps=60)
    with torch.no_grad():
        found = net(scenes.x, *more)
    result = metrics.mean_average_precision(found, targets)
    assert result["map_50"] > 0.9, f"{kind}: {result}"
    if kind == "mask":
        masks = [each | {"masks": each["masks"][:, 0] > 0.5} for each in found]
        assert metrics.mean_average_precision(masks, targets, iou_type="segm")["map_50"] > 0.9


def test_weights_make_an_equal_net():
    net, other = faster_rcnn(3, **SMALL).eval(), faster_rcnn(3, **SMALL).eval()
    other.load_state_dict(net.state_dict())
    x = torch.rand(1, 3, 32, 32)
    assert torch.equal(net(x)[0]["scores"], other(x)[0]["scores"])
    assert models.faster_rcnn is faster_rcnn


@pytest.mark.parametrize(
    ("error", "call", "words"),
    [
        (ValueError, lambda net: net(torch.zeros(1, 3, 32, 32)), "targets must be given in training"),
        (ValueError, lambda net: net(torch.zeros(2, 3, 32, 32), [target()]), "targets must be 2, one for"),
        (ValueError, lambda net: net([]), "images must be a tensor (n, c, h, w) or a list"),
        (
            ValueError,
            lambda net: net([torch.zeros(3, 8, 8), torch.zeros(3, 8, 9)]),
            "images must be of one size",
        ),
        (ValueError, lambda net: net(torch.zeros(3, 32, 32)), "images must be (N, C, H, W)"),
        (TypeError, lambda net: net(torch.zeros(1, 3, 32, 32).byte()), "images must have a floating-point"),
        (
            ValueError,
            lambda net: DetectorBackbone((4, 4), (2,)),
            "strides must be one for each of channels, 2",
        ),
        (ValueError, lambda net: DetectorBackbone((4,), (3,)), "strides must be one of 1, 2, got 3"),
        (
            ValueError,
            lambda net: fast_rcnn(3, **SMALL)(torch.zeros(2, 3, 8, 8), [BOXES]),
            "proposals must be 2, one for each image, got 1",
        ),
        (
            ValueError,
            lambda net: fast_rcnn(3, **SMALL)(torch.zeros(1, 3, 8, 8), [BOXES]),
            "FastRCNN: targets must be given in training",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_bad_calls_are_named(error, call, words):
    with pytest.raises(error) as caught:
        call(faster_rcnn(3, **SMALL))
    assert words in str(caught.value)


def test_batches_are_checked_and_stacked():
    images = [torch.rand(3, 4, 5) for _ in range(2)]
    assert torch.equal(batch_of("x", images), torch.stack(images))
    assert RegionHeads(4, 3, 4).mask_head is None
