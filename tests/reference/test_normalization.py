"""The NumPy normalizations against central differences, PyTorch, worked examples and their invariances."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from course_lib.reference import normalization as ref
from course_lib.reference.gradient_check import numerical_gradient, relative_error

SHAPES = st.tuples(st.integers(2, 5), st.sampled_from([2, 4, 6]), st.integers(1, 3), st.integers(1, 3))


def gradients_by_differences(call, grad_out, arrays):
    """Dsum(grad_out * call(*arrays)) / d each array, by central differences."""
    return [
        numerical_gradient(
            lambda a, i=i: float((grad_out * call(*arrays[:i], a, *arrays[i + 1 :])).sum()), array
        )
        for i, array in enumerate(arrays)
    ]


LAYERS = {
    "batch_norm": (ref.batch_norm, ref.batch_norm_backward, ()),
    "group_norm in 2 groups": (ref.group_norm, ref.group_norm_backward, (2,)),
    "group_norm in 1 group": (ref.group_norm, ref.group_norm_backward, (1,)),
    "batch_norm_eval": (
        ref.batch_norm_eval,
        ref.batch_norm_eval_backward,
        (np.array([0.5, -1.0, 2.0, 0.0]), np.array([1.0, 0.1, 3.0, 2.0])),
    ),
}


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("shape", [(3, 4), (2, 4, 3), (2, 4, 2, 3)], ids=str)
def test_gradients_agree_with_central_differences(name, shape):
    forward, backward, fixed = LAYERS[name]
    if "group" in name and shape == (3, 4):
        shape = (3, 4, 2)
    rng = np.random.default_rng(0)
    x, weight, bias = rng.normal(size=shape), rng.normal(size=4), rng.normal(size=4)
    grad_out = rng.normal(size=shape)
    got = backward(grad_out, x, *fixed, weight, eps=1e-3)
    expected = gradients_by_differences(
        lambda x, w, b: forward(x, *fixed, w, b, eps=1e-3), grad_out, (x, weight, bias)
    )
    for what, mine, numerical in zip(("dx", "dweight", "dbias"), got, expected, strict=True):
        assert relative_error(mine, numerical) < 1e-7, f"{name} {shape}: {what} against central differences"


@pytest.mark.parametrize("last", [(4,), (3, 4), (2, 3, 4)], ids=str)
def test_layer_norms_gradients_agree_with_central_differences(last):
    rng = np.random.default_rng(1)
    x, weight, bias = rng.normal(size=(2, 3, 4)), rng.normal(size=last), rng.normal(size=last)
    grad_out = rng.normal(size=x.shape)
    got = ref.layer_norm_backward(grad_out, x, weight, eps=1e-3)
    expected = gradients_by_differences(
        lambda x, w, b: ref.layer_norm(x, w, b, eps=1e-3), grad_out, (x, weight, bias)
    )
    for what, mine, numerical in zip(("dx", "dweight", "dbias"), got, expected, strict=True):
        assert relative_error(mine, numerical) < 1e-7, f"layer_norm {last}: {what}"


def with_gradients(call, grad_out, arrays):
    tensors = [torch.tensor(array, requires_grad=True) for array in arrays]
    y = call(*tensors)
    return [y.detach().numpy(), *(g.numpy() for g in torch.autograd.grad(y, tensors, torch.tensor(grad_out)))]


@given(shape=SHAPES, mean=st.sampled_from([0.0, 1e4]), seed=st.integers(0, 999))
@settings(max_examples=40, deadline=None)
def test_all_agree_with_torch(shape, mean, seed):
    rng = np.random.default_rng(seed)
    c = shape[1]
    x, weight, bias = mean + rng.normal(size=shape), rng.normal(size=c), rng.normal(size=c)
    grad_out = rng.normal(size=shape)
    w, b = rng.normal(size=shape[2:]), rng.normal(size=shape[2:])
    running_mean, running_var = rng.normal(size=c), rng.uniform(0.5, 2, size=c)
    fixed = torch.tensor(running_mean), torch.tensor(running_var)
    cases = {
        "batch_norm": (
            [ref.batch_norm(x, weight, bias), *ref.batch_norm_backward(grad_out, x, weight)],
            with_gradients(
                lambda x, w, b: F.batch_norm(x, None, None, w, b, training=True), grad_out, (x, weight, bias)
            ),
        ),
        "batch_norm_eval": (
            [
                ref.batch_norm_eval(x, running_mean, running_var, weight, bias),
                *ref.batch_norm_eval_backward(grad_out, x, running_mean, running_var, weight),
            ],
            with_gradients(lambda x, w, b: F.batch_norm(x, *fixed, w, b), grad_out, (x, weight, bias)),
        ),
        "layer_norm": (
            [ref.layer_norm(x, w, b), *ref.layer_norm_backward(grad_out, x, w)],
            with_gradients(lambda x, w, b: F.layer_norm(x, w.shape, w, b), grad_out, (x, w, b)),
        ),
        "group_norm": (
            [ref.group_norm(x, 2, weight, bias), *ref.group_norm_backward(grad_out, x, 2, weight)],
            with_gradients(lambda x, w, b: F.group_norm(x, 2, w, b), grad_out, (x, weight, bias)),
        ),
    }
    for name, (got, expected) in cases.items():
        for what, mine, theirs in zip(("y", "dx", "dweight", "dbias"), got, expected, strict=True):
            np.testing.assert_allclose(
                mine, theirs, rtol=1e-7, atol=1e-7 if mean else 1e-10, err_msg=f"{name} {shape}: {what}"
            )


def test_a_batch_worked_by_hand():
    # mean 2, variance (1 + 1) / 2 = 1 and, for the test, (1 + 1) / 1 = 2
    x = np.array([[1.0], [3.0]])
    np.testing.assert_allclose(
        ref.batch_norm(x, np.array([2.0]), np.array([5.0]), eps=0.0), [[3.0], [7.0]], err_msg="batch_norm"
    )
    mean, var = ref.running_statistics(x, np.array([0.0]), np.array([1.0]))
    np.testing.assert_allclose((mean, var), [[0.2], [0.9 + 0.2]], err_msg="running_statistics")


def test_a_mean_of_1e8_leaves_the_variance_alone():
    x = np.array([[1e8 - 1.0], [1e8 + 1.0]])
    np.testing.assert_allclose(ref.standardize(x, (0,), eps=0.0), [[-1.0], [1.0]])


def test_running_statistics_of_many_batches_approach_the_populations():
    rng = np.random.default_rng(0)
    mean, var = np.zeros(2), np.ones(2)
    for _ in range(300):
        batch = np.array([3.0, -1.0]) + np.array([2.0, 0.5]) * rng.normal(size=(8, 2))
        mean, var = ref.running_statistics(batch, mean, var, momentum=0.02)
    np.testing.assert_allclose(mean, [3.0, -1.0], atol=0.3)
    np.testing.assert_allclose(var, [4.0, 0.25], rtol=0.3)


def test_the_gradient_is_orthogonal_to_a_constant_and_to_x_hat():
    rng = np.random.default_rng(2)
    x, grad_out = rng.normal(size=(6, 3)), rng.normal(size=(6, 3))
    dx = ref.standardize_backward(grad_out, x, (0,), eps=0.0)
    np.testing.assert_allclose(dx.sum(axis=0), 0, atol=1e-12, err_msg="not orthogonal to a constant")
    x_hat = ref.standardize(x, (0,), eps=0.0)
    np.testing.assert_allclose((dx * x_hat).sum(axis=0), 0, atol=1e-12, err_msg="not orthogonal to x_hat")


def test_one_group_is_layer_norm_and_a_group_each_is_instance_norm():
    rng = np.random.default_rng(3)
    x, ones, zeros = rng.normal(size=(2, 4, 3, 3)), np.ones(4), np.zeros(4)
    by_layer = ref.layer_norm(x, np.ones(x.shape[1:]), np.zeros(x.shape[1:]))
    np.testing.assert_allclose(ref.group_norm(x, 1, ones, zeros), by_layer, atol=1e-12)
    np.testing.assert_allclose(ref.group_norm(x, 4, ones, zeros), ref.standardize(x, (2, 3)), atol=1e-12)
    alone = np.concatenate([ref.batch_norm(one[np.newaxis], ones, zeros) for one in x])
    np.testing.assert_allclose(ref.group_norm(x, 4, ones, zeros), alone, atol=1e-12)


def test_groups_must_divide_the_channels():
    with pytest.raises(ValueError, match="num_groups must divide the 4 channels of x, got 3"):
        ref.group_norm(np.zeros((2, 4, 2)), 3, np.ones(4), np.zeros(4))
