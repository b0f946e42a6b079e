"""Convolution as an implicit matrix product against its NumPy reference and PyTorch's."""

import pytest
import torch
from originals import assert_close
from torch.nn import functional as F

from course_lib import kernels, layers
from course_lib.kernels.convolution import conv2d, conv2d_relu
from course_lib.reference import convolution as ref

# Image, weight, stride, padding, dilation, groups.
CASES = {
    "one of everything": ((1, 1, 1, 1), (1, 1, 1, 1), 1, 0, 1, 1),
    "3x3": ((2, 3, 6, 5), (4, 3, 3, 3), 1, 1, 1, 1),
    "stride, padding and dilation of two sizes": ((2, 2, 7, 8), (3, 2, 2, 3), (2, 3), (1, 2), (3, 1), 1),
    "groups": ((1, 4, 4, 4), (6, 2, 3, 2), 2, 1, 1, 2),
    "more than a tile": ((2, 5, 7, 8), (18, 5, 3, 3), 1, 1, 1, 1),
}


def draw(shape, weight_shape, device, dtype=torch.float32):
    torch.manual_seed(0)
    shapes = shape, weight_shape, weight_shape[:1]
    return [torch.randn(each, dtype=dtype, device=device, requires_grad=True) for each in shapes]


@pytest.mark.parametrize("case", CASES)
def test_agrees_with_the_reference(device, case):
    shape, weight_shape, stride, padding, dilation, groups = CASES[case]
    given = draw(shape, weight_shape, device)
    options = stride, padding, dilation, groups
    y = conv2d(*given, *options)
    grad = torch.randn_like(y)
    grads = torch.autograd.grad(y, given, grad)
    x, w, b = (each.detach().cpu().double().numpy() for each in given)
    expected = [ref.conv2d(x, w, b, *options)]
    expected += ref.conv2d_backward(grad.cpu().double().numpy(), x, w, *options)
    for what, got, want in zip(("y", "dE/dx", "dE/dw", "dE/db"), (y, *grads), expected, strict=True):
        assert_close(got.detach().cpu(), torch.tensor(want).float(), f"{case}: {what}", rtol=1e-4, atol=2e-5)


@pytest.mark.parametrize("biased", [False, True])
def test_relu_and_its_gradients(device, biased):
    x, w, b = draw((2, 2, 5, 5), (3, 2, 3, 3), device)
    given = [x, w, b] if biased else [x, w]
    found = {}
    for name, y in {"kernel": conv2d_relu(*given), "two steps": F.relu(F.conv2d(*given))}.items():
        found[name] = [y, *torch.autograd.grad(y, given, torch.cos(y.detach()))]
    for what, ours, theirs in zip(("y", "dE/dx", "dE/dw", "dE/db"), *found.values(), strict=False):
        assert_close(ours, theirs, f"with ReLU, bias {biased}: {what}", rtol=1e-4, atol=2e-5)


def test_strides_half_precision_and_frozen_weights(device):
    x, w, b = draw((2, 3, 5, 4), (4, 3, 3, 3), device)
    y = conv2d(x, w, b, padding=1)
    for name, same in {
        "channels last": x.detach().to(memory_format=torch.channels_last),
        "transposed": x.detach().mT.contiguous().mT,
    }.items():
        assert_close(conv2d(same, w.detach().mT.contiguous().mT, b, padding=1), y, name, atol=1e-5)
    low = conv2d(*(each.half() for each in (x, w, b)), padding=1)
    assert_close(low, y.half(), "float16", rtol=2e-2, atol=2e-2)
    assert torch.autograd.grad(conv2d(x, w.detach()).sum(), x)[0].shape == x.shape


def test_the_gradient_of_the_gradient_is_pytorchs(device):
    found = []
    for function in (conv2d, F.conv2d):
        given = draw((1, 2, 4, 4), (2, 2, 3, 3), device)
        first = torch.autograd.grad(function(*given).square().sum(), given, create_graph=True)
        found.append(torch.autograd.grad(sum(each.square().sum() for each in first), given))
    for what, ours, theirs in zip("xwb", *found, strict=True):
        assert_close(ours, theirs, f"second derivative for {what}", rtol=1e-4, atol=1e-2)


@pytest.mark.parametrize("value", [float("inf"), float("nan"), 1e30])
def test_extreme_values_go_through(device, value):
    x = torch.zeros(1, 1, 1, 3, device=device)
    x[0, 0, 0, 1] = value
    weight = torch.ones(1, 1, 1, 1, device=device)
    expected = torch.tensor([0.0, value, 0.0])
    assert_close(conv2d(x, weight).flatten().cpu(), expected, f"a pixel of {value}")
    assert_close(conv2d_relu(x, weight).flatten().cpu(), expected, f"a pixel of {value}, ReLU")


def test_no_images(device):
    x, w, b = draw((0, 2, 5, 5), (3, 2, 3, 3), device)
    y = conv2d(x, w, b)
    assert y.shape == (0, 3, 3, 3)
    for what, grad in zip("xwb", torch.autograd.grad(y.sum(), (x, w, b)), strict=True):
        assert grad.abs().sum() == 0, f"gradient for {what} of no images"


@pytest.mark.parametrize("groups", [1, 2, 4])
def test_the_layer_by_this_way(device, monkeypatch, groups):
    torch.manual_seed(0)
    layer = layers.Conv2d(4, 4, (2, 3), padding="same", groups=groups, device=device)
    x = torch.randn(2, 4, 5, 6, device=device)
    expected = layer(x)
    monkeypatch.setattr(kernels, "usable", lambda *tensors: True)
    layer.way = "implicit"
    assert_close(layer(x), expected, f"{groups} groups", rtol=1e-4, atol=1e-5)
    assert_close(layer(x[0]), expected[0], f"{groups} groups, one image", rtol=1e-4, atol=1e-5)
    monkeypatch.setattr(kernels, "usable", lambda *tensors: False)
    with pytest.raises(ValueError, match="Conv2d: input must be on CUDA, with Triton, for way='implicit'"):
        layer(x)


def test_what_does_not_fit(device):
    x, w, b = (each.detach() for each in draw((1, 2, 4, 4), (4, 2, 3, 3), device))
    for wrong in ((x[0], w, b), (x[:, :1], w, b), (x, w, b[:3]), (x, w[:, :1], b, 1, 0, 1, 4)):
        with pytest.raises(ValueError, match="conv2d: input, weight and bias must have shapes"):
            conv2d(*wrong)
    with pytest.raises(ValueError, match="conv2d: input must hold the kernel"):
        conv2d(x, w, b, dilation=2)
    with pytest.raises(TypeError, match="conv2d_relu: tensors must all be"):
        conv2d_relu(x.double(), w.double())
