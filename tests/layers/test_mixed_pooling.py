"""MixedPool2d against its NumPy reference, and the max and average pooling it lies between."""

import copy
import math
import pickle

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from originals import assert_close, output_and_gradients
from torch.nn import functional as F
from window_cases import distinct, windows

from course_lib import layers
from course_lib.reference import pooling as ref

TOLERANCE = {torch.float64: 1e-12, torch.float32: 1e-5}
DEVICES = ["meta", *(["cuda"] if torch.cuda.is_available() else [])]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@given(
    case=windows(),
    alpha=st.floats(0, 1, width=32),
    n=st.integers(0, 2),
    c=st.integers(1, 3),
    include=st.booleans(),
    seed=st.integers(0, 999),
)
@settings(max_examples=60, deadline=None)
def test_a_mixture_of_max_and_mean(dtype, case, alpha, n, c, include, seed):
    options, size = case
    x = distinct(n, c, *size, dtype=dtype, seed=seed)
    before = x.clone()
    layer = layers.MixedPool2d(**options, alpha=alpha, count_include_pad=include, mixing="learned").to(dtype)
    what = f"{layer} on {n, c, *size}"

    def mixture(x):
        return alpha * F.max_pool2d(x, **options) + (1 - alpha) * F.avg_pool2d(
            x, **options, count_include_pad=include
        )

    grad = torch.randn(mixture(x).shape, dtype=dtype)
    y, dx, dalpha = output_and_gradients(layer, x, grad)
    expected_y, expected_dx = output_and_gradients(mixture, x, grad)
    tolerance = TOLERANCE[dtype]
    assert_close(y, expected_y, f"{what} y", tolerance, tolerance)
    assert_close(dx, expected_dx, f"{what} dx", tolerance, tolerance)
    assert_close(x, before, f"{what} changed its input")
    function = layers.mixed_pool2d(x, **options, alpha=alpha, count_include_pad=include)
    assert_close(function, expected_y, f"mixed_pool2d {options}", tolerance, tolerance)

    if include and not options["ceil_mode"]:
        arrays, sizes = (
            (grad.double().numpy(), x.double().numpy()),
            [options[key] for key in ("kernel_size", "stride", "padding")],
        )
        np.testing.assert_allclose(
            y.double(), ref.mixed_pool2d(arrays[1], *sizes, alpha), tolerance, tolerance, err_msg=what
        )
        expected_dx, expected_dalpha = ref.mixed_pool2d_backward(*arrays, *sizes, alpha)
        np.testing.assert_allclose(dx.double(), expected_dx, tolerance, tolerance, err_msg=f"{what} dx")
        np.testing.assert_allclose(
            dalpha.double(), expected_dalpha, 10 * tolerance, 10 * tolerance, err_msg=f"{what} dalpha"
        )


@pytest.mark.parametrize("mixing", ["fixed", "learned", "drawn"])
def test_the_ends_are_average_and_max_pooling(mixing):
    x = distinct(2, 3, 6, 6)
    for alpha, expected in ((0, F.avg_pool2d(x, 2)), (1, F.max_pool2d(x, 2))):
        layer = layers.MixedPool2d(2, alpha=alpha, mixing=mixing)
        assert_close(layer(x), expected, f"{layer} in training", 1e-12, 1e-12)
        assert_close(layer.eval()(x), expected, f"{layer} in evaluation", 1e-12, 1e-12)


def test_a_learned_alpha_goes_where_the_loss_wants_it():
    x = distinct(4, 3, 8, 8, dtype=torch.float32)
    for target, wanted in ((F.max_pool2d(x, 2), 1.0), (F.avg_pool2d(x, 2), 0.0)):
        layer = layers.MixedPool2d(2, alpha=0.4, mixing="learned")
        optimizer = torch.optim.SGD(layer.parameters(), lr=1.0)
        for _ in range(400):
            optimizer.zero_grad()
            F.mse_loss(layer(x), target).backward()
            optimizer.step()
        assert layer.alpha.item() == pytest.approx(wanted, abs=1e-3)


