"""NumPy dropout and DropConnect against central differences and the statistics of many masks."""

import numpy as np
import pytest

from course_lib.reference import dropout as ref
from course_lib.reference.gradient_check import numerical_gradient, relative_error


@pytest.mark.parametrize("p", [0.0, 0.2, 0.9, 1.0])
def test_dropouts_gradient_agrees_with_central_differences(p):
    rng = np.random.default_rng(0)
    x, grad_out, mask = rng.normal(size=(3, 4)), rng.normal(size=(3, 4)), ref.draw_mask((3, 4), p, rng)
    numerical = numerical_gradient(lambda a: float((grad_out * ref.dropout(a, mask, p)).sum()), x)
    assert relative_error(ref.dropout_backward(grad_out, mask, p), numerical) < 1e-9, f"dropout, p = {p}"


def test_dropout_by_hand():
    x, mask = np.array([1.0, 2.0, 3.0, 4.0]), np.array([1.0, 0.0, 0.0, 1.0])
    np.testing.assert_allclose(ref.dropout(x, mask, 0.75), [4.0, 0.0, 0.0, 16.0])
    np.testing.assert_array_equal(ref.dropout(x, np.zeros(4), 1.0), 0)


def test_a_mask_of_channels_broadcasts():
    x, mask = np.ones((2, 3, 2, 2)), np.array([[1.0, 0, 1], [0, 0, 1]]).reshape(2, 3, 1, 1)
    np.testing.assert_array_equal(ref.dropout(x, mask, 0.5).sum(axis=(2, 3)), [[8, 0, 8], [0, 0, 8]])


@pytest.mark.parametrize("p", [0.1, 0.5, 0.8])
def test_masks_drop_with_probability_p_and_keep_the_expectation(p):
    rng = np.random.default_rng(1)
    masks = ref.draw_mask((20000, 3), p, rng)
    assert set(np.unique(masks)) == {0.0, 1.0}
    deviation = np.sqrt(p * (1 - p) / 20000)
    np.testing.assert_allclose(1 - masks.mean(axis=0), p, atol=5 * deviation)
    x = np.array([1.0, -2.0, 0.5])
    means = ref.dropout(x, masks, p).mean(axis=0)
    np.testing.assert_allclose(means, x, atol=5 * 2 * deviation / (1 - p), err_msg="the expectation is not x")


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("p", [0.0, 0.3, 1.0])
def test_drop_connects_gradients_agree_with_central_differences(p, shared):
    rng = np.random.default_rng(2)
    x, w, b = rng.normal(size=(4, 3)), rng.normal(size=(2, 3)), rng.normal(size=2)
    n = 1 if shared else 4
    masks = ref.draw_mask((n, 2, 3), p, rng), ref.draw_mask((n, 2), p, rng)
    grad_out = rng.normal(size=(4, 2))
    got = ref.drop_connect_backward(grad_out, x, w, *masks, p)
    for i, name in enumerate("xwb"):
        arrays = [x, w, b]

        def loss(array, i=i, arrays=arrays):
            return float((grad_out * ref.drop_connect(*arrays[:i], array, *arrays[i + 1 :], *masks, p)).sum())

        error = relative_error(got[i], numerical_gradient(loss, arrays[i]))
        assert error < 1e-8, f"drop_connect, p = {p}: d{name}: {error}"


def test_drop_connects_moments_are_those_of_many_masks():
    rng = np.random.default_rng(3)
    x, w, b, p = rng.normal(size=(1, 5)), rng.normal(size=(2, 5)), rng.normal(size=2), 0.4
    masks = ref.draw_mask((100_000, 2, 5), p, rng), ref.draw_mask((100_000, 2), p, rng)
    samples = ref.drop_connect(np.repeat(x, 100_000, axis=0), w, b, *masks, p)
    mean, variance = ref.drop_connect_moments(x, w, b, p)
    np.testing.assert_allclose(samples.mean(axis=0), mean[0], atol=5 * np.sqrt(variance.max() / 100_000))
    np.testing.assert_allclose(samples.var(axis=0), variance[0], rtol=0.03)


def test_inference_by_moments_is_nearer_to_the_mean_activation_than_the_mean_net():
    rng = np.random.default_rng(4)
    x, w, b, p = rng.normal(size=(1, 50)), 0.3 * rng.normal(size=(20, 50)), np.zeros(20), 0.5
    masks = ref.draw_mask((20_000, 20, 50), p, rng), ref.draw_mask((20_000, 20), p, rng)
    truth = np.maximum(0, ref.drop_connect(x, w, b, *masks, p)).mean(axis=0)
    mean, variance = ref.drop_connect_moments(x, w, b, p)
    normal = mean + np.sqrt(variance) * rng.normal(size=(20_000, 20))
    by_moments, mean_net = np.maximum(0, normal).mean(axis=0), np.maximum(0, mean[0])
    assert np.abs(by_moments - truth).max() < 0.05
    assert np.abs(mean_net - truth).max() > 0.3
