"""The NumPy activations against PyTorch's, central differences and closed forms."""

import math
import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from torch.nn import functional as F

from course_lib.reference import activations as ref
from course_lib.reference.gradient_check import numerical_gradient

SLOPES = torch.tensor([0.1, 0.5, 1.5], dtype=torch.float64)

# case: (NumPy function, its derivative, PyTorch's function, where either of the two has a corner)
CASES = {
    "identity": (ref.identity, ref.identity_derivative, lambda z: z * 1, []),
    "sigmoid": (ref.sigmoid, ref.sigmoid_derivative, torch.sigmoid, []),
    "tanh": (ref.tanh, ref.tanh_derivative, torch.tanh, []),
    "hardtanh": (ref.hardtanh, ref.hardtanh_derivative, F.hardtanh, [-1, 1]),
    "hardtanh(-2, 0.5)": (
        lambda z: ref.hardtanh(z, -2, 0.5),
        lambda z: ref.hardtanh_derivative(z, -2, 0.5),
        lambda z: F.hardtanh(z, -2, 0.5),
        [-2, 0.5],
    ),
    "relu": (ref.relu, ref.relu_derivative, torch.relu, [0]),
    "relu6": (ref.relu6, ref.relu6_derivative, F.relu6, [0, 6]),
    "leaky_relu": (ref.leaky_relu, ref.leaky_relu_derivative, F.leaky_relu, [0]),
    "leaky_relu(0.3)": (
        lambda z: ref.leaky_relu(z, 0.3),
        lambda z: ref.leaky_relu_derivative(z, 0.3),
        lambda z: F.leaky_relu(z, 0.3),
        [0],
    ),
    "rrelu": (ref.rrelu, ref.rrelu_derivative, lambda z: F.rrelu(z, 1 / 8, 1 / 3, training=False), [0]),
    "prelu": (ref.prelu, ref.prelu_derivative, lambda z: F.prelu(z, SLOPES[:1] * 0 + 0.25), [0]),
    "elu": (ref.elu, ref.elu_derivative, F.elu, [0]),
    "elu(1.7)": (
        lambda z: ref.elu(z, 1.7),
        lambda z: ref.elu_derivative(z, 1.7),
        lambda z: F.elu(z, 1.7),
        [0],
    ),
    "selu": (ref.selu, ref.selu_derivative, F.selu, [0]),
    "gelu": (ref.gelu, ref.gelu_derivative, F.gelu, []),
    "gelu_tanh": (ref.gelu_tanh, ref.gelu_tanh_derivative, lambda z: F.gelu(z, approximate="tanh"), []),
    "silu": (ref.silu, ref.silu_derivative, F.silu, []),
    "softplus": (ref.softplus, ref.softplus_derivative, lambda z: F.softplus(z, threshold=700), []),
    "softplus(3)": (
        lambda z: ref.softplus(z, 3.0),
        lambda z: ref.softplus_derivative(z, 3.0),
        lambda z: F.softplus(z, 3.0, threshold=700),
        [],
    ),
    "softsign": (ref.softsign, ref.softsign_derivative, F.softsign, [0]),
}
EXTREMES = [0.0, -0.0, 1e-30, -1e-30, 1e4, -1e4, 0.5, -0.5, 1.0, -1.0, 2.0, -2.0, 40.0, -40.0, 709.0, -745.0]

cases = pytest.mark.parametrize("name", CASES)
arrays = hnp.arrays(
    np.float64, hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4), elements=st.floats(-30, 30)
)


def assert_close(name, got, expected, what, rtol=1e-9, atol=1e-12):
    assert np.shape(got) == np.shape(expected), f"reference.{name} {what}: shape"
    np.testing.assert_allclose(got, expected, rtol, atol, err_msg=f"reference.{name} {what} against PyTorch")


