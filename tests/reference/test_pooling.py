"""The pooling of the reference against its definitions, scipy, scikit-image and central differences."""

import math

import numpy as np
import pytest
import scipy.ndimage
import scipy.signal
import scipy.stats
import skimage.measure
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.reference import pooling
from course_lib.reference.gradient_check import numerical_gradient, relative_error

RNG = np.random.default_rng(0)
WINDOWS = [(2,), (3, 2), ((2, 3), (1, 2), (1, 0)), (3, 2, 1)]


def distinct(*shape, seed=0):
    """Maps without ties, further apart than the steps of the central differences."""
    return (np.random.default_rng(seed).permutation(math.prod(shape)).reshape(shape) + 0.3) / 10 - 2


def assert_gradient(forward, backward, x, what):
    """``backward`` of random weights is the slope of ``forward`` weighted with them and summed."""
    weights = np.random.default_rng(1).normal(size=forward(x).shape)
    numerical = numerical_gradient(lambda x: float(np.sum(weights * forward(x))), x)
    error = relative_error(backward(weights), numerical)
    assert error < 1e-7, f"{what}: gradient against central differences: {error}"


def test_the_tables_of_the_chapter():
    table = np.array([[29.0, 15, 28, 184], [0, 100, 70, 38], [12, 12, 7, 2], [12, 12, 45, 6]])[None, None]
    y, indices = pooling.max_pool2d(table, 2)
    np.testing.assert_array_equal(y[0, 0], [[100, 184], [12, 45]])
    np.testing.assert_array_equal(indices[0, 0], [[5, 3], [8, 14]])
    table[0, 0, 0, 0] = 31
    np.testing.assert_array_equal(pooling.avg_pool2d(table, 2)[0, 0], [[36.5, 80], [12, 15]])


@given(
    size=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    cells=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    seed=st.integers(0, 99),
)
@settings(max_examples=40, deadline=None)
def test_blocks_agree_with_scikit_image(size, cells, seed):
    x = np.random.default_rng(seed).normal(size=(2, 2, size[0] * cells[0], size[1] * cells[1]))
    for function, got in {
        np.max: pooling.max_pool2d(x, size)[0],
        np.mean: pooling.avg_pool2d(x, size),
        np.sum: pooling.lp_pool2d(x, 1, size),
    }.items():
        expected = skimage.measure.block_reduce(x, (1, 1, *size), function)
        np.testing.assert_allclose(got, expected, atol=1e-12, err_msg=function.__name__)
    np.testing.assert_allclose(pooling.adaptive_avg_pool2d(x, cells), pooling.avg_pool2d(x, size), atol=1e-12)
    for got, expected in zip(pooling.adaptive_max_pool2d(x, cells), pooling.max_pool2d(x, size), strict=True):
        np.testing.assert_array_equal(got, expected)


def test_overlapping_windows_agree_with_scipys_filters():
    x = distinct(1, 1, 7, 8)
    filters = {"size": 3, "mode": "constant"}
    highest = scipy.ndimage.maximum_filter(x[0, 0], cval=-np.inf, **filters)
    np.testing.assert_array_equal(pooling.max_pool2d(x, 3, 2, 1)[0][0, 0], highest[::2, ::2])
    mean = scipy.ndimage.uniform_filter(x[0, 0], cval=0.0, **filters)
    np.testing.assert_allclose(pooling.avg_pool2d(x, 3, 2, 1)[0, 0], mean[::2, ::2], atol=1e-12)
    inside = scipy.ndimage.uniform_filter(np.ones((7, 8)), cval=0.0, **filters)
    np.testing.assert_allclose(
        pooling.avg_pool2d(x, 3, 2, 1, count_include_pad=False)[0, 0], (mean / inside)[::2, ::2], atol=1e-12
    )
    dilated = scipy.ndimage.maximum_filter(
        x[0, 0], footprint=[[1, 0, 1], [0, 0, 0], [1, 0, 1]], mode="constant", cval=-np.inf
    )
    np.testing.assert_array_equal(pooling.max_pool2d(x, 2, 1, 0, 2)[0][0, 0], dilated[1:-1, 1:-1])


