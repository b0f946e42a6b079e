"""The NumPy losses against central differences, PyTorch, hand-worked examples and the dense net's softmax."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from course_lib.reference import activations, dense
from course_lib.reference import losses as ref
from course_lib.reference.gradient_check import numerical_gradient, relative_error

REDUCTIONS = ["mean", "sum", "none"]


def assert_agrees(name, forward, backward, by_torch, x, reduction, rng):
    """Values and gradient against PyTorch, gradient against central differences."""
    loss = forward(x)
    x_torch = torch.tensor(x, requires_grad=True)
    expected = by_torch(x_torch)
    np.testing.assert_allclose(loss, expected.detach().numpy(), rtol=1e-9, atol=1e-12, err_msg=name)
    grad_out = rng.normal(size=np.shape(loss))
    grad_out = grad_out if reduction == "none" else float(grad_out)
    (dx,) = torch.autograd.grad(expected, x_torch, torch.tensor(grad_out, dtype=torch.float64))
    got = backward(grad_out, x)
    np.testing.assert_allclose(
        got, dx.numpy(), rtol=1e-8, atol=1e-11, err_msg=f"{name}: gradient against torch"
    )
    numerical = numerical_gradient(lambda a: float(np.sum(grad_out * forward(a))), x)
    assert relative_error(got, numerical) < 1e-6, f"{name}: gradient against central differences"


@pytest.mark.parametrize("reduction", REDUCTIONS)
@given(shape=st.lists(st.integers(1, 4), min_size=1, max_size=3), seed=st.integers(0, 999))
@settings(max_examples=15, deadline=None)
def test_losses_for_numbers(reduction, shape, seed):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=shape)
    t = x + rng.choice([-1, 1], size=shape) * rng.uniform(0.05, 2, size=shape)  # off the corner of |x|
    target = torch.tensor(t)
    cases = {
        "mse_loss": (ref.mse_loss, ref.mse_loss_backward, F.mse_loss, {}),
        "l1_loss": (ref.l1_loss, ref.l1_loss_backward, F.l1_loss, {}),
        "smooth_l1_loss": (ref.smooth_l1_loss, ref.smooth_l1_loss_backward, F.smooth_l1_loss, {"beta": 0.7}),
        "smooth_l1_loss, beta 0": (
            ref.smooth_l1_loss,
            ref.smooth_l1_loss_backward,
            F.smooth_l1_loss,
            {"beta": 0.0},
        ),
    }
    for name, (forward, backward, theirs, options) in cases.items():
        options = options | {"reduction": reduction}
        assert_agrees(
            f"{name} {reduction} {shape}",
            lambda a, f=forward, o=options: f(a, t, **o),
            lambda g, a, f=backward, o=options: f(g, a, t, **o),
            lambda a, f=theirs, o=options: f(a, target, **o),
            x,
            reduction,
            rng,
        )


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("weighted", [False, True])
@given(shape=st.tuples(st.integers(1, 4), st.integers(1, 4)), seed=st.integers(0, 999))
@settings(max_examples=10, deadline=None)
def test_binary_cross_entropy_with_logits(reduction, weighted, shape, seed):
    rng = np.random.default_rng(seed)
    x, t = 3 * rng.normal(size=shape), rng.uniform(size=shape)
    weight, pos_weight = rng.uniform(0.1, 2, size=shape), rng.uniform(0.1, 2, size=shape[1])
    options = {"weight": weight, "pos_weight": pos_weight} if weighted else {}
    torch_options = {key: torch.tensor(value) for key, value in options.items()}
    assert_agrees(
        f"binary_cross_entropy_with_logits {reduction}",
        lambda a: ref.binary_cross_entropy_with_logits(a, t, **options, reduction=reduction),
        lambda g, a: ref.binary_cross_entropy_with_logits_backward(g, a, t, **options, reduction=reduction),
        lambda a: F.binary_cross_entropy_with_logits(
            a, torch.tensor(t), **torch_options, reduction=reduction
        ),
        x,
        reduction,
        rng,
    )


@st.composite
def classification(draw):
    """Logits, classes (some ignored, never all), probabilities, class weights and options."""
    classes = draw(st.integers(1, 5))
    outer = draw(st.sampled_from([(), (1,), (4,), (3, 2), (2, 2, 3)]))
    rng = np.random.default_rng(draw(st.integers(0, 999)))
    shape = (*outer[:1], classes, *outer[1:])
    target = rng.integers(0, classes, size=outer)
    ignore_index = draw(st.sampled_from([-100, 0, 7]))
    if np.size(target) > 1 and ignore_index != 0:
        target.flat[0] = ignore_index
    if ignore_index == 0 and (target == 0).all():
        ignore_index = -100
    weight = rng.uniform(0.2, 2, size=classes) if draw(st.booleans()) else None
    axis = 1 if outer else 0
    probabilities = activations.softmax(rng.normal(size=shape), axis=axis)
    smoothing = draw(st.sampled_from([0.0, 0.1, 1.0]))
    return 2 * rng.normal(size=shape), target, probabilities, weight, ignore_index, smoothing, rng


@pytest.mark.parametrize("reduction", REDUCTIONS)
@given(case=classification())
@settings(max_examples=40, deadline=None)
def test_losses_for_classes(reduction, case):
    z, target, probabilities, weight, ignore_index, smoothing, rng = case
    w = None if weight is None else torch.tensor(weight)
    common = {"ignore_index": ignore_index, "reduction": reduction}
    assert_agrees(
        f"nll_loss {z.shape} {common}",
        lambda a: ref.nll_loss(a, target, weight, **common),
        lambda g, a: ref.nll_loss_backward(g, a, target, weight, **common),
        lambda a: F.nll_loss(a, torch.tensor(target), w, **common),
        z,
        reduction,
        rng,
    )
    common["label_smoothing"] = smoothing
    for what, t in {"classes": target, "probabilities": probabilities}.items():
        common["ignore_index"] = ignore_index if what == "classes" else -100
        assert_agrees(
            f"cross_entropy with {what} {z.shape} {common}",
            lambda a, t=t: ref.cross_entropy(a, t, weight, **common),
            lambda g, a, t=t: ref.cross_entropy_backward(g, a, t, weight, **common),
            lambda a, t=t: F.cross_entropy(a, torch.tensor(t), w, **common),
            z,
            reduction,
            rng,
        )


def test_examples_worked_by_hand():
    x, t = np.array([1.0, 3.0]), np.array([0.0, 0.0])
    assert ref.mse_loss(x, t) == pytest.approx((1 + 9) / 2)
    assert ref.l1_loss(x, t, "sum") == pytest.approx(4)
    np.testing.assert_allclose(ref.smooth_l1_loss(x, t, "none", beta=2.0), [1 / 4, 3 - 1])
    assert ref.binary_cross_entropy_with_logits(np.zeros(3), np.ones(3)) == pytest.approx(math.log(2))
    z = np.log(np.array([[1.0, 2.0, 5.0]]))
    assert ref.cross_entropy(z, np.array([1])) == pytest.approx(math.log(4))
    np.testing.assert_allclose(ref.cross_entropy_backward(1.0, z, np.array([1])), [[1 / 8, -3 / 4, 5 / 8]])
    smoothed = 0.9 * math.log(4) + 0.1 / 3 * (math.log(8) + math.log(4) + math.log(8 / 5))
    assert ref.cross_entropy(z, np.array([1]), label_smoothing=0.1) == pytest.approx(smoothed)
    two = np.concatenate([z, z])
    weighted = (3 * math.log(4) + 1 * math.log(8 / 5)) / (3 + 1)
    assert ref.cross_entropy(two, np.array([1, 2]), np.array([9.0, 3.0, 1.0])) == pytest.approx(weighted)


def test_cross_entropy_is_the_dense_nets():
    rng = np.random.default_rng(0)
    z, labels = rng.normal(size=(6, 4)), rng.integers(0, 4, size=6)
    assert ref.cross_entropy(z, labels) == pytest.approx(dense.softmax_cross_entropy(z, labels), rel=1e-12)
    np.testing.assert_allclose(
        ref.cross_entropy_backward(1.0, z, labels), dense.softmax_cross_entropy_derivative(z, labels)
    )


def test_extreme_logits_neither_overflow_nor_lose_the_slope():
    z, labels = np.array([[1e4, -1e4], [-800.0, 800.0]]), np.array([1, 1])
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        np.testing.assert_allclose(ref.cross_entropy(z, labels, reduction="none"), [2e4, 0])
        np.testing.assert_allclose(
            ref.cross_entropy_backward(np.ones(2), z, labels, reduction="none"), [[1, -1], [0, 0]]
        )
        x, t = np.array([800.0, -800.0]), np.array([0.0, 0.0])
        np.testing.assert_allclose(ref.binary_cross_entropy_with_logits(x, t, reduction="none"), [800, 0])
        np.testing.assert_allclose(
            ref.binary_cross_entropy_with_logits_backward(1.0, x, t, reduction="sum"), [1, 0]
        )


def test_a_class_that_cannot_be_costs_nothing_if_it_is_not_the_target():
    z = np.array([[0.0, -np.inf]])
    assert ref.cross_entropy(z, np.array([0])) == 0


def test_the_mean_of_nothing_is_nan():
    assert math.isnan(ref.cross_entropy(np.zeros((2, 3)), np.array([-100, -100])))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: ref.mse_loss(np.zeros(2), np.zeros(2), "average"), "'mean' or 'sum', got 'average'"),
        (lambda: ref.mse_loss_backward(1.0, np.zeros(2), np.zeros(2), "Mean"), "got 'Mean'"),
        (
            lambda: ref.nll_loss(np.zeros((2, 3)), np.zeros((2, 1), int)),
            r"target must have x's shape \(2, 3\)",
        ),
        (lambda: ref.cross_entropy(np.zeros((2, 3)), np.array([0, 3])), r"classes 0 ... 2, got 0 ... 3"),
        (lambda: ref.cross_entropy(np.zeros((1, 3)), np.array([-1])), r"classes 0 ... 2, got -1 ... -1"),
    ],
)
def test_bad_input_is_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()
