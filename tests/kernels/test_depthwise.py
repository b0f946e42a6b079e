"""Depthwise convolution against its NumPy reference and PyTorch's."""

import pytest
import torch
from originals import assert_close
from torch.nn import functional as F

from course_lib.kernels.depthwise import depthwise_conv2d
from course_lib.reference import convolution as ref

# Image, kernel, stride, padding, dilation.
CASES = {
    "one of everything": ((1, 1, 1, 1), (1, 1), 1, 0, 1),
    "3x3": ((2, 3, 6, 5), (3, 3), 1, 1, 1),
    "stride, padding and dilation of two sizes": ((2, 2, 7, 8), (2, 3), (2, 3), (1, 2), (3, 1)),
    "5x5, more than 16 taps and 256 pixels": ((1, 1, 17, 16), (5, 5), 1, 2, 1),
}


def draw(shape, kernel, device, dtype=torch.float32):
    torch.manual_seed(0)
    shapes = shape, (shape[1], 1, *kernel), shape[1:2]
    return [torch.randn(each, dtype=dtype, device=device, requires_grad=True) for each in shapes]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("case", CASES)
def test_agrees_with_the_reference(device, case, dtype):
    shape, kernel, *options = CASES[case]
    given = draw(shape, kernel, device, dtype)
    y = depthwise_conv2d(*given, *options)
    grad = torch.randn_like(y)
    grads = torch.autograd.grad(y, given, grad)
    x, w, b = (each.detach().cpu().double().numpy() for each in given)
    expected = [ref.conv2d(x, w, b, *options, groups=shape[1])]
    expected += ref.conv2d_backward(grad.cpu().double().numpy(), x, w, *options, groups=shape[1])
    atol = 5e-5 if dtype == torch.float32 else 1e-12
    for what, got, want in zip(("y", "dE/dx", "dE/dw", "dE/db"), (y, *grads), expected, strict=True):
        assert_close(got.detach().cpu(), torch.tensor(want).to(dtype), f"{case}: {what}", atol=atol)


def test_without_a_bias_strided_and_in_half_precision(device):
    x, w, _ = (each.detach() for each in draw((2, 3, 5, 4), (3, 3), device))
    y = F.conv2d(x, w, padding=1, groups=3)
    for name, same in {
        "plain": x,
        "channels last": x.to(memory_format=torch.channels_last),
        "transposed": x.mT.contiguous().mT,
    }.items():
        assert_close(depthwise_conv2d(same, w.mT.contiguous().mT, padding=1), y, name, atol=1e-5)
    assert_close(depthwise_conv2d(x.half(), w.half(), padding=1), y.half(), "float16", rtol=2e-2, atol=2e-2)


def test_the_gradient_of_the_gradient_is_pytorchs(device):
    found = []
    for function, options in ((depthwise_conv2d, {}), (F.conv2d, {"groups": 2})):
        given = draw((1, 2, 4, 4), (3, 3), device, torch.float64)
        y = function(*given, **options)
        first = torch.autograd.grad(y.square().sum(), given, create_graph=True)
        found.append(torch.autograd.grad(sum(each.square().sum() for each in first), given))
    for what, ours, theirs in zip("xwb", *found, strict=True):
        assert_close(ours, theirs, f"second derivative for {what}", atol=1e-9)


@pytest.mark.parametrize("value", [float("inf"), float("nan"), 1e30, 1e-30])
def test_extreme_values_stay_in_their_channel(device, value):
    x = torch.zeros(1, 2, 1, 1, device=device)
    x[0, 1] = value
    y = depthwise_conv2d(x, torch.ones(2, 1, 1, 1, device=device)).flatten().cpu()
    assert_close(y, torch.tensor([0.0, value]), f"a channel of 0 and one of {value}")


def test_no_images(device):
    x, w, b = draw((0, 2, 5, 5), (3, 3), device)
    y = depthwise_conv2d(x, w, b)
    assert y.shape == (0, 2, 3, 3)
    for what, grad in zip("xwb", torch.autograd.grad(y.sum(), (x, w, b)), strict=True):
        assert grad.abs().sum() == 0, f"gradient for {what} of no images"


def test_what_does_not_fit(device):
    x, w, b = (each.detach() for each in draw((1, 2, 4, 4), (3, 3), device))
    for wrong in ((x[0], w, b), (x, w.expand(2, 2, 3, 3), b), (x, w, b[:1]), (x[:, :1], w, b)):
        with pytest.raises(ValueError, match="depthwise_conv2d: input, weight and bias must have shapes"):
            depthwise_conv2d(*wrong)
    with pytest.raises(TypeError, match="depthwise_conv2d: tensors must all be of one dtype"):
        depthwise_conv2d(x, w.half(), b)
    with pytest.raises(ValueError, match="depthwise_conv2d: weight must have shape"):
        depthwise_conv2d(x.repeat(1, 2, 1, 1), w.repeat(1, 2, 1, 1), b)
    with pytest.raises(ValueError, match="depthwise_conv2d: input must hold the kernel"):
        depthwise_conv2d(x, w, b, dilation=2)