@pytest.mark.parametrize("sizes", WINDOWS, ids=str)
@pytest.mark.parametrize("ceil_mode", [False, True])
def test_gradients_of_max_average_and_mixed_pooling(sizes, ceil_mode):
    x = distinct(2, 2, 5, 6)
    options = dict(zip(("kernel_size", "stride", "padding"), sizes, strict=False))
    _, indices = pooling.max_pool2d(x, **options, ceil_mode=ceil_mode)
    assert_gradient(
        lambda x: pooling.max_pool2d(x, **options, ceil_mode=ceil_mode)[0],
        lambda grad: pooling.max_pool2d_backward(grad, indices, x.shape),
        x,
        f"max_pool2d {options}",
    )
    for counted in ({}, {"count_include_pad": False}, {"divisor_override": 5}):
        assert_gradient(
            lambda x, counted=counted: pooling.avg_pool2d(x, **options, ceil_mode=ceil_mode, **counted),
            lambda grad, counted=counted: pooling.avg_pool2d_backward(grad, x.shape, **options, **counted),
            x,
            f"avg_pool2d {options} {counted}",
        )
    assert_gradient(
        lambda x: pooling.mixed_pool2d(x, **options, alpha=0.3),
        lambda grad: pooling.mixed_pool2d_backward(grad, x, **options, alpha=0.3)[0],
        x,
        f"mixed_pool2d {options}",
    )
    assert_gradient(
        lambda alpha: pooling.mixed_pool2d(x, **options, alpha=alpha),
        lambda grad: np.array(pooling.mixed_pool2d_backward(grad, x, **options, alpha=0.3)[1]),
        np.array(0.3),
        f"mixed_pool2d {options} for alpha",
    )


@pytest.mark.parametrize("size", [(1, 1), (3, 4), (2, 7), (5, 6)], ids=str)
def test_adaptive_pooling_and_its_gradients(size):
    x = distinct(2, 2, 5, 6)
    for i in range(size[0]):
        rows = slice(math.floor(i * 5 / size[0]), math.ceil((i + 1) * 5 / size[0]))
        columns = slice(0, math.ceil(6 / size[1]))
        cell = x[:, :, rows, columns]
        np.testing.assert_allclose(
            pooling.adaptive_avg_pool2d(x, size)[:, :, i, 0], cell.mean((2, 3)), atol=1e-12
        )
        np.testing.assert_array_equal(pooling.adaptive_max_pool2d(x, size)[0][:, :, i, 0], cell.max((2, 3)))
    assert_gradient(
        lambda x: pooling.adaptive_avg_pool2d(x, size),
        lambda grad: pooling.adaptive_avg_pool2d_backward(grad, x.shape),
        x,
        f"adaptive_avg_pool2d {size}",
    )
    y, indices = pooling.adaptive_max_pool2d(x, size)
    np.testing.assert_array_equal(
        pooling.max_unpool2d_backward(x, indices), y, err_msg="entries at the indices"
    )
    assert_gradient(
        lambda x: pooling.adaptive_max_pool2d(x, size)[0],
        lambda grad: pooling.max_pool2d_backward(grad, indices, x.shape),
        x,
        f"adaptive_max_pool2d {size}",
    )


def test_unpooling_puts_back_and_its_gradient_is_pooling_by_the_same_switches():
    x = distinct(2, 3, 5, 6)
    y, indices = pooling.max_pool2d(x, 2)
    back = pooling.max_unpool2d(y, indices, (5, 6))
    np.testing.assert_array_equal(back[back != 0], x[back != 0])
    assert np.count_nonzero(back) == y.size
    np.testing.assert_array_equal(pooling.max_unpool2d_backward(back, indices), y)
    np.testing.assert_array_equal(pooling.max_pool2d_backward(y, indices, x.shape), back)
    assert_gradient(
        lambda y: pooling.max_unpool2d(y, indices, (5, 6)),
        lambda grad: pooling.max_unpool2d_backward(grad, indices),
        y,
        "max_unpool2d",
    )


