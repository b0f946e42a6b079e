"""The kernels of layer and group normalization against PyTorch's and the NumPy reference."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from course_lib.kernels import normalization as module
from course_lib.kernels.activations import BY_NAME
from course_lib.kernels.normalization import group_norm, layer_norm
from course_lib.reference import normalization as ref

TOLERANCE = {torch.float32: 2e-5, torch.float64: 1e-10, torch.bfloat16: 3e-2}
LAYERS = [
    ((1,), (1,)),
    ((5, 7), (7,)),
    ((3, 4, 6), (4, 6)),
    ((40, 3), (3,)),
    ((2, 70), (70,)),
    ((0, 3), (3,)),
]
GROUPS = [
    ((2, 4), 2),
    ((3, 6, 5), 3),
    ((1, 2, 3, 5), 1),
    ((2, 3, 4, 3), 3),
    ((2, 4, 1, 1), 2),
    ((0, 4, 3), 2),
]


def drawn(shape, features, device, dtype):
    """x, weight, bias and a gradient, none of them special."""
    tensors = [torch.randn(shape), 1 + torch.rand(features), torch.randn(features), torch.randn(shape)]
    return [tensor.to(device, dtype) for tensor in tensors]


def run(function, x, weight, bias, grad):
    """Output and gradients, with inputs that are leaves; None has none."""
    leaves = [None if each is None else each.detach().requires_grad_() for each in (x, weight, bias)]
    y = function(*leaves)
    y.backward(grad)
    return [y.detach(), *[None if leaf is None else leaf.grad for leaf in leaves]]


def assert_all_close(got, expected, tolerance, what):
    for name, a, b in zip(["y", "dx", "dweight", "dbias"], got, expected, strict=True):
        assert (a is None) == (b is None), f"{what} {name}: {a} and {b}"
        if a is not None:
            torch.testing.assert_close(
                a.double(),
                b.double(),
                rtol=tolerance,
                atol=tolerance,
                msg=lambda m, n=name: f"{what} {n}: {m}",
            )


@pytest.mark.parametrize("activation", list(BY_NAME))
@pytest.mark.parametrize(("shape", "normalized"), LAYERS, ids=str)
def test_layer_norm_agrees_with_pytorch(shape, normalized, activation, device, dtype):
    x, weight, bias, grad = drawn(shape, normalized, device, dtype)
    for w, b in [(weight, bias), (weight, None), (None, None)]:
        got = run(lambda x, w, b: layer_norm(x, normalized, w, b, activation=activation), x, w, b, grad)
        wide = [None if each is None else each.double() for each in (x, w, b, grad)]
        expected = run(lambda x, w, b: BY_NAME[activation](F.layer_norm(x, normalized, w, b)), *wide)
        assert got[0].dtype == dtype
        assert_all_close(got, expected, TOLERANCE[dtype], f"layer_norm {shape} {activation}")


@pytest.mark.parametrize("activation", list(BY_NAME))
@pytest.mark.parametrize(("shape", "num_groups"), GROUPS, ids=str)
def test_group_norm_agrees_with_pytorch(shape, num_groups, activation, device, dtype):
    x, weight, bias, grad = drawn(shape, shape[1:2], device, dtype)
    for w, b in [(weight, bias), (None, None)]:
        got = run(lambda x, w, b: group_norm(x, num_groups, w, b, activation=activation), x, w, b, grad)
        wide = [None if each is None else each.double() for each in (x, w, b, grad)]
        expected = run(lambda x, w, b: BY_NAME[activation](F.group_norm(x, num_groups, w, b)), *wide)
        assert_all_close(got, expected, TOLERANCE[dtype], f"group_norm {shape} {activation}")


def test_agree_with_the_reference(device):
    x, weight, bias, grad = drawn((3, 4, 5), (5,), device, torch.float64)
    arrays = [tensor.cpu().numpy() for tensor in (x, weight, bias, grad)]
    got = run(lambda x, w, b: layer_norm(x, (5,), w, b), x, weight, bias, grad)
    expected = [ref.layer_norm(*arrays[:3]), *ref.layer_norm_backward(arrays[3], *arrays[:2])]
    for a, b in zip(got, expected, strict=True):
        np.testing.assert_allclose(a.cpu(), b, 1e-10, 1e-10, err_msg="layer_norm")
    x, weight, bias, grad = drawn((3, 4, 5), (4,), device, torch.float64)
    arrays = [tensor.cpu().numpy() for tensor in (x, weight, bias, grad)]
    got = run(lambda x, w, b: group_norm(x, 2, w, b), x, weight, bias, grad)
    expected = [
        ref.group_norm(arrays[0], 2, *arrays[1:3]),
        *ref.group_norm_backward(arrays[3], arrays[0], 2, arrays[1]),
    ]
    for a, b in zip(got, expected, strict=True):
        np.testing.assert_allclose(a.cpu(), b, 1e-10, 1e-10, err_msg="group_norm")


def test_rows_longer_than_a_block(monkeypatch, device):
    monkeypatch.setattr(module, "BLOCK", 16)
    x, weight, bias, grad = drawn((3, 53), (53,), device, torch.float64)
    got = run(lambda x, w, b: layer_norm(x, (53,), w, b, activation="silu"), x, weight, bias, grad)
    expected = run(lambda x, w, b: F.silu(F.layer_norm(x, (53,), w, b)), x, weight, bias, grad)
    assert_all_close(got, expected, 1e-10, "layer_norm in blocks of 16")
    x, weight, bias, grad = drawn((2, 6, 3, 5), (6,), device, torch.float64)
    got = run(lambda x, w, b: group_norm(x, 2, w, b), x, weight, bias, grad)
    expected = run(lambda x, w, b: F.group_norm(x, 2, w, b), x, weight, bias, grad)
    assert_all_close(got, expected, 1e-10, "group_norm in blocks of 16")


def test_inputs_with_strides(device):
    x, weight, bias, grad = drawn((2, 6, 4, 5), (6,), device, torch.float64)
    strided = x.contiguous(memory_format=torch.channels_last)
    got = run(lambda x, w, b: group_norm(x, 3, w, b), strided, weight.repeat(2)[::2], bias, grad)
    expected = run(lambda x, w, b: F.group_norm(x, 3, w, b), x, weight.repeat(2)[::2], bias, grad)
    assert_all_close(got, expected, 1e-10, "channels_last")
    rows, grads = x.flatten(1).t(), grad.flatten(1).t()
    got = run(lambda x, w, b: layer_norm(x, (2,)), rows, None, None, grads)
    expected = run(lambda x, w, b: F.layer_norm(x, (2,)), rows, None, None, grads)
    assert_all_close(got, expected, 1e-8, "columns")


@pytest.mark.parametrize(("mean", "spread"), [(1e4, 1.0), (-1e4, 1.0), (0.0, 1e-15), (0.0, 1e15), (3.0, 0.0)])
def test_extreme_values(mean, spread, device):
    x = (mean + spread * torch.randn(4, 300)).to(device)
    for got, expected in [
        (layer_norm(x, (300,)), F.layer_norm(x.double(), (300,))),
        (group_norm(x.view(4, 6, 50), 2), F.group_norm(x.double().view(4, 6, 50), 2)),
    ]:
        atol = 2e-3 if abs(mean) > 10 else 1e-5  # at 1e4 a float32 is known to 1e-3
        torch.testing.assert_close(got.double(), expected, rtol=1e-4, atol=atol)


@pytest.mark.parametrize("value", [float("inf"), float("nan")])
def test_a_row_that_is_not_finite_spoils_no_other(value, device):
    x = torch.randn(3, 8, device=device)
    x[1, 2] = value
    y = layer_norm(x, (8,))
    assert y[1].isnan().all(), f"a row with {value} has no mean: {y[1]}"
    torch.testing.assert_close(y[[0, 2]], F.layer_norm(x[[0, 2]], (8,)), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("activation", [None, "gelu"])
def test_gradients_of_gradients(activation, device):
    x, weight, bias, _ = drawn((2, 4, 3), (4,), device, torch.float64)
    leaves = [each.requires_grad_() for each in (x, weight, bias)]
    assert torch.autograd.gradgradcheck(
        lambda x, w, b: group_norm(x, 2, w, b, activation=activation), leaves, fast_mode=True
    )
    vectors = [torch.rand(3, device=device, dtype=torch.float64, requires_grad=True) for _ in range(2)]
    assert torch.autograd.gradgradcheck(
        lambda x, w, b: layer_norm(x, (3,), w, b, activation=activation), [x, *vectors], fast_mode=True
    )


def test_autocast_keeps_the_digits(device):
    x = torch.randn(4, 32, device=device)
    half = x.to(torch.bfloat16)
    with torch.autocast(device.type, dtype=torch.bfloat16):
        y = layer_norm(half, (32,))
    assert y.dtype == torch.float32, f"PyTorch's gives float32 under autocast, the kernel {y.dtype}"
    torch.testing.assert_close(y, F.layer_norm(half.float(), (32,)), rtol=1e-5, atol=1e-5)


def test_bad_calls(device):
    x = torch.randn(2, 4, 3, device=device)
    with pytest.raises(ValueError, match="input must end in"):
        layer_norm(x, (4,))
    with pytest.raises(ValueError, match="weight must have shape"):
        layer_norm(x, (3,), weight=torch.ones(4, device=device))
    with pytest.raises(ValueError, match="must divide the channels"):
        group_norm(x, 3)
    with pytest.raises(ValueError, match="bias must have shape"):
        group_norm(x, 2, bias=torch.ones(3, device=device))
    with pytest.raises(ValueError, match="activation must be one of"):
        group_norm(x, 2, activation="tanh")
