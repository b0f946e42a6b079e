"""StochasticPool2d: frequencies against probabilities, evaluation against the mean of draws and reference."""

import copy
import math
import pickle

import numpy as np
import pytest
import scipy.stats
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
WINDOW = torch.tensor([[[[1.6, 0.0], [0.0, 2.4]]]])


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@given(case=windows(), n=st.integers(0, 2), c=st.integers(1, 3), seed=st.integers(0, 999))
@settings(max_examples=50, deadline=None)
def test_evaluation_agrees_with_the_reference(dtype, case, n, c, seed):
    options, size = case
    what = f"StochasticPool2d {options} {n, c, *size}"
    x = distinct(n, c, *size, dtype=dtype, seed=seed)
    before = x.clone()
    layer = layers.StochasticPool2d(**options).eval()
    y = layer(x)
    grad = torch.randn(y.shape, dtype=dtype)
    y, dx = output_and_gradients(layer, x, grad)
    assert y.shape == F.max_pool2d(x, **options).shape
    assert_close(x, before, f"{what} changed its input")
    assert_close(layers.stochastic_pool2d(x, **options, training=False), y, f"{what}: function")

    (h, w), (top, left) = size, options["padding"]  # the reference gets the padding as entries of 0
    bottom, right = (
        (count - 1) * s + k - p - length
        for count, s, k, p, length in zip(
            y.shape[2:],
            options["stride"] or options["kernel_size"],
            options["kernel_size"],
            options["padding"],
            size,
            strict=True,
        )
    )
    padded = F.pad(x, [left, max(right, 0), top, max(bottom, 0)]).double().numpy()
    sizes = options["kernel_size"], options["stride"]
    tolerance = TOLERANCE[dtype]
    np.testing.assert_allclose(
        y.double(), ref.stochastic_pool2d_mean(padded, *sizes), tolerance, tolerance, err_msg=what
    )
    expected = ref.stochastic_pool2d_mean_backward(grad.double().numpy(), padded, *sizes)
    expected = expected[:, :, top : top + h, left : left + w]
    np.testing.assert_allclose(dx.double(), expected, 10 * tolerance, 10 * tolerance, err_msg=f"{what}: dx")


@given(case=windows(), n=st.integers(0, 2), seed=st.integers(0, 999))
@settings(max_examples=40, deadline=None)
def test_training_takes_an_entry_of_each_window_and_sends_the_gradient_there(case, n, seed):
    options, size = case
    what = f"StochasticPool2d {options} {n, 3, *size}"
    x = distinct(n, 3, *size, seed=seed)
    before = x.clone()
    grad = torch.rand(layers.StochasticPool2d(**options)(x).shape).double() + 0.5
    y, dx = output_and_gradients(layers.StochasticPool2d(**options, generator=generator(seed)), x, grad)
    again = layers.stochastic_pool2d(x, **options, generator=generator(seed))
    assert_close(again, y, f"{what}: the same seed draws something else")
    assert_close(x, before, f"{what} changed its input")
    assert (y >= 0).all()
    assert (y <= F.max_pool2d(x, **options).clamp(min=0)).all(), what
    entries = set(x.flatten().tolist()) | {0.0}
    assert set(y.flatten().tolist()) <= entries, f"{what}: no entry of x"
    assert y.eq(0).eq(F.max_pool2d(x, **options) <= 0).all(), f"{what}: 0 where there is a positive entry"
    assert (dx[x <= 0] == 0).all(), f"{what}: gradient of an entry that cannot be drawn"
    drawn = torch.zeros_like(x)
    for value, slope in zip(y[y > 0], grad[y > 0], strict=True):
        drawn[x == value] += slope
    assert_close(dx, drawn, f"{what}: dx", 1e-12, 1e-12)


def test_entries_are_drawn_as_often_as_their_probabilities_say():
    torch.manual_seed(0)
    x = torch.tensor([[[[0.1, 0.4, 0.0], [1.5, -2.0, 0.7], [0.05, 1.0, 0.25]]]])
    draws = 20_000
    y = layers.StochasticPool2d(3, generator=generator(1))(x.expand(draws, 1, 3, 3)).flatten()
    p = ref.stochastic_pool2d_probabilities(x.double().numpy(), 3).flatten()
    values, possible = x.flatten(), p > 0
    counts = np.array([(y == value).sum().item() for value in values])[possible]
    assert counts.sum() == draws
    chance = scipy.stats.chisquare(counts, draws * p[possible]).pvalue
    assert chance > 1e-3, (
        f"StochasticPool2d: {counts / draws} drawn, {p[possible]} expected, p-value {chance}"
    )


def test_the_chi_square_test_would_notice_a_wrong_rule():
    """Drawing every positive entry alike, or the largest always, is far outside what chance allows."""
    p, draws = np.array([0.1, 0.4, 1.5, 0.7]) / 2.7, 20_000
    for rule in (np.full(4, 0.25), p**2 / (p**2).sum(), np.exp(p) / np.exp(p).sum()):
        assert scipy.stats.chisquare(draws * rule, draws * p).pvalue < 1e-12


def test_windows_are_drawn_independently():
    x = torch.tensor([[1.0, 0.0], [0.0, 3.0]]).repeat(64, 64).expand(2, 3, -1, -1)
    large = layers.StochasticPool2d(2, generator=generator(2))(x).eq(3).double()
    assert large.mean().item() == pytest.approx(0.75, abs=4 * math.sqrt(0.75 * 0.25 / large.numel()))
    deviations = large - 0.75
    for name, product in {
        "columns": deviations[..., 1:] * deviations[..., :-1],
        "rows": deviations[:, :, 1:] * deviations[:, :, :-1],
        "channels": deviations[:, 1:] * deviations[:, :-1],
        "images": deviations[1:] * deviations[:-1],
    }.items():
        assert abs(product.mean()) < 5 * 0.1875 / math.sqrt(product.numel()), f"neighbouring {name} correlate"


