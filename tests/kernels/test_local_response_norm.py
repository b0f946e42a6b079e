"""The kernel of local response normalization against PyTorch's and the NumPy reference."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from course_lib.kernels import local_response_norm as module
from course_lib.kernels.local_response_norm import local_response_norm
from course_lib.reference import local_response_norm as ref

TOLERANCE = {torch.float32: 1e-5, torch.float64: 1e-10, torch.bfloat16: 2e-2}
SHAPES = [(1, 1, 1), (2, 7, 3), (1, 20, 5, 2), (2, 3, 130), (0, 3, 4)]
OPTIONS = [
    {"size": 1},
    {"size": 5},
    {"size": 4, "alpha": 0.5, "beta": 0.5, "k": 2.0},
    {"size": 30, "alpha": 2.0},
]


def run(function, x, grad):
    x = x.detach().requires_grad_()
    y = function(x)
    y.backward(grad)
    return y.detach(), x.grad


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_agrees_with_the_reference_and_pytorch(shape, options, device, dtype):
    x, grad = torch.randn(shape).to(device, dtype), torch.randn(shape).to(device, dtype)
    y, dx = run(lambda x: local_response_norm(x, **options), x, grad)
    assert y.dtype == dx.dtype == dtype
    arrays = [tensor.double().cpu().numpy() for tensor in (grad, x)]
    tolerance, what = TOLERANCE[dtype], f"{shape} {options}"
    expected = (
        ref.local_response_norm(arrays[1], **options),
        ref.local_response_norm_backward(*arrays, **options),
    )
    np.testing.assert_allclose(y.double().cpu(), expected[0], tolerance, tolerance, err_msg=f"{what} y")
    np.testing.assert_allclose(dx.double().cpu(), expected[1], tolerance, tolerance, err_msg=f"{what} dx")
    if x.numel():
        theirs = run(lambda x: F.local_response_norm(x, **options), x.double(), grad.double())
        torch.testing.assert_close(y.double(), theirs[0], rtol=tolerance, atol=tolerance)
        torch.testing.assert_close(dx.double(), theirs[1], rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize(("channels", "tile"), [(2, 8), (4, 64)])
def test_no_number_depends_on_the_tile(channels, tile, monkeypatch, device):
    x, grad = torch.randn(1, 9, 11, device=device), torch.randn(1, 9, 11, device=device)
    expected = run(lambda x: local_response_norm(x, 5, alpha=0.5), x, grad)
    monkeypatch.setattr(module, "CHANNELS", channels)
    monkeypatch.setattr(module, "TILE", tile)
    for got, same in zip(run(lambda x: local_response_norm(x, 5, alpha=0.5), x, grad), expected, strict=True):
        torch.testing.assert_close(got, same, rtol=1e-6, atol=1e-6)


def test_inputs_with_strides(device):
    x, grad = torch.randn(2, 6, 3, 4, device=device), torch.randn(2, 6, 3, 4, device=device)
    strided = x.contiguous(memory_format=torch.channels_last)
    expected = run(lambda x: local_response_norm(x, 3), x, grad)
    got = run(lambda x: local_response_norm(x, 3), strided, grad.transpose(2, 3).contiguous().transpose(2, 3))
    for a, b in zip(got, expected, strict=True):
        torch.testing.assert_close(a, b)


@pytest.mark.parametrize("value", [1e-30, 1e4, 1e15, 0.0])
def test_extreme_values(value, device):
    x = value * torch.randn(2, 6, 3, device=device)
    grad = torch.ones_like(x)
    y, dx = run(lambda x: local_response_norm(x, 5), x, grad)
    arrays = [tensor.double().cpu().numpy() for tensor in (grad, x)]
    np.testing.assert_allclose(y.cpu(), ref.local_response_norm(arrays[1], 5), 1e-4)
    np.testing.assert_allclose(dx.cpu(), ref.local_response_norm_backward(*arrays, 5), 1e-3, 1e-5)


def test_gradients_of_gradients(device):
    x = torch.randn(1, 5, 3, device=device, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradgradcheck(lambda x: local_response_norm(x, 3, alpha=0.5), x, fast_mode=True)


def test_bad_calls(device):
    x = torch.randn(2, 4, 3, device=device)
    with pytest.raises(ValueError, match="input must be"):
        local_response_norm(x[0], 3)
    with pytest.raises(ValueError, match="size 1 or more"):
        local_response_norm(x, 0)
    with pytest.raises(ValueError, match="k must be above 0"):
        local_response_norm(x, 3, k=0.0)
    with pytest.raises(ValueError, match="alpha 0 or more"):
        local_response_norm(x, 3, alpha=-1.0)
