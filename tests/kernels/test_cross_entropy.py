"""The cross-entropy kernel against its NumPy reference and PyTorch's, also at the extremes."""

import math

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from course_lib.kernels import cross_entropy as module
from course_lib.kernels.cross_entropy import cross_entropy
from course_lib.reference import losses as ref

TOLERANCE = {torch.float32: 1e-5, torch.float64: 1e-10, torch.bfloat16: 2e-2}
SHAPES = [(1, 1), (3, 5), (17, 10), (2, 300), (2, 3, 7), (3, 4, 5, 2), (1, 2, 300)]
OPTIONS = [
    {},
    {"reduction": "sum", "label_smoothing": 0.1},
    {"reduction": "none", "ignore_index": 0},
    {"weight": True, "label_smoothing": 0.3, "ignore_index": 1},
    {"weight": True, "reduction": "sum"},
]


def pair(shape, device, dtype=torch.float32):
    x = torch.randn(shape, dtype=torch.float64).to(dtype)
    target = torch.randint(shape[1], (shape[0], *shape[2:]))
    return x.to(device), target.to(device)


def value_and_gradient(function, x, *args, **options):
    x = x.detach().requires_grad_()
    y = function(x, *args, **options)
    weights = torch.linspace(0.5, 1.5, y.numel(), dtype=y.dtype, device=y.device).view(y.shape)
    return y.detach(), torch.autograd.grad(y, x, weights)[0], weights


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_agrees_with_pytorch_and_the_reference(shape, options, device, dtype):
    x, target = pair(shape, device, dtype)
    options = dict(options)
    if options.pop("weight", False):
        options["weight"] = torch.linspace(0.2, 2, shape[1], dtype=dtype, device=device)
    if (target == options.get("ignore_index", -100)).all():
        target.fill_(shape[1] - 1)  # the mean over nothing has a test of its own
        options.pop("ignore_index")
    y, dx, grad = value_and_gradient(cross_entropy, x, target, **options)
    wide = {k: v.double() if isinstance(v, torch.Tensor) else v for k, v in options.items()}
    expected, expected_dx, _ = value_and_gradient(F.cross_entropy, x.double(), target, **wide)
    assert y.dtype == dx.dtype == dtype
    where, tolerance = f"{shape} {options}", TOLERANCE[dtype]
    torch.testing.assert_close(y.double(), expected, rtol=tolerance, atol=tolerance, msg=lambda m: where + m)
    torch.testing.assert_close(
        dx.double(), expected_dx, rtol=tolerance, atol=tolerance, msg=lambda m: where + m
    )
    arrays = {k: v.cpu().numpy() if isinstance(v, torch.Tensor) else v for k, v in wide.items()}
    z, t = x.double().cpu().numpy(), target.cpu().numpy()
    np.testing.assert_allclose(y.double().cpu(), ref.cross_entropy(z, t, **arrays), tolerance, tolerance)
    slope = ref.cross_entropy_backward(grad.double().cpu().numpy(), z, t, **arrays)
    np.testing.assert_allclose(dx.double().cpu(), slope, tolerance, tolerance)


def test_more_classes_than_a_tile(monkeypatch, device):
    monkeypatch.setattr(module, "TILE", 16)
    x, target = pair((5, 53), device)
    x[:, :20] = -math.inf  # a whole tile without a finite logit
    target = target.clamp(min=20)
    x[0, 50] = 90.0
    y, dx, _ = value_and_gradient(cross_entropy, x, target)
    expected, expected_dx, _ = value_and_gradient(F.cross_entropy, x, target)
    torch.testing.assert_close(y, expected)
    torch.testing.assert_close(dx, expected_dx)


@pytest.mark.parametrize(
    "make", [lambda x: x.t().contiguous().t(), lambda x: torch.stack([x] * 3, 2).flatten(1)[:, ::3]]
)
def test_logits_with_strides(make, device):
    x, target = pair((7, 6), device)
    strided = make(x)
    assert not strided.is_contiguous()
    for got, expected in zip(
        value_and_gradient(cross_entropy, strided, target),
        value_and_gradient(cross_entropy, x, target),
        strict=True,
    ):
        torch.testing.assert_close(got, expected)


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("value", [1e4, -1e4, 1e-30, math.inf, -math.inf, math.nan])
def test_extreme_logits(value, smoothing, device):
    x = torch.tensor([[value, 1.0, 2.0], [value] * 3, [1.0, value, value], [value, 1.0, 2.0]], device=device)
    target = torch.tensor([0, 1, 0, 2], device=device)
    got = cross_entropy(x, target, reduction="none", label_smoothing=smoothing)
    expected = F.cross_entropy(x, target, reduction="none", label_smoothing=smoothing)
    torch.testing.assert_close(got, expected, rtol=1e-5, atol=2e-3, equal_nan=True)


def test_nothing_counted_and_nothing_given(device):
    x, target = pair((3, 4), device)
    assert cross_entropy(x, target * 0 - 100).isnan(), "the mean over ignored positions is 0 / 0"
    y, dx, _ = value_and_gradient(cross_entropy, x, target * 0 - 100, reduction="sum")
    assert y == 0, f"ignored positions cost {y}"
    assert (dx == 0).all(), f"ignored positions pull: {dx}"
    assert cross_entropy(x[:0], target[:0]).isnan()
    assert cross_entropy(x[:0], target[:0], reduction="sum") == 0


def test_a_class_that_is_none_makes_the_loss_nan(device):
    x, target = pair((3, 4), device)
    target[1] = 4
    got = cross_entropy(x, target, reduction="none").isnan()
    assert got.tolist() == [False, True, False], f"NaN should mark the wrong class alone: {got}"


def test_gradients_of_gradients(device):
    x, target = pair((2, 3, 2), device, torch.float64)
    strided = x.transpose(0, 2).contiguous().transpose(0, 2)
    for logits in (x, strided):
        assert torch.autograd.gradgradcheck(
            lambda x: cross_entropy(x, target, label_smoothing=0.1), logits.requires_grad_(), fast_mode=True
        )


def test_autocast_keeps_the_digits(device):
    x, target = pair((5, 40), device)
    half = x.to(torch.bfloat16).requires_grad_()
    with torch.autocast(device.type, dtype=torch.bfloat16):
        y = cross_entropy(half, target, weight=torch.ones(40, device=device))
    assert y.dtype == torch.float32, f"PyTorch's gives float32 under autocast, the kernel {y.dtype}"
    torch.testing.assert_close(y, F.cross_entropy(half.float(), target))
    y.backward()
    assert half.grad.dtype == torch.bfloat16


def test_bad_calls(device):
    x, target = pair((3, 4), device)
    with pytest.raises(ValueError, match="reduction must be"):
        cross_entropy(x, target, reduction="average")
    with pytest.raises(TypeError, match=r"dtype torch\.int64"):
        cross_entropy(x, target.int())
    with pytest.raises(ValueError, match="target"):
        cross_entropy(x, target[:2])
    with pytest.raises(ValueError, match="weight must have shape"):
        cross_entropy(x, target, weight=torch.ones(3, device=device))
