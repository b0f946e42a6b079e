"""The formulas of initialization against integrals, SciPy, and nets of random weights."""

import math

import numpy as np
import pytest
import scipy.integrate
import scipy.stats

from course_lib.reference import initialization as ref


def test_fans_by_hand():
    assert ref.fan_in_and_fan_out((10, 784)) == (784, 10)
    assert ref.fan_in_and_fan_out((64, 3, 7, 7)) == (147, 3136)
    assert ref.fan_in_and_fan_out((8, 4, 5)) == (20, 40)
    assert ref.fan_in_and_fan_out((32, 1, 3, 3)) == (9, 288)  # depthwise
    with pytest.raises(ValueError, match=r"shape must have 2 dimensions or more, got \(3,\)"):
        ref.fan_in_and_fan_out((3,))


def test_the_variance_of_a_sum_is_what_is_measured():
    rng = np.random.default_rng(0)
    x = np.maximum(rng.normal(0.3, 1.2, (20_000, 50)), 0)
    w = rng.uniform(-0.2, 0.2, (20_000, 50))
    measured = np.var(np.sum(w * x, axis=1))
    assert ref.sum_variance(50, 0.4**2 / 12, np.mean(x**2)) == pytest.approx(measured, rel=0.03)


@pytest.mark.parametrize("slope", [0.0, 0.01, 0.2, 1.0, 3.0])
def test_the_gain_undoes_what_a_leaky_relu_does_to_the_mean_square(slope):
    def leaky(z):
        return (z if z > 0 else slope * z) ** 2 * scipy.stats.norm.pdf(z)

    mean_square, _ = scipy.integrate.quad(leaky, -12, 12, points=[0])
    assert ref.leaky_relu_gain(slope) == pytest.approx(1 / math.sqrt(mean_square), rel=1e-7)


def test_stds_by_hand():
    assert ref.lecun_std(100) == 0.1
    assert ref.xavier_std(300, 500) == 0.05
    assert ref.xavier_std(300, 500, gain=5 / 3) == pytest.approx(0.25 / 3)
    assert ref.xavier_std(64, 64) == ref.lecun_std(64), "equal fans: the two agree"
    assert ref.kaiming_std(200) == pytest.approx(0.1)
    assert ref.kaiming_std(200, ref.leaky_relu_gain(1)) == pytest.approx(ref.lecun_std(200))
    assert ref.leaky_relu_gain() == math.sqrt(2)


def test_a_uniform_distribution_of_that_bound_has_the_std():
    assert scipy.stats.uniform(-ref.uniform_bound(0.3), 2 * ref.uniform_bound(0.3)).std() == pytest.approx(
        0.3
    )


@pytest.mark.parametrize(("std", "cut"), [(1.0, 2.0), (0.02, 0.04), (2.0, 1.0), (1.0, 8.0), (5.0, 0.5)])
def test_the_std_of_a_truncated_normal_is_scipys(std, cut):
    expected = scipy.stats.truncnorm(-cut / std, cut / std, scale=std).std()
    assert ref.truncated_normal_std(std, cut) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(
    ("activation", "std", "kept"),
    [
        ("relu", lambda n: ref.kaiming_std(n), True),
        ("relu", lambda n: ref.lecun_std(n), False),  # every layer halves the mean square
        ("identity", lambda n: ref.lecun_std(n), True),
        ("identity", lambda n: ref.xavier_std(n, n), True),
        ("identity", lambda n: ref.xavier_std(n, n) / math.sqrt(2), False),  # the form without the 2
        ("identity", lambda n: ref.kaiming_std(n), False),
    ],
)
def test_what_keeps_a_signal_alive_through_twenty_layers(activation, std, kept):
    rng = np.random.default_rng(1)
    n = 256
    x = rng.normal(size=(200, n))
    before = np.mean(x**2)
    for _ in range(20):
        z = x @ rng.normal(0, std(n), (n, n)).T
        x = np.maximum(z, 0) if activation == "relu" else z
    ratio = np.mean(x**2) / before
    assert (0.2 < ratio < 5) == kept, f"{activation}: the mean square changed by {ratio:.3g}"