@pytest.mark.parametrize("p", [0.5, 1, 2, 3, 7.5, 40])
@pytest.mark.parametrize("sizes", [(2,), (3, 2), ((2, 3), 1), (2, 3)], ids=str)
def test_lp_pooling_is_the_norm_and_its_gradients(p, sizes):
    x = np.abs(distinct(2, 2, 5, 6)) + 0.5
    y = pooling.lp_pool2d(x, p, *sizes)
    first = x[:, :, : np.broadcast_to(sizes[0], 2)[0], : np.broadcast_to(sizes[0], 2)[1]]
    expected = (first**p).sum((2, 3)) ** (1 / p)
    np.testing.assert_allclose(y[:, :, 0, 0], expected, rtol=1e-12)
    stride = sizes[1] if len(sizes) == 2 else None
    for ceil_mode in (False, True):
        y = pooling.lp_pool2d(x, p, sizes[0], stride, ceil_mode)
        assert_gradient(
            lambda x, ceil_mode=ceil_mode: pooling.lp_pool2d(x, p, sizes[0], stride, ceil_mode),
            lambda grad, y=y: pooling.lp_pool2d_backward(grad, x, y, p, *sizes),
            x,
            f"lp_pool2d {p} {sizes} {ceil_mode}",
        )


def test_lp_pooling_at_its_limits():
    x = RNG.normal(size=(2, 3, 6, 6))
    np.testing.assert_allclose(pooling.lp_pool2d(x, 1, 2), 4 * pooling.avg_pool2d(x, 2), atol=1e-12)
    highest = pooling.max_pool2d(np.abs(x), 2)[0]
    np.testing.assert_array_equal(pooling.lp_pool2d(x, np.inf, 2), highest)
    np.testing.assert_allclose(pooling.lp_pool2d(np.abs(x), 5000.0, 2), highest, rtol=1e-3)
    for scale in (1e-200, 1e200):
        np.testing.assert_allclose(
            pooling.lp_pool2d(scale * np.abs(x), 3, 2) / scale, pooling.lp_pool2d(np.abs(x), 3, 2), rtol=1e-12
        )
    zeros = np.zeros((1, 1, 2, 2))
    assert pooling.lp_pool2d(zeros, 2, 2).item() == 0
    assert not pooling.lp_pool2d_backward(np.ones((1, 1, 1, 1)), zeros, np.zeros((1, 1, 1, 1)), 2, 2).any()


def test_stochastic_probabilities_draws_and_mean():
    """Activations 1.6, 0, 0, 2.4: probabilities 0.4 and 0.6, and 0.4 1.6 + 0.6 2.4 = 2.08 on average."""
    x = np.array([[[[1.6, 0, -1, 0], [0, 2.4, 0, -3]]]])
    p = pooling.stochastic_pool2d_probabilities(x, 2)
    np.testing.assert_allclose(p[0, 0, 0], [[0.4, 0, 0, 0.6], [0, 0, 0, 0]])
    np.testing.assert_allclose(pooling.stochastic_pool2d_mean(x, 2)[0, 0, 0], [2.08, 0])
    rng = np.random.default_rng(0)
    draws = [pooling.stochastic_pool2d(x, rng, 2) for _ in range(4000)]
    drawn = np.array([y[0, 0, 0, 0] for y, _ in draws])
    assert set(drawn) == {1.6, 2.4}
    assert {(y[0, 0, 0, 1], indices[0, 0, 0, 1]) for y, indices in draws} == {(0.0, 2)}
    assert {(y[0, 0, 0, 0], indices[0, 0, 0, 0]) for y, indices in draws} == {(1.6, 0), (2.4, 5)}
    assert scipy.stats.binomtest(int((drawn == 2.4).sum()), 4000, 0.6).pvalue > 1e-3
    assert abs(drawn.mean() - 2.08) < 4 * drawn.std() / math.sqrt(4000)


