"""Central differences against derivatives known in closed form."""

import numpy as np
import pytest

from course_lib.reference.gradient_check import numerical_gradient, relative_error


@pytest.mark.parametrize(
    ("name", "f", "gradient"),
    [
        ("sum of squares", lambda x: float(np.sum(x**2)), lambda x: 2 * x),
        ("product", lambda x: float(np.prod(x)), lambda x: np.prod(x) / x),
        ("sum of exponentials", lambda x: float(np.exp(x).sum()), np.exp),
        ("constant", lambda x: 3.0, np.zeros_like),
    ],
)
@pytest.mark.parametrize("shape", [(), (4,), (2, 3), (0,)])
def test_known_gradients(name, f, gradient, shape):
    x = np.random.default_rng(0).uniform(0.5, 2.0, size=shape)
    before = x.copy()
    np.testing.assert_allclose(numerical_gradient(f, x), gradient(x), rtol=1e-8, atol=1e-9, err_msg=name)
    np.testing.assert_array_equal(x, before, err_msg="numerical_gradient changed x")


def test_integers_are_not_truncated():
    np.testing.assert_allclose(numerical_gradient(lambda x: float(np.sum(x**2)), np.array([3, -1])), [6, -2])


def test_the_error_shrinks_as_h_squared():
    x = np.array([1.0])
    errors = [
        abs(float(numerical_gradient(lambda x: float(np.exp(x[0])), x, h)[0]) - np.e) for h in (1e-1, 1e-2)
    ]
    assert errors[0] / errors[1] == pytest.approx(100, rel=0.01)


def test_relative_error_tells_right_from_wrong():
    gradient = np.array([1.0, -2.0, 3.0])
    assert relative_error(gradient, gradient) == 0
    assert relative_error(gradient, gradient * (1 + 1e-8)) < 1e-7
    assert relative_error(gradient, -gradient) == 1
    assert relative_error(gradient, gradient * 2) == pytest.approx(1 / 3)
    assert relative_error(np.zeros(3), np.zeros(3)) == 0
