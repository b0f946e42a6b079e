"""LPPool2d against its NumPy reference, torch.nn, and its limits p = 1 and p = inf."""

import copy
import math
import pickle
from unittest import mock

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from originals import assert_close, assert_same_signature, output_and_gradients
from torch import nn
from torch.nn import functional as F
from window_cases import distinct, windows

from course_lib import layers
from course_lib.layers import separable
from course_lib.reference import pooling as ref

TOLERANCE = {torch.float64: 1e-10, torch.float32: 2e-5}
POWERS = [0.5, 1, 1.5, 2, 3, 4, 5, 6.5, 16]
DEVICES = ["meta", *(["cuda"] if torch.cuda.is_available() else [])]


@pytest.mark.parametrize("two_passes", [False, True], ids=["by PyTorch's kernel", "in two passes"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@given(
    case=windows(padded=False),
    p=st.sampled_from(POWERS) | st.floats(0.5, 12),
    n=st.integers(0, 2),
    c=st.integers(1, 3),
    signed=st.booleans(),
    seed=st.integers(0, 999),
)
@settings(max_examples=60, deadline=None)
def test_values_and_gradients_agree_with_reference_and_torch(dtype, two_passes, case, p, n, c, signed, seed):
    options, size = case
    what = f"LPPool2d {p} {options} {n, c, *size}"
    torch.manual_seed(seed)
    x = 0.3 + torch.rand(n, c, *size, dtype=dtype)
    if signed and p % 2 == 0:  # odd powers of negative entries may have a sum without a root
        x *= torch.randint(0, 2, x.shape) * 2 - 1
    before = x.clone()
    theirs = nn.LPPool2d(p, **options)
    grad = torch.randn(theirs(x).shape, dtype=dtype)
    with mock.patch.object(separable, "pays", return_value=two_passes):
        got = output_and_gradients(layers.LPPool2d(p, **options), x, grad)
    tolerance = TOLERANCE[dtype]
    for name, mine, other in zip(("y", "dx"), got, output_and_gradients(theirs, x, grad), strict=True):
        assert_close(mine, other, f"{what} {name} against torch.nn", tolerance, tolerance)
    assert_close(x, before, f"{what} changed its input")

    x, grad = x.double().numpy(), grad.double().numpy()
    y = ref.lp_pool2d(x, p, **options)
    dx = ref.lp_pool2d_backward(grad, x, y, p, options["kernel_size"], options["stride"])
    for name, mine, expected in (("y", got[0], y), ("dx", got[1], dx)):
        np.testing.assert_allclose(
            mine.double().numpy(), expected, tolerance, tolerance, err_msg=f"{what} {name}: reference"
        )


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_between_the_sum_and_the_largest(dtype):
    x = distinct(2, 3, 6, 6, dtype=dtype)
    assert_close(layers.LPPool2d(1, 2)(x), 4 * F.avg_pool2d(x, 2), "p = 1 is the sum", 1e-5, 1e-6)
    largest = F.max_pool2d(x.abs(), 2)
    assert_close(layers.LPPool2d(math.inf, 2)(x), largest, "p = inf is the largest")
    last = layers.LPPool2d(1, 2)(x.abs())
    for p in (2, 4, 8, 16, 64, 256, 1000):
        y = layers.LPPool2d(p, 2)(x.abs())
        assert (y <= last * (1 + 1e-6)).all(), f"LPPool2d grew from p = {p / 2} to {p}"
        assert (y >= largest * (1 - 1e-6)).all(), f"LPPool2d at p = {p} below the largest"
        assert (y <= largest * 4 ** (1 / p) * (1 + 1e-6)).all(), f"LPPool2d at p = {p} above k^(2/p) max"
        last = y


def test_infinity_has_the_gradient_of_the_maximum():
    x, grad = distinct(1, 2, 5, 5), torch.randn(1, 2, 2, 2, dtype=torch.float64)
    _, got = output_and_gradients(layers.LPPool2d(math.inf, 3, 2), x, grad)
    _, expected = output_and_gradients(lambda x: F.max_pool2d(x.abs(), 3, 2), x, grad)
    assert_close(got, expected, "LPPool2d at p = inf: gradient")


@pytest.mark.parametrize("p", [16, 50, 300])
@pytest.mark.parametrize("scale", [1e-30, 1e-3, 1.0, 1e4, 1e30])
def test_large_powers_neither_vanish_nor_overflow(p, scale):
    x = scale * (0.1 + torch.rand(2, 3, 6, 6, generator=torch.Generator().manual_seed(0)))
    expected = torch.from_numpy(ref.lp_pool2d(x.double().numpy(), p, 3, 2))
    y, dx = output_and_gradients(layers.LPPool2d(p, 3, 2), x, torch.ones(2, 3, 2, 2))
    np.testing.assert_allclose(y.double(), expected, rtol=1e-5, err_msg=f"LPPool2d p = {p} at {scale}")
    expected = ref.lp_pool2d_backward(np.ones(y.shape), x.double().numpy(), expected.numpy(), p, 3, 2)
    np.testing.assert_allclose(dx.double(), expected, rtol=2e-4, atol=1e-6, err_msg="LPPool2d dx")


@pytest.mark.parametrize("p", [1, 1.5, 2, 3, 7, 16])
def test_a_window_of_zeros_has_the_value_and_the_gradient_0(p):
    x = torch.tensor([[[0.0, 0, 2, 0], [0, 0, 0, 0], [1, 1, 0, 0], [1, 1, 0, 0]]])
    y, dx = output_and_gradients(layers.LPPool2d(p, 2), x, torch.ones(1, 2, 2))
    theirs, their_dx = output_and_gradients(nn.LPPool2d(p, 2), x, torch.ones(1, 2, 2))
    assert_close(y, theirs, f"p = {p}", 1e-6, 1e-6)
    assert_close(dx, their_dx, f"p = {p}: gradient", 1e-5, 1e-6)
    assert y[0, 0, 0] == 0
    assert dx[0, :2, :2].eq(0).all(), f"LPPool2d p = {p}: gradient of a window of zeros"


def test_what_has_no_root_is_nan_as_in_torch():
    x = torch.tensor([[[-1.0, -2.0], [0.5, 0.5]]])
    for p in (3, 1.5, 0.5):
        assert_close(layers.LPPool2d(p, 2)(x), nn.LPPool2d(p, 2)(x), f"LPPool2d p = {p} of negative entries")
        assert layers.LPPool2d(p, 2)(x).isnan().all()
    assert layers.LPPool2d(1, 2)(x).item() == -2
    assert layers.LPPool2d(9, 2)(x).isnan().all()


@pytest.mark.parametrize("value", [math.inf, math.nan, 1e4, 1e-30])
@pytest.mark.parametrize("p", [1, 2, 3.5, 9, math.inf])
def test_extreme_values(p, value):
    x = torch.rand(1, 2, 4, 4, generator=torch.Generator().manual_seed(1)) + 0.5
    x[0, 1, 1, 1] = value
    y = layers.LPPool2d(p, 2)(x)
    expected = ref.lp_pool2d(x.double().nan_to_num(posinf=1).numpy(), p, 2)
    expected[0, 1, 0, 0] = value if not math.isfinite(value) else expected[0, 1, 0, 0]
    np.testing.assert_allclose(y.double(), expected, rtol=1e-5, err_msg=f"LPPool2d p = {p} at {value}")


@pytest.mark.parametrize("p", [1, 2, 3, 4.5, 6, 10])
@pytest.mark.parametrize("options", [(2,), (3, 2), (3, 2, True)], ids=str)
def test_gradcheck_first_and_second_order(p, options):
    x = (0.6 + distinct(2, 2, 4, 6)).requires_grad_()
    layer = layers.LPPool2d(p, *options)
    for two_passes in (False, True):
        with mock.patch.object(separable, "pays", return_value=two_passes):
            assert torch.autograd.gradcheck(layer, x), f"LPPool2d {p} {options}"
            assert torch.autograd.gradgradcheck(layer, x), f"LPPool2d {p} {options}"


@pytest.mark.parametrize(
    "arguments", [(2, 2), (1.5, (2, 3), (1, 2)), (3, 3, 2, True), (math.inf, 2)], ids=str
)
def test_called_shown_and_copied_as_torchs(arguments):
    ours, theirs = layers.LPPool2d(*arguments), nn.LPPool2d(*arguments)
    assert_same_signature(layers.LPPool2d, nn.LPPool2d)
    assert_same_signature(layers.lp_pool2d, F.lp_pool2d)
    assert repr(ours) == repr(theirs)
    assert ours.state_dict() == theirs.state_dict() == {}
    for key, value in vars(theirs).items():
        if not key.startswith("_"):
            assert getattr(ours, key) == value, f"LPPool2d: attribute {key}"
    x = 0.6 + distinct(2, 3, 6, 7)
    expected = ref.lp_pool2d(x.numpy(), arguments[0], *arguments[1:])
    for what, layer in {
        "as made": ours,
        "deepcopy": copy.deepcopy(ours),
        "pickle": pickle.loads(pickle.dumps(ours)),
        "function": lambda x: layers.lp_pool2d(x, *arguments),
    }.items():
        np.testing.assert_allclose(layer(x), expected, rtol=1e-12, err_msg=f"LPPool2d {what}")
        np.testing.assert_allclose(layer(x[1]), expected[1], rtol=1e-12, err_msg=f"LPPool2d {what}")


@pytest.mark.parametrize("p", [2, 9])
def test_memory_layouts_agree_with_torch(p):
    x = 0.6 + distinct(8, 8, 20, 22)
    for layout, view in {
        "transposed": x.mT,
        "strided": x[..., ::2, 1::2],
        "expanded": x[:1, :1].expand(3, 4, -1, -1),
        "channels_last": x.to(memory_format=torch.channels_last),
    }.items():
        got, expected = layers.LPPool2d(p, 3, 2)(view), nn.LPPool2d(p, 3, 2)(view)
        assert_close(got, expected, f"LPPool2d {layout}", 1e-10, 1e-12)


@pytest.mark.parametrize("p", [1, 2, 3, 12])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_autocast_and_low_precision_stay_near(p, dtype):
    x = (0.6 + distinct(2, 3, 6, 6)).to(dtype)
    expected = torch.from_numpy(ref.lp_pool2d(x.double().numpy(), p, 2))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert layers.LPPool2d(p, 2)(x).sub(expected).abs().max() < 0.05, f"LPPool2d {p} under autocast"
    y = layers.LPPool2d(p, 2)(x)
    assert y.dtype == dtype
    assert y.sub(expected).abs().max() < 0.05, f"LPPool2d {p} {dtype}"


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("p", [2, 9, math.inf])
def test_any_device_will_do(p, device):
    y = layers.LPPool2d(p, 3, 2, ceil_mode=True)(torch.rand(2, 3, 6, 6, device=device))
    assert (y.device.type, y.shape) == (device, (2, 3, 3, 3))


def test_transforms_reach_through():
    x = 0.6 + distinct(3, 2, 6, 6)
    for p in (2, 9):
        y = torch.func.vmap(layers.LPPool2d(p, 2))(x)
        assert_close(y, layers.LPPool2d(p, 2)(x), f"LPPool2d {p} under vmap", 1e-12, 1e-12)
