"""The second stage against torchvision's RoIHeads, with the same weights and the same draws."""

import pytest
import torch
from originals import assert_close
from torchvision_models import torchvision

from course_lib import vision
from course_lib.models.region_heads import RegionHeads

faster, masked = torchvision.models.detection.faster_rcnn, torchvision.models.detection.mask_rcnn
roi_heads = torchvision.models.detection.roi_heads
IMAGE, STRIDE, CHANNELS, CLASSES = (48, 64), 4, 6, 4
OPTIONS = {
    "output_size": 3,
    "hidden": 10,
    "batch_size": 16,
    "score_threshold": 0.2,
    "most": 12,
    "mask_size": 4,
}
HEADS = {"fc6": "box_head", "fc7": "box_head", "cls_score": "box_predictor", "bbox_pred": "box_predictor"}


def twins(with_masks=False, pool="align"):
    """Ours, and torchvision's with the same weights, which pools as ours does: that is tested elsewhere."""
    torch.manual_seed(0)
    ours = RegionHeads(CHANNELS, CLASSES, STRIDE, with_masks=with_masks, pool=pool, **OPTIONS)
    for parameter in ours.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    boxes = faster.TwoMLPHead(CHANNELS * 9, 10), faster.FastRCNNPredictor(10, CLASSES)
    masks = (None, None, None)
    if with_masks:
        masks = (
            lambda features, boxes, sizes: ours.pooled(features["0"], boxes, 4),
            masked.MaskRCNNHeads(CHANNELS, [CHANNELS] * 4, 1),
            masked.MaskRCNNPredictor(CHANNELS, CHANNELS, CLASSES),
        )
    pooled = lambda features, boxes, sizes: ours.pooled(features["0"], boxes, 3)  # noqa: E731
    theirs = roi_heads.RoIHeads(pooled, *boxes, 0.5, 0.5, 16, 0.25, None, 0.2, 0.5, 12, *masks)
    for mine, other in pairs(ours, theirs):
        other.data = mine.data.clone()
    return ours, theirs


def pairs(ours, theirs):
    """The parameters of both that mean the same."""
    named = dict(theirs.named_parameters())
    for name, layer in ours.box_head.named_children():
        for kind, mine in layer.named_parameters():
            yield mine, named.pop(f"{HEADS[name]}.{name}.{kind}")
    if ours.mask_head is not None:
        yield from zip(ours.mask_head.parameters(), named.values(), strict=True)


@pytest.fixture
def scene(monkeypatch):
    """Features, proposals and targets of two images; torchvision is lent our suppression and our RoIAlign."""
    monkeypatch.setattr(roi_heads.box_ops, "batched_nms", vision.batched_nms)
    monkeypatch.setattr(roi_heads, "roi_align", vision.roi_align)
    torch.manual_seed(1)
    corners = torch.rand(2, 20, 2) * torch.tensor([40.0, 28.0])
    proposals = list(torch.cat([corners, corners + 6 + 14 * torch.rand(2, 20, 2)], dim=2))
    targets = [
        {"boxes": proposals[0][:3] + 1, "labels": torch.tensor([1, 3, 2])},
        {"boxes": proposals[1][5:6] - 1, "labels": torch.tensor([2])},
    ]
    for target in targets:
        target["masks"] = (torch.rand(len(target["labels"]), *IMAGE) < 0.5).to(torch.uint8)
    return torch.randn(2, CHANNELS, 12, 16), proposals, targets


@pytest.mark.parametrize("pool", ["align", "pool"])
def test_detections_are_torchvisions(scene, pool):
    features, proposals, _ = scene
    ours, theirs = twins(pool=pool)
    expected, _ = theirs.eval()({"0": features}, proposals, [IMAGE] * 2)
    for number, (mine, other) in enumerate(
        zip(ours.detect(features, proposals, IMAGE), expected, strict=True)
    ):
        assert len(mine["scores"]) == 12, "as many as are allowed, of many more"
        for key in ("boxes", "labels", "scores"):
            assert_close(mine[key], other[key], f"{key} of image {number}", atol=1e-4 * (key != "labels"))