def slope_by_torch(function, z):
    z = torch.tensor(z, dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(function(z).sum(), z)
    return slope.numpy()


@cases
@given(z=arrays)
@settings(max_examples=40, deadline=None)
def test_value_and_derivative_agree_with_torch(name, z):
    g, g_prime, theirs, _ = CASES[name]
    before = z.copy()
    assert_close(name, g(z), theirs(torch.tensor(z)).numpy(), "value")
    assert_close(name, g_prime(z), slope_by_torch(theirs, z), "derivative")
    np.testing.assert_array_equal(z, before, err_msg=f"reference.{name} changed its input")


@cases
def test_extreme_values_and_kinks_agree_with_torch_and_nothing_overflows(name):
    g, g_prime, theirs, kinks = CASES[name]
    z = np.array(EXTREMES + kinks, dtype=np.float64)
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        value, slope = g(z), g_prime(z)
    assert_close(name, value, theirs(torch.tensor(z)).numpy(), "value at extremes", rtol=1e-12, atol=1e-300)
    assert_close(name, slope, slope_by_torch(theirs, z), "derivative at extremes", rtol=1e-7, atol=1e-15)
    assert np.isfinite(value).all(), f"reference.{name}: value at {z[~np.isfinite(value)]}"


@cases
def test_infinity_and_nan_agree_with_torch(name):
    g, _, theirs, _ = CASES[name]
    z = np.array([np.inf, -np.inf, np.nan])
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(g(z), theirs(torch.tensor(z)).numpy(), err_msg=f"reference.{name}")


@cases
@given(z=hnp.arrays(np.float64, 5, elements=st.floats(-5, 5)))
@settings(max_examples=25, deadline=None)
def test_derivative_agrees_with_central_differences(name, z):
    g, g_prime, _, kinks = CASES[name]
    for kink in kinks:  # a central difference across a kink is no derivative
        z = np.where(np.abs(z - kink) < 1e-3, kink + 0.1, z)
    numerical = numerical_gradient(lambda z: float(g(z).sum()), z)
    np.testing.assert_allclose(
        g_prime(z), numerical, rtol=1e-6, atol=1e-8, err_msg=f"reference.{name} against central differences"
    )


@cases
def test_a_plain_number_and_float32_work(name):
    g, g_prime, theirs, _ = CASES[name]
    assert float(g(0.3)) == pytest.approx(float(theirs(torch.tensor([0.3], dtype=torch.float64))[0]))
    z = np.linspace(-3, 3, 7, dtype=np.float32)
    assert_close(name, g(z), g(z.astype(np.float64)), "value in float32", rtol=1e-6, atol=1e-6)
    assert_close(
        name, g_prime(z), g_prime(z.astype(np.float64)), "derivative in float32", rtol=1e-5, atol=1e-5
    )


def test_step_fires_above_zero_only():
    np.testing.assert_array_equal(ref.step(np.array([-2.0, -0.0, 0.0, 1e-300, 3.0])), [0, 0, 0, 1, 1])
    np.testing.assert_array_equal(ref.step_derivative(np.array([-2.0, 0.0, 3.0])), [0, 0, 0])


@pytest.mark.parametrize(
    ("name", "got", "expected"),
    [
        ("sigmoid(0)", ref.sigmoid(0.0), 0.5),
        ("sigmoid(log 3)", ref.sigmoid(math.log(3)), 0.75),
        ("sigmoid'(0)", ref.sigmoid_derivative(0.0), 0.25),
        ("tanh(x) = 2 sigmoid(2x) - 1", ref.tanh(0.7), 2 * ref.sigmoid(1.4) - 1),
        ("relu6(7)", ref.relu6(7.0), 6.0),
        ("elu(-log 2)", ref.elu(-math.log(2)), -0.5),
        ("gelu(1) = Phi(1)", ref.gelu(1.0), 0.8413447460685429),
        ("silu(log 3)", ref.silu(math.log(3)), 0.75 * math.log(3)),
        ("softplus(0)", ref.softplus(0.0), math.log(2)),
        ("softplus(z) - softplus(-z) = z", ref.softplus(1.3) - ref.softplus(-1.3), 1.3),
        ("softsign(3)", ref.softsign(3.0), 0.75),
        ("softmax([0, log 3])", ref.softmax(np.array([0, math.log(3)]))[1], 0.75),
    ],
)
def test_closed_forms(name, got, expected):
    assert float(got) == pytest.approx(expected, rel=1e-14), f"reference: {name}"


def test_selu_keeps_mean_zero_and_variance_one_of_a_normal_input():
    # Klambauer et al. (2017): the constants are defined by these two integrals.
    z = np.linspace(-12, 12, 400_001)
    density = np.exp(-z * z / 2) / math.sqrt(2 * math.pi)
    dz = z[1] - z[0]
    mean = np.sum(ref.selu(z) * density) * dz
    variance = np.sum(ref.selu(z) ** 2 * density) * dz - mean**2
    assert mean == pytest.approx(0, abs=1e-8)
    assert variance == pytest.approx(1, abs=1e-8)


def test_gelu_tanh_is_within_its_stated_error_and_bends_where_stated():
    z = np.linspace(-8, 8, 160_001)
    error = np.abs(ref.gelu_tanh(z) - ref.gelu(z)).max()
    assert 1e-4 < error < 5e-4
    assert ref.gelu_derivative(-0.76) < 0 < ref.gelu_derivative(-0.75)
    assert ref.silu_derivative(-1.28) < 0 < ref.silu_derivative(-1.27)


def test_rrelu_in_training_uses_the_given_slopes():
    rng = np.random.default_rng(0)
    z, slopes = rng.normal(size=(4, 5)), rng.uniform(1 / 8, 1 / 3, size=(4, 5))
    np.testing.assert_array_equal(ref.rrelu(z, slopes=slopes), np.where(z > 0, z, z * slopes))
    np.testing.assert_array_equal(ref.rrelu_derivative(z, slopes=slopes), np.where(z > 0, 1, slopes))


@pytest.mark.parametrize("shape", [(2, 3), (4, 3, 5), (2, 3, 4, 5), (0, 3), (1, 3, 1, 1)])
def test_prelu_by_channel_agrees_with_torch(shape):
    rng = np.random.default_rng(1)
    z, grad = rng.normal(size=shape), rng.normal(size=shape)
    z_torch, weight = torch.tensor(z, requires_grad=True), SLOPES.clone().requires_grad_()
    value = F.prelu(z_torch, weight)
    value.backward(torch.tensor(grad))
    slopes = SLOPES.numpy()
    assert_close("prelu", ref.prelu(z, slopes), value.detach().numpy(), f"value {shape}")
    assert_close("prelu", grad * ref.prelu_derivative(z, slopes), z_torch.grad.numpy(), f"dz {shape}")
    assert_close("prelu", ref.prelu_weight_gradient(grad, z, slopes), weight.grad.numpy(), f"dweight {shape}")


@pytest.mark.parametrize("weight", [0.25, np.array([0.25])])
def test_prelu_with_one_slope_sums_over_all_entries(weight):
    z, grad = np.array([[-1.0, 2.0], [-3.0, 0.0]]), np.array([[1.0, 10.0], [100.0, 1000.0]])
    gradient = ref.prelu_weight_gradient(grad, z, weight)
    assert np.shape(gradient) == np.shape(weight)
    assert float(np.sum(gradient)) == -301.0


@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_softmax_and_its_backward_pass_agree_with_torch(data):
    shape = data.draw(hnp.array_shapes(min_dims=1, max_dims=4, max_side=5))
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    z = data.draw(hnp.arrays(np.float64, shape, elements=st.floats(-1e4, 1e4)))
    grad = data.draw(hnp.arrays(np.float64, shape, elements=st.floats(-10, 10)))
    z_torch = torch.tensor(z, requires_grad=True)
    s = torch.softmax(z_torch, axis)
    s.backward(torch.tensor(grad))
    with np.errstate(over="raise", invalid="raise"):
        assert_close("softmax", ref.softmax(z, axis), s.detach().numpy(), f"value, axis {axis}")
        assert_close(
            "softmax_backward", ref.softmax_backward(grad, z, axis), z_torch.grad.numpy(), f"axis {axis}"
        )
    np.testing.assert_allclose(ref.softmax(z, axis).sum(axis=axis), 1.0, rtol=1e-12)
    np.testing.assert_allclose(ref.softmax(z + 7.0, axis), ref.softmax(z, axis), rtol=1e-9, atol=1e-12)


def test_softmax_jacobian_agrees_with_torch_and_with_the_backward_pass():
    rng = np.random.default_rng(2)
    z, grad = rng.normal(size=5), rng.normal(size=5)
    theirs = torch.autograd.functional.jacobian(lambda z: torch.softmax(z, 0), torch.tensor(z))
    assert_close("softmax_jacobian", ref.softmax_jacobian(z), theirs.numpy(), "value")
    np.testing.assert_allclose(ref.softmax_jacobian(z) @ grad, ref.softmax_backward(grad, z), atol=1e-15)


def test_softmax_of_masked_and_empty_input():
    np.testing.assert_array_equal(ref.softmax(np.array([0.0, -np.inf, 0.0])), [0.5, 0, 0.5])
    assert ref.softmax(np.zeros((0, 3))).shape == (0, 3)


def test_the_reference_needs_no_torch():
    code = "import sys, course_lib.reference; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
