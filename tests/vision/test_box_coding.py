"""Codes of boxes against their NumPy reference, numerical gradients and closed forms."""

import inspect
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib import vision
from course_lib.reference import boxes as ref

WEIGHTS = (10.0, 5.0, 2.0, 4.0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@given(n=st.integers(0, 6), seed=st.integers(0, 999))
@settings(max_examples=40, deadline=None)
def test_values_and_gradients_agree_with_the_reference(draw_boxes, dtype, n, seed):
    boxes = draw_boxes(n, seed, dtype=dtype).requires_grad_()
    proposals = draw_boxes(n, seed + 1, dtype=dtype)
    grad = torch.tensor(np.random.default_rng(seed).normal(size=(n, 4)), dtype=dtype)
    codes = vision.encode(boxes, proposals, WEIGHTS)
    arrays = [each.detach().double().numpy() for each in (grad, boxes, proposals)]
    tolerance = {"rtol": 1e-3, "atol": 1e-3} if dtype == torch.float32 else {"rtol": 1e-9, "atol": 1e-10}

    def agree(got, expected, what):
        np.testing.assert_allclose(got.detach().numpy(), expected, **tolerance, err_msg=what)

    agree(codes, ref.encode(*arrays[1:], WEIGHTS), "encode")
    (gradient,) = torch.autograd.grad(codes, boxes, grad)
    agree(gradient, ref.encode_backward(*arrays, WEIGHTS), "encode: gradient")

    codes = codes.detach().requires_grad_()
    back = vision.decode(codes, proposals, WEIGHTS)
    agree(back, arrays[1], "decode(encode)")
    clip = 0.3
    decoded = vision.decode(codes, proposals, WEIGHTS, clip)
    values = codes.detach().double().numpy(), arrays[2]
    agree(decoded, ref.decode(*values, WEIGHTS, clip), "decode")
    (gradient,) = torch.autograd.grad(decoded, codes, grad)
    agree(gradient, ref.decode_backward(arrays[0], *values, WEIGHTS, clip), "decode: gradient")


def test_gradcheck(draw_boxes):
    boxes, proposals = (draw_boxes(3, seed).requires_grad_() for seed in (0, 1))
    codes = torch.randn(3, 8, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(vision.encode, (boxes, proposals))
    assert torch.autograd.gradgradcheck(vision.encode, (boxes, proposals))
    assert torch.autograd.gradcheck(vision.decode, (codes, proposals))
    assert torch.autograd.gradgradcheck(vision.decode, (codes, proposals))


def test_a_worked_example():
    proposal, box = torch.tensor([[0.0, 0, 4, 2]]), torch.tensor([[2.0, 0, 10, 1]])
    expected = torch.tensor([[1, -0.25, math.log(2), math.log(0.5)]])
    torch.testing.assert_close(vision.encode(box, proposal), expected)
    huge = vision.decode(torch.tensor([[0.0, 0, 1e4, 0]]), proposal)
    torch.testing.assert_close(huge, torch.tensor([[2 - 125.0, 0, 2 + 125, 2]]))
    nothing = vision.decode(torch.zeros(1, 4), proposal)
    torch.testing.assert_close(nothing, proposal)


def test_classes_are_decoded_apart(draw_boxes):
    proposals, codes = draw_boxes(5, 0), torch.randn(5, 12, dtype=torch.float64)
    got = vision.decode(codes, proposals)
    for k in range(3):
        part = slice(4 * k, 4 * k + 4)
        torch.testing.assert_close(got[:, part], vision.decode(codes[:, part], proposals), msg=f"class {k}")


def test_coder_is_torchvisions(draw_boxes):
    coder = vision.BoxCoder(WEIGHTS)
    assert coder.weights == WEIGHTS
    assert coder.bbox_xform_clip == math.log(1000 / 16)
    parameters = inspect.signature(vision.BoxCoder).parameters
    assert list(parameters) == ["weights", "bbox_xform_clip"]
    boxes, proposals = [draw_boxes(n, n) for n in (2, 0, 3)], [draw_boxes(n, 9 + n) for n in (2, 0, 3)]
    codes = coder.encode(boxes, proposals)
    assert isinstance(codes, tuple)
    assert [len(each) for each in codes] == [2, 0, 3]
    decoded = coder.decode(torch.cat(codes), proposals)
    assert decoded.shape == (5, 1, 4)
    torch.testing.assert_close(decoded[:, 0], torch.cat(boxes))
    for one, box, proposal in zip(codes, boxes, proposals, strict=True):
        torch.testing.assert_close(coder.encode_single(box, proposal), one)
        torch.testing.assert_close(coder.decode_single(one, proposal), box)
    many = coder.decode(torch.zeros(5, 12, dtype=torch.float64), proposals)
    torch.testing.assert_close(many, torch.cat(proposals)[:, None].expand(5, 3, 4))
    narrow = vision.BoxCoder((1.0, 1.0, 1.0, 1.0), bbox_xform_clip=0.0)
    grown = narrow.decode_single(torch.tensor([[0.0, 0, 5, 5]], dtype=torch.float64), proposals[0][:1])
    torch.testing.assert_close(grown, proposals[0][:1])


def test_codes_of_no_boxes_and_other_dtypes():
    assert vision.encode(torch.zeros(0, 4), torch.zeros(0, 4)).shape == (0, 4)
    assert vision.decode(torch.zeros(0, 8), torch.zeros(0, 4)).shape == (0, 8)
    assert vision.BoxCoder((1.0,) * 4).decode(torch.zeros(0, 8), [torch.zeros(0, 4)]).shape == (0, 2, 4)
    box = torch.tensor([[0.0, 0, 4, 2]])
    assert vision.decode(torch.zeros(1, 4, dtype=torch.bfloat16), box).dtype == torch.bfloat16
    assert vision.encode(box.to("meta"), box.to("meta")).shape == (1, 4)