@pytest.mark.parametrize("with_masks", [False, True])
def test_losses_and_gradients_are_torchvisions(scene, with_masks):
    features, proposals, targets = scene
    ours, theirs = twins(with_masks)
    torch.manual_seed(4)
    _, expected = theirs.train()({"0": features}, proposals, [IMAGE] * 2, targets)
    torch.manual_seed(4)
    got = ours.loss(features, proposals, targets)
    assert {*got} == {*expected}
    for name, value in expected.items():
        assert_close(got[name], value, name, rtol=1e-5)
    sum(got.values()).backward()
    sum(expected.values()).backward()
    for mine, other in pairs(ours, theirs):
        assert mine.grad.any()
        assert_close(mine.grad, other.grad, f"gradient {tuple(mine.shape)}", atol=1e-5)


def test_masks_are_torchvisions_pasted_into_the_image(scene):
    features, proposals, _ = scene
    ours, theirs = twins(with_masks=True)
    expected, _ = theirs.eval()({"0": features}, proposals, [IMAGE] * 2)
    for mine, other in zip(ours.detect(features, proposals, IMAGE), expected, strict=True):
        pasted = roi_heads.paste_masks_in_image(other["masks"], other["boxes"], IMAGE)
        assert mine["masks"].shape == (12, 1, *IMAGE)
        assert_close(mine["masks"], pasted, "masks", atol=1e-4)


def test_the_true_boxes_are_among_the_candidates_and_background_is_what_overlaps_little(scene):
    _, proposals, targets = scene
    heads = RegionHeads(CHANNELS, CLASSES, STRIDE, **OPTIONS | {"batch_size": 64, "positive_fraction": 1.0})
    for boxes, target, drawn in zip(proposals, targets, heads.sample(proposals, targets), strict=True):
        assert len(drawn.boxes) == len(boxes) + len(target["boxes"]), "there is room for all"
        for box, label, row in zip(*drawn, strict=True):
            iou = vision.box_iou(box[None], target["boxes"])[0]
            if label:
                assert row == iou.argmax()
                assert iou[row] >= 0.5
                assert label == target["labels"][row]
            else:
                assert row == -1
                assert iou.max() < 0.5
        found = {tuple(box) for box in drawn.boxes.tolist()}
        assert {tuple(box) for box in target["boxes"].tolist()} <= found


def test_no_proposals_and_no_objects_are_no_trouble():
    heads = RegionHeads(CHANNELS, CLASSES, STRIDE, with_masks=True, **OPTIONS)
    features, none = torch.randn(1, CHANNELS, 12, 16), [torch.zeros(0, 4)]
    (found,) = heads.detect(features, none, IMAGE)
    assert found["boxes"].shape == (0, 4)
    assert found["masks"].shape == (0, 1, *IMAGE)
    target = {"boxes": none[0], "labels": torch.zeros(0).long(), "masks": torch.zeros(0, *IMAGE).byte()}
    losses = heads.loss(features, [torch.tensor([[4.0, 4, 20, 20]])], [target])
    assert losses["loss_box_reg"] == losses["loss_mask"] == 0
    assert losses["loss_classifier"] > 0


@pytest.mark.parametrize(
    ("error", "options", "words"),
    [
        (ValueError, {"num_classes": 0}, "num_classes must be 1 or more"),
        (ValueError, {"pool": "max"}, "pool must be one of 'align', 'pool', got 'max'"),
        (ValueError, {"score_threshold": 2.0}, "score_threshold must be"),
        (ValueError, {"nms_iou": -1.0}, "nms_iou must be"),
        (TypeError, {"hidden": 2.5}, "hidden must be an integer"),
    ],
    ids=str,
)
def test_bad_options_are_named(error, options, words):
    with pytest.raises(error, match=words):
        RegionHeads(**{"channels": 4, "num_classes": 3, "stride": 4} | options)
