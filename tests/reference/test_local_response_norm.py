"""The NumPy local response normalization against central differences, PyTorch and a window worked by hand."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from course_lib.reference import local_response_norm as ref
from course_lib.reference.gradient_check import numerical_gradient, relative_error

ARGUMENTS = {"alpha": 0.7, "beta": 0.6, "k": 1.3}


@given(
    n=st.integers(1, 2),
    c=st.integers(1, 7),
    positions=st.lists(st.integers(1, 3), min_size=1, max_size=2),
    size=st.integers(1, 9),
    seed=st.integers(0, 999),
)
@settings(max_examples=40, deadline=None)
def test_values_and_gradients_agree_with_torch(n, c, positions, size, seed):
    rng = np.random.default_rng(seed)
    x, grad_out = rng.normal(size=(n, c, *positions)), rng.normal(size=(n, c, *positions))
    x_torch = torch.tensor(x, requires_grad=True)
    y = F.local_response_norm(x_torch, size, **ARGUMENTS)
    (dx,) = torch.autograd.grad(y, x_torch, torch.tensor(grad_out))
    np.testing.assert_allclose(
        ref.local_response_norm(x, size, **ARGUMENTS), y.detach().numpy(), rtol=1e-10, err_msg="values"
    )
    got = ref.local_response_norm_backward(grad_out, x, size, **ARGUMENTS)
    np.testing.assert_allclose(got, dx.numpy(), rtol=1e-9, atol=1e-12, err_msg=f"gradient, size {size}")


@pytest.mark.parametrize("size", [1, 2, 3, 4, 9])
def test_the_gradient_agrees_with_central_differences(size):
    rng = np.random.default_rng(0)
    x, grad_out = rng.normal(size=(2, 5, 3)), rng.normal(size=(2, 5, 3))
    numerical = numerical_gradient(
        lambda a: float((grad_out * ref.local_response_norm(a, size, **ARGUMENTS)).sum()), x
    )
    error = relative_error(ref.local_response_norm_backward(grad_out, x, size, **ARGUMENTS), numerical)
    assert error < 1e-8, f"local_response_norm, size {size}: {error}"


def test_windows_worked_by_hand():
    x = np.array([1.0, 2.0, 3.0]).reshape(1, 3, 1)
    # size 2 reaches one to the left: sums of squares 1, 1 + 4, 4 + 9
    got = ref.local_response_norm(x, 2, alpha=2.0, beta=1.0, k=1.0)
    np.testing.assert_allclose(got.ravel(), [1 / 2, 2 / 6, 3 / 14])
    # size 3 is centred: 1 + 4, 1 + 4 + 9, 4 + 9
    got = ref.local_response_norm(x, 3, alpha=3.0, beta=1.0, k=1.0)
    np.testing.assert_allclose(got.ravel(), [1 / 6, 2 / 15, 3 / 14])


def test_a_large_neighbour_inhibits():
    quiet, loud = np.array([1.0, 0.0, 0.0]), np.array([1.0, 10.0, 0.0])
    alone, beside = (
        ref.local_response_norm(x.reshape(1, 3, 1), 3, alpha=1.0)[0, 0, 0] for x in (quiet, loud)
    )
    assert beside < 0.2 * alone
