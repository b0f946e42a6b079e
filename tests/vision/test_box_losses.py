"""Losses for boxes against the overlaps they are made of, numerical gradients and a little training."""

import inspect

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib import vision
from course_lib.reference import boxes as ref

LOSSES = {
    "generalized_box_iou_loss": ref.generalized_iou,
    "distance_box_iou_loss": ref.distance_iou,
    "complete_box_iou_loss": ref.complete_iou,
}


@pytest.mark.parametrize("name", LOSSES)
@given(n=st.integers(0, 6), seed=st.integers(0, 999))
@settings(max_examples=30, deadline=None)
def test_losses_are_one_minus_the_overlap(draw_boxes, name, n, seed):
    boxes, targets = draw_boxes(n, seed), draw_boxes(n, seed + 1)
    loss = getattr(vision, name)(boxes, targets)
    pairs = zip(boxes.numpy(), targets.numpy(), strict=True)
    expected = torch.tensor([1 - LOSSES[name](a, b) for a, b in pairs], dtype=torch.float64)
    torch.testing.assert_close(
        loss, expected, rtol=1e-5, atol=1e-6, msg=lambda m: f"{name} against reference: {m}"
    )
    mean = expected.mean() if n else torch.tensor(0.0, dtype=torch.float64)
    for reduction, value in {"mean": mean, "sum": expected.sum()}.items():
        reduced = getattr(vision, name)(boxes, targets, reduction=reduction)
        torch.testing.assert_close(reduced, value, rtol=1e-5, atol=1e-6, msg=f"{name}, {reduction}")


@pytest.mark.parametrize("name", ["generalized_box_iou_loss", "distance_box_iou_loss"])
@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
def test_gradcheck(draw_boxes, name, reduction):
    inputs = draw_boxes(4, 2, 5.0).requires_grad_(), draw_boxes(4, 3, 5.0).requires_grad_()
    assert torch.autograd.gradcheck(lambda a, b: getattr(vision, name)(a, b, reduction), inputs)


@pytest.mark.parametrize("name", LOSSES)
def test_signature_shapes_and_eps(name):
    loss = getattr(vision, name)
    parameters = list(inspect.signature(loss).parameters.values())
    assert [p.name for p in parameters] == ["boxes1", "boxes2", "reduction", "eps"]
    assert [p.default for p in parameters[2:]] == ["none", 1e-7]
    box = torch.tensor([0.0, 0, 2, 2])
    assert loss(box, box).shape == ()
    assert loss(box.expand(2, 3, 4), box.expand(2, 3, 4)).shape == (2, 3)
    point = torch.zeros(1, 4, requires_grad=True)
    if name != "complete_box_iou_loss":  # whose angles do not exist there
        value = loss(point, torch.zeros(1, 4))
        assert value.item() == pytest.approx(1, abs=1e-5), "0 / eps"
        assert torch.autograd.grad(value.sum(), point)[0].isfinite().all()
    half = loss(box.half().expand(1, 4), box.half().expand(1, 4))
    assert half.abs().item() < 1e-3
    assert loss(box.to("meta"), box.to("meta")).shape == ()


@pytest.mark.parametrize("name", LOSSES)
def test_apart_boxes_are_pulled_together(name):
    """Where the IoU has no gradient, these losses still do."""
    target = torch.tensor([[20.0, 20, 30, 28]])
    box = torch.tensor([[0.0, 0, 5, 5]], requires_grad=True)
    optimizer = torch.optim.Adam([box], lr=0.5)
    for _ in range(300):
        optimizer.zero_grad()
        getattr(vision, name)(box, target, reduction="sum").backward()
        optimizer.step()
    assert vision.box_iou(box.detach(), target).item() > 0.9, f"{name} ends at {box.tolist()}"


def test_boxes_that_touch_count_as_apart():
    box = torch.tensor([[0.0, 0, 1, 1]], dtype=torch.float64, requires_grad=True)
    target = torch.tensor([[1.0, 0, 2, 1]], dtype=torch.float64)
    (touching,) = torch.autograd.grad(vision.generalized_box_iou_loss(box, target).sum(), box)
    apart = (box.detach() - torch.tensor([1e-9, 0, 1e-9, 0])).requires_grad_()
    (expected,) = torch.autograd.grad(vision.generalized_box_iou_loss(apart, target).sum(), apart)
    torch.testing.assert_close(touching, expected, atol=1e-6, rtol=0)