def test_evaluation_is_the_mean_of_many_draws():
    x = distinct(1, 3, 6, 6)
    layer = layers.StochasticPool2d(2, generator=generator(3))
    draws = torch.cat([layer(x) for _ in range(4000)])
    error = (draws.mean(0) - layer.eval()(x)[0]).abs()
    assert (error <= 5 * draws.std(0) / math.sqrt(4000) + 1e-12).all(), (
        "StochasticPool2d: evaluation is not the mean"
    )


def test_the_worked_window():
    """Activations 1.6, 0, 0, 2.4: probabilities 0.4 and 0.6, so 0.4 1.6 + 0.6 2.4 = 2.08."""
    assert layers.StochasticPool2d(2).eval()(WINDOW).item() == pytest.approx(2.08)
    torch.manual_seed(0)
    drawn = {round(layers.StochasticPool2d(2)(WINDOW).item(), 4) for _ in range(60)}
    assert drawn == {1.6, 2.4}


@pytest.mark.parametrize("training", [True, False])
def test_nothing_positive_gives_0_and_negative_entries_count_as_0(training):
    x = torch.tensor([[[[0.0, 0, -1, -2], [0, 0, -3, -4], [-5, 6, -7, 0], [-8, 0, 9, 0]]]])
    y, dx = output_and_gradients(layers.StochasticPool2d(2).train(training), x, torch.ones(1, 1, 2, 2))
    assert y.tolist() == [[[[0, 0], [6, 9]]]]
    assert dx.flatten().tolist() == [0.0] * 9 + [1.0] + [0.0] * 4 + [1.0, 0.0]


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("scale", [1e-44, 1e-37, 1e-30, 1.0, 1e4, 3e38])
def test_windows_of_any_scale(scale, dtype, training):
    x = torch.full((2, 3, 4, 4), scale, dtype=dtype)
    y = layers.StochasticPool2d(2).train(training)(x)
    assert_close(y, torch.full((2, 3, 2, 2), scale, dtype=dtype), f"StochasticPool2d at {scale}", 1e-6, 1e-45)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("place", range(4))
def test_infinity_and_nan_stay(place, training):
    for value in (math.inf, math.nan):
        x = torch.tensor([[[[1.0, 0.0], [2.0, -1.0]]]]).repeat(50, 1, 1, 2)
        x[:, 0, place // 2, place % 2] = value
        y = layers.StochasticPool2d(2).train(training)(x)
        assert_close(y[:, 0, 0, 0], torch.full((50,), value), f"StochasticPool2d at {value}, place {place}")
        assert y[..., 1].isfinite().all()


def test_training_and_evaluation_and_generators():
    x = distinct(2, 3, 8, 8)
    layer = layers.StochasticPool2d(2)
    torch.manual_seed(5)
    first, second = layer(x), layer(x)
    assert not torch.equal(first, second)
    torch.manual_seed(5)
    assert_close(layer(x), first, "StochasticPool2d: the same seed")
    layer.eval()
    assert_close(layer(x), layer(x), "StochasticPool2d in evaluation")
    state = torch.get_rng_state()
    layer(x)
    layers.StochasticPool2d(2, generator=generator())(x)
    assert torch.equal(state, torch.get_rng_state()), "StochasticPool2d disturbs the global generator"


def test_gradcheck_of_evaluation_and_of_one_draw():
    x = distinct(2, 2, 5, 5).requires_grad_()
    layer = layers.StochasticPool2d(3, 2, 1).eval()
    assert torch.autograd.gradcheck(layer, x)
    assert torch.autograd.gradgradcheck(layer, x)

    def one_draw(x):
        return layers.stochastic_pool2d(x, 2, generator=generator(1))

    near = (x.detach().round(decimals=1) + 0.02).requires_grad_()
    assert torch.autograd.gradcheck(one_draw, near, eps=1e-9, atol=1e-4)


def test_repr_copies_and_state():
    layer = layers.StochasticPool2d(3, 2, 1)
    assert repr(layer) == "StochasticPool2d(kernel_size=3, stride=2, padding=1)"
    assert repr(layers.StochasticPool2d(2)) == "StochasticPool2d(kernel_size=2, stride=2, padding=0)"
    assert layer.state_dict() == {}
    x = distinct(2, 3, 8, 8)
    for copied in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        assert_close(copied.eval()(x), copy.deepcopy(layer).eval()(x), "StochasticPool2d copied")
    one, batch = layer.eval()(x[0]), layer(x)
    assert_close(one, batch[0], "StochasticPool2d, one image")


@pytest.mark.parametrize("training", [True, False])
def test_layouts_precision_and_devices(training):
    layer = layers.StochasticPool2d(2).train(training)
    x = distinct(4, 3, 8, 10, dtype=torch.float32)
    for what, view in {"transposed": x.mT, "channels_last": x.to(memory_format=torch.channels_last)}.items():
        torch.manual_seed(0)
        got = layer(view)
        torch.manual_seed(0)
        assert_close(got, layer(view.contiguous()), f"StochasticPool2d {what}", 1e-6, 1e-7)
    for dtype in (torch.bfloat16, torch.float16):
        y = layer(x.to(dtype))
        assert y.dtype == dtype
        assert (y.float() <= F.max_pool2d(x, 2).clamp(min=0) + 0.01).all()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert layer(x).isfinite().all()
    assert layer(x[:0]).shape == (0, 3, 4, 5)
    for device in DEVICES:
        y = layer(x.to(device))
        assert (y.device.type, y.shape) == (device, (4, 3, 4, 5))