@pytest.mark.parametrize("sizes", [(2,), (3, 2), ((2, 3), 1)], ids=str)
def test_stochastic_pooling_has_its_probabilities_and_gradients(sizes):
    x = distinct(2, 2, 5, 6)
    p = pooling.stochastic_pool2d_probabilities(x, *sizes)
    sums = p.sum(axis=4)
    assert ((np.abs(sums - 1) < 1e-12) | (sums == 0)).all()
    assert_gradient(
        lambda x: pooling.stochastic_pool2d_mean(x, *sizes),
        lambda grad: pooling.stochastic_pool2d_mean_backward(grad, x, *sizes),
        x,
        f"stochastic_pool2d_mean {sizes}",
    )
    y, indices = pooling.stochastic_pool2d(x, np.random.default_rng(3), *sizes)
    np.testing.assert_array_equal(y, np.maximum(pooling.max_unpool2d_backward(x, indices), 0))


def spectrum(x, u, v):
    """Coefficient u, v of the discrete Fourier transform of x (H, W), by its definition, over H W."""
    h, w = x.shape
    rows, columns = np.arange(h)[:, None], np.arange(w)
    return (x * np.exp(-2j * np.pi * (u * rows / h + v * columns / w))).mean()


@pytest.mark.parametrize("size", [(3, 5), (4, 4), (1, 1), (2, 7), (5, 6), (6, 7)], ids=str)
def test_spectral_pooling_by_definition(size):
    """Frequencies below the limit stay, those of the limit are averaged, all others vanish."""
    x = RNG.normal(size=(1, 1, 6, 7))
    y = pooling.spectral_pool2d(x, size)[0, 0]

    def partners(u, part, whole):
        return (u, -u) if 2 * u == -part and part < whole else (u,)

    for u in range(-(size[0] // 2), (size[0] + 1) // 2):
        for v in range(-(size[1] // 2), (size[1] + 1) // 2):
            same = [(a, b) for a in partners(u, size[0], 6) for b in partners(v, size[1], 7)]
            expected = np.mean([spectrum(x[0, 0], a, b) for a, b in same])
            np.testing.assert_allclose(spectrum(y, u, v), expected, atol=1e-12, err_msg=f"{size}: {u, v}")


def test_spectral_pooling_to_odd_sizes_is_scipys_resampling():
    x = RNG.normal(size=(2, 2, 9, 8))
    expected = scipy.signal.resample(scipy.signal.resample(x, 5, axis=2), 3, axis=3)
    np.testing.assert_allclose(pooling.spectral_pool2d(x, (5, 3)), expected, atol=1e-12)


@pytest.mark.parametrize("size", [(3, 5), (4, 4), (1, 1), (2, 6), (5, 6)], ids=str)
def test_spectral_gradient_is_the_transpose(size):
    x, grad = RNG.normal(size=(2, 2, 5, 6)), RNG.normal(size=(2, 2, *size))
    back = pooling.spectral_pool2d_backward(grad, x.shape)
    assert np.sum(grad * pooling.spectral_pool2d(x, size)) == pytest.approx(np.sum(back * x), abs=1e-12)
    one = RNG.normal(size=(1, 1, 5, 6))
    assert_gradient(
        lambda x: pooling.spectral_pool2d(x, size),
        lambda grad: pooling.spectral_pool2d_backward(grad, one.shape),
        one,
        f"spectral_pool2d {size}",
    )


def test_nothing_changes_its_input():
    x = distinct(1, 2, 6, 6)
    before = x.copy()
    y, indices = pooling.max_pool2d(x, 2)
    pooling.max_unpool2d(y, indices, (6, 6))
    pooling.avg_pool2d(x, 2)
    pooling.lp_pool2d(x, 2, 2)
    pooling.mixed_pool2d_backward(y, x, 2)
    pooling.stochastic_pool2d(x, np.random.default_rng(0), 2)
    pooling.stochastic_pool2d_mean_backward(y, x, 2)
    pooling.spectral_pool2d(x, (4, 4))
    np.testing.assert_array_equal(x, before)
