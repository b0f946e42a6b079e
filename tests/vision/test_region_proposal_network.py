"""The region proposal network against torchvision's, with the same weights and the same draws."""

import math

import pytest
import torch
from originals import assert_close
from torchvision_models import torchvision

from course_lib import vision
from course_lib.vision import RegionProposalNetwork

rpn = torchvision.models.detection.rpn
ImageList = torchvision.models.detection.image_list.ImageList
SIZES, RATIOS, IMAGE = (12.0, 22.0), (0.5, 1.0, 2.0), (48, 64)
NAMES = {"conv": "head.conv.0.0", "cls_logits": "head.cls_logits", "bbox_pred": "head.bbox_pred"}
OPTIONS = {"batch_size": 24, "pre_nms": 40, "post_nms": 15}


@pytest.fixture
def twins(monkeypatch):
    """Ours and torchvision's with the same weights, larger than they start; and a feature map.

    The operator that suppresses boxes is compiled, and may not be there: torchvision's net is lent ours,
    which has tests of its own.
    """
    monkeypatch.setattr(rpn.box_ops, "batched_nms", vision.batched_nms)
    torch.manual_seed(0)
    ours = RegionProposalNetwork(5, SIZES, RATIOS, stride=8, **OPTIONS)
    for parameter in ours.parameters():
        torch.nn.init.normal_(parameter, std=0.4)
    generator = torchvision.models.detection.anchor_utils.AnchorGenerator((SIZES,), (RATIOS,))
    most = {"training": 40, "testing": 40}, {"training": 15, "testing": 15}
    theirs = rpn.RegionProposalNetwork(generator, rpn.RPNHead(5, 6), 0.7, 0.3, 24, 0.5, *most, 0.7)
    state = {f"{NAMES[name.split('.')[0]]}.{name.split('.')[1]}": v for name, v in ours.state_dict().items()}
    theirs.load_state_dict(state, strict=True)
    return ours, theirs, torch.randn(3, 5, 6, 8)


def targets():
    boxes = [[[4.0, 4, 18, 20], [30, 10, 50, 40]], [[0, 0, 8, 8]], []]
    return [{"boxes": torch.tensor(each).reshape(-1, 4)} for each in boxes]


def test_proposals_are_torchvisions(twins):
    ours, theirs, features = twins
    images = ImageList(torch.zeros(3, 3, *IMAGE), [IMAGE] * 3)
    expected, _ = theirs.eval()(images, {"0": features})
    got = ours(features, IMAGE)
    for number, (mine, other) in enumerate(zip(got.boxes, expected, strict=True)):
        assert_close(mine, other, f"proposals of image {number}", atol=1e-4)
        assert (got.scores[number].diff() <= 0).all()
        assert len(mine) == 15, "some were suppressed, and many are left"
        assert vision.box_iou(mine, mine).triu(1).max() <= 0.7


def test_losses_and_gradients_are_torchvisions(twins):
    ours, theirs, features = twins
    images = ImageList(torch.zeros(3, 3, *IMAGE), [IMAGE] * 3)
    torch.manual_seed(5)
    _, expected = theirs.train()(images, {"0": features}, targets())
    torch.manual_seed(5)
    got = ours.loss(*ours.predict(features), ours.anchors(features), targets())
    assert {*got} == {*expected}
    for name, value in expected.items():
        assert_close(got[name], value, name, rtol=1e-5)
    sum(got.values()).backward()
    sum(expected.values()).backward()
    others = dict(theirs.named_parameters())
    for name, parameter in ours.named_parameters():
        layer, kind = name.split(".")
        assert_close(parameter.grad, others[f"{NAMES[layer]}.{kind}"].grad, name, atol=1e-5)


def test_weights_start_small_and_anchors_are_at_every_place():
    net = RegionProposalNetwork(64, SIZES, RATIOS, stride=8)
    for layer in (net.conv, net.cls_logits, net.bbox_pred):
        assert layer.weight.std().item() == pytest.approx(0.01, rel=0.1)
        assert not layer.bias.any()
    assert not list(net.buffers()), "anchors follow from the sizes, and are no state"
    features = torch.zeros(1, 64, 3, 4)
    anchors = net.anchors(features)
    logits, codes = net.predict(features)
    assert anchors.shape == (3 * 4 * 6, 4)
    assert logits.shape == (1, 72)
    assert codes.shape == (1, 72, 4)
    centres = (anchors[::6, :2] + anchors[::6, 2:]) / 2
    assert centres.tolist() == [[8 * j, 8 * i] for i in range(3) for j in range(4)]


def test_with_no_knowledge_the_loss_is_log_2_and_it_learns_where_boxes_are():
    torch.manual_seed(1)
    net = RegionProposalNetwork(8, (16.0,), (1.0,), stride=8, batch_size=32, post_nms=5)
    features = torch.zeros(2, 8, 8, 8)
    features[0, 0, 2, 3] = features[1, 0, 5, 5] = 5.0  # where something is
    truth = [{"boxes": torch.tensor([[15.0, 8, 33, 24]])}, {"boxes": torch.tensor([[31.0, 32, 49, 48]])}]
    anchors = net.anchors(features)
    first = net.loss(*net.predict(features), anchors, truth)["loss_objectness"].item()
    assert first == pytest.approx(math.log(2), abs=0.02)
    optimizer = torch.optim.Adam(net.parameters(), lr=0.003)
    for _ in range(300):
        optimizer.zero_grad()
        sum(net.loss(*net.predict(features), anchors, truth).values()).backward()
        optimizer.step()
    proposals = net(features, (64, 64))
    for boxes, scores, target in zip(*proposals, truth, strict=True):
        assert vision.box_iou(boxes[:1], target["boxes"]).item() > 0.9, boxes[0]
        assert scores[0] > 0.9
        assert scores[1:].max() < 0.5


def test_images_without_objects_are_background_alone():
    net = RegionProposalNetwork(4, (16.0,), stride=8)
    features = torch.randn(2, 4, 4, 4)
    empty = [{"boxes": torch.zeros(0, 4)}] * 2
    losses = net.loss(*net.predict(features), net.anchors(features), empty)
    assert losses["loss_rpn_box_reg"] == 0
    assert losses["loss_objectness"] > 0


@pytest.mark.parametrize(
    ("error", "call", "words"),
    [
        (ValueError, lambda net: RegionProposalNetwork(4, ()), "sizes must not be empty"),
        (ValueError, lambda net: RegionProposalNetwork(4, (8,), stride=0), "stride must be 1 or more"),
        (ValueError, lambda net: RegionProposalNetwork(4, (8,), nms_iou=2.0), "nms_iou must be"),
        (ValueError, lambda net: net(torch.zeros(4, 3, 3), IMAGE), "features must be (N, C, H, W)"),
        (ValueError, lambda net: net(torch.zeros(1, 4, 3, 3), (8,)), "image_size must be two integers"),
        (
            ValueError,
            lambda net: net.loss(
                *net.predict(torch.zeros(1, 4, 3, 3)), net.anchors(torch.zeros(1, 4, 3, 3)), []
            ),
            "targets must be 1, one for each image, got 0",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_bad_calls_are_named(error, call, words):
    with pytest.raises(error) as caught:
        call(RegionProposalNetwork(4, (16.0,), stride=8))
    assert words in str(caught.value)