def test_drawn_is_max_or_mean_of_the_whole_layer_as_often_as_alpha_says():
    x = distinct(2, 3, 6, 6)
    highest, mean = F.max_pool2d(x, 2), F.avg_pool2d(x, 2)
    layer = layers.MixedPool2d(2, alpha=0.3, mixing="drawn")
    torch.manual_seed(0)
    drawn = [layer(x) for _ in range(1000)]
    assert all(torch.equal(y, highest) or torch.allclose(y, mean, rtol=1e-12) for y in drawn)
    share = sum(torch.equal(y, highest) for y in drawn) / 1000
    assert abs(share - 0.3) < 4 * math.sqrt(0.3 * 0.7 / 1000), f"max was drawn with frequency {share}"
    assert_close(layer.eval()(x), 0.3 * highest + 0.7 * mean, "MixedPool2d in evaluation", 1e-12, 1e-12)
    layer.train()
    torch.manual_seed(7)
    first = [layer(x) for _ in range(8)]
    torch.manual_seed(7)
    assert all(torch.equal(y, layer(x)) for y in first), "the same seed draws something else"


def test_alpha_is_a_parameter_only_if_it_is_learned():
    assert layers.MixedPool2d(2).state_dict() == layers.MixedPool2d(2, mixing="drawn").state_dict() == {}
    learned = layers.MixedPool2d(2, alpha=0.25, mixing="learned")
    assert learned.state_dict() == {"alpha": torch.tensor(0.25)}
    fresh = layers.MixedPool2d(2, mixing="learned")
    fresh.load_state_dict(learned.state_dict())
    x = distinct(2, 3, 6, 6, dtype=torch.float32)
    for what, layer in {
        "state_dict": fresh,
        "deepcopy": copy.deepcopy(learned),
        "pickle": pickle.loads(pickle.dumps(learned)),
    }.items():
        assert_close(layer(x), learned(x), f"MixedPool2d {what}")
        assert_close(layer(x[0]), learned(x)[0], f"MixedPool2d {what}, one image")


def test_repr_shows_where_alpha_comes_from():
    sizes = "MixedPool2d(kernel_size=3, stride=2, padding=1, "
    assert repr(layers.MixedPool2d(3, 2, 1, 0.25)) == sizes + "alpha=0.25, mixing='fixed')"
    assert repr(layers.MixedPool2d(3, 2, 1, mixing="drawn")) == sizes + "alpha=0.5, mixing='drawn')"
    assert repr(layers.MixedPool2d(3, 2, 1, mixing="learned")) == sizes + "mixing='learned')"


def test_gradcheck_of_input_and_of_one_alpha_for_each_channel():
    x, alpha = distinct(2, 3, 5, 5).requires_grad_(), torch.rand(3, 1, 1).double().requires_grad_()
    call = lambda x, alpha: layers.mixed_pool2d(x, 3, 2, 1, alpha)  # noqa: E731
    assert torch.autograd.gradcheck(call, (x, alpha))
    assert torch.autograd.gradgradcheck(call, (x, alpha))


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan, 1e4, 1e-30])
def test_extreme_values(value):
    x = torch.rand(1, 2, 4, 4)
    x[0, 1, 1, 1] = value
    expected = 0.5 * F.max_pool2d(x, 2) + 0.5 * F.avg_pool2d(x, 2)
    assert_close(layers.MixedPool2d(2)(x), expected, f"MixedPool2d at {value}", 1e-6, 1e-6)


@pytest.mark.parametrize("mixing", ["fixed", "learned", "drawn"])
def test_layouts_precision_and_devices(mixing):
    layer = layers.MixedPool2d(2, mixing=mixing).eval()
    x = distinct(8, 8, 20, 22, dtype=torch.float32)
    for what, view in {"transposed": x.mT, "channels_last": x.to(memory_format=torch.channels_last)}.items():
        assert_close(layer(view), layer(view.contiguous()), f"MixedPool2d {what}", 1e-5, 1e-6)
    assert layer(x.bfloat16()).dtype == torch.bfloat16
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert layer(x).sub(layer(x.double())).abs().max() < 0.01
    assert layer(x[:0]).shape == (0, 8, 10, 11)
    for device in DEVICES:
        y = layer.to(device).train()(x.to(device))
        assert (y.device.type, y.shape) == (device, (8, 8, 10, 11))
