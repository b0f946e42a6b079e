"""The NumPy net against PyTorch, central differences, and closed forms."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from course_lib.reference import activations, dense
from course_lib.reference.gradient_check import numerical_gradient, relative_error

TORCH = {
    "identity": lambda z: z,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "hardtanh": F.hardtanh,
    "relu": torch.relu,
    "relu6": F.relu6,
    "leaky_relu": F.leaky_relu,
    "rrelu": lambda z: F.rrelu(z, training=False),
    "prelu": lambda z: F.prelu(z, torch.tensor([0.25], dtype=torch.float64)),
    "elu": F.elu,
    "selu": F.selu,
    "gelu": F.gelu,
    "gelu_tanh": lambda z: F.gelu(z, approximate="tanh"),
    "silu": F.silu,
    "softplus": lambda z: F.softplus(z, threshold=700),
    "softsign": F.softsign,
}


def forward_by_torch(params, x, activation, output):
    a = x
    for layer, (w, b) in enumerate(params, start=1):
        a = TORCH[output if layer == len(params) else activation](F.linear(a, w, b))
    return a


def to_torch(params):
    return [tuple(torch.tensor(array, requires_grad=True) for array in layer) for layer in params]


def assert_grads_close(grads, theirs, name, **tolerance):
    for layer, ((dw, db), (w, b)) in enumerate(zip(grads, theirs, strict=True), start=1):
        np.testing.assert_allclose(dw, w.grad.numpy(), err_msg=f"{name}: dE/dw_{layer}", **tolerance)
        np.testing.assert_allclose(db, b.grad.numpy(), err_msg=f"{name}: dE/db_{layer}", **tolerance)


def test_every_entry_by_entry_activation_of_the_reference_is_tested_here():
    with pytest.raises(ValueError, match="activation must be one of") as error:
        dense.forward(dense.init((2, 1), np.random.default_rng(0)), np.zeros((1, 2)), "softmax")
    listed = str(error.value).split("one of ")[1].split(", got")[0].split(", ")
    assert set(listed) == {*TORCH, "step"}


@given(n=st.integers(0, 5), d_in=st.integers(1, 5), d_out=st.integers(1, 5), seed=st.integers(0, 999))
@settings(max_examples=50, deadline=None)
def test_one_layer_agrees_with_torch(n, d_in, d_out, seed):
    rng = np.random.default_rng(seed)
    x, w, b = rng.normal(size=(n, d_in)), rng.normal(size=(d_out, d_in)), rng.normal(size=d_out)
    grad_out = rng.normal(size=(n, d_out))
    x_torch, w_torch, b_torch = (torch.tensor(array, requires_grad=True) for array in (x, w, b))
    z = F.linear(x_torch, w_torch, b_torch)
    z.backward(torch.tensor(grad_out))
    np.testing.assert_allclose(dense.dense(x, w, b), z.detach().numpy(), atol=1e-13, err_msg="dense")
    for name, got, theirs in zip(
        ("dx", "dw", "db"), dense.dense_backward(grad_out, x, w), (x_torch, w_torch, b_torch), strict=True
    ):
        np.testing.assert_allclose(got, theirs.grad.numpy(), atol=1e-12, err_msg=f"dense_backward: {name}")


@pytest.mark.parametrize("activation", TORCH)
@given(
    sizes=st.lists(st.integers(1, 6), min_size=2, max_size=7), n=st.integers(1, 6), seed=st.integers(0, 999)
)
@settings(max_examples=15, deadline=None)
def test_nets_of_any_depth_agree_with_torch(activation, sizes, n, seed):
    rng = np.random.default_rng(seed)
    params = [(w, rng.normal(size=b.shape)) for w, b in dense.init(sizes, rng)]
    x, t = rng.normal(size=(n, sizes[0])), rng.normal(size=(n, sizes[-1]))
    theirs = to_torch(params)
    loss = 0.5 * F.mse_loss(
        forward_by_torch(theirs, torch.tensor(x), activation, "sigmoid"), torch.tensor(t), reduction="sum"
    )
    (loss / n).backward()

    a, cache = dense.forward(params, x, activation, output="sigmoid")
    assert dense.half_squared_error(a, t) == pytest.approx(loss.item() / n, rel=1e-12)
    delta = activations.sigmoid_derivative(cache.z[-1]) * dense.half_squared_error_derivative(a, t)
    grads = dense.backward(params, cache, delta)
    assert_grads_close(grads, theirs, f"{activation} {sizes}", rtol=1e-9, atol=1e-13)


@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "softplus", "gelu"])
def test_gradients_agree_with_central_differences(activation):
    rng = np.random.default_rng(3)
    params = [(w, 0.1 * rng.normal(size=b.shape)) for w, b in dense.init((4, 5, 3, 6), rng)]
    x, labels = rng.normal(size=(7, 4)), rng.integers(0, 6, size=7)
    z, cache = dense.forward(params, x, activation)
    grads = dense.backward(params, cache, dense.softmax_cross_entropy_derivative(z, labels))
    for layer in range(3):
        for part in range(2):

            def loss(array, layer=layer, part=part):
                changed = [list(pair) for pair in params]
                changed[layer][part] = array
                return dense.softmax_cross_entropy(dense.forward(changed, x, activation)[0], labels)

            numerical = numerical_gradient(loss, params[layer][part])
            error = relative_error(grads[layer][part], numerical)
            assert error < 1e-7, (
                f"{activation}: {'wb'[part]}_{layer + 1} against central differences: {error}"
            )


@given(
    n=st.integers(1, 6),
    k=st.integers(1, 6),
    scale=st.sampled_from([1e-30, 1.0, 1e4]),
    seed=st.integers(0, 99),
)
@settings(max_examples=60, deadline=None)
def test_softmax_cross_entropy_agrees_with_torch(n, k, scale, seed):
    rng = np.random.default_rng(seed)
    z, labels = scale * rng.normal(size=(n, k)), rng.integers(0, k, size=n)
    z_torch = torch.tensor(z, requires_grad=True)
    loss = F.cross_entropy(z_torch, torch.tensor(labels))
    loss.backward()
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        assert dense.softmax_cross_entropy(z, labels) == pytest.approx(loss.item(), rel=1e-12, abs=1e-12)
        gradient = dense.softmax_cross_entropy_derivative(z, labels)
    np.testing.assert_allclose(gradient, z_torch.grad.numpy(), rtol=1e-9, atol=1e-13, err_msg="cross-entropy")


def test_update_descends_and_leaves_the_old_parameters_alone():
    rng = np.random.default_rng(4)
    params = dense.init((3, 4, 2), rng)
    before = [(w.copy(), b.copy()) for w, b in params]
    x, t = rng.normal(size=(20, 3)), rng.normal(size=(20, 2))
    losses, trained = [], params
    for _ in range(30):
        a, cache = dense.forward(trained, x, "tanh")
        losses.append(dense.half_squared_error(a, t))
        grads = dense.backward(trained, cache, dense.half_squared_error_derivative(a, t))
        trained = dense.update(trained, grads, 0.1)
    assert all(later < earlier for earlier, later in itertools.pairwise(losses))
    for (w, b), (w_before, b_before) in zip(params, before, strict=True):
        np.testing.assert_array_equal(w, w_before)
        np.testing.assert_array_equal(b, b_before)
    w, dw = np.array([[1.0, 2.0]]), np.array([[10.0, -10.0]])
    ((new_w, new_b),) = dense.update([(w, np.array([3.0]))], [(dw, np.array([1.0]))], 0.1)
    np.testing.assert_allclose(new_w, [[0.0, 3.0]])
    np.testing.assert_allclose(new_b, [2.9])


def test_init_has_the_stated_spread_and_is_seeded():
    (w, b), (w2, _) = dense.init((400, 300, 50), np.random.default_rng(0), gain=2.0)
    assert w.shape == (300, 400)
    assert w2.shape == (50, 300)
    assert w.std() == pytest.approx(2 / np.sqrt(400), rel=0.02)
    assert w2.std() == pytest.approx(2 / np.sqrt(300), rel=0.05)
    np.testing.assert_array_equal(b, 0)
    np.testing.assert_array_equal(dense.init((400, 300, 50), np.random.default_rng(0), gain=2.0)[0][0], w)


def test_equal_hidden_units_stay_equal_for_ever():
    rng = np.random.default_rng(5)
    params = [(np.full((4, 3), 0.3), np.zeros(4)), (np.full((2, 4), 0.2), np.zeros(2))]
    x, t = rng.normal(size=(10, 3)), rng.normal(size=(10, 2))
    for _ in range(100):
        a, cache = dense.forward(params, x, "sigmoid")
        params = dense.update(
            params, dense.backward(params, cache, dense.half_squared_error_derivative(a, t)), 0.5
        )
    w, _ = params[0]
    np.testing.assert_allclose(w, np.broadcast_to(w[0], w.shape), rtol=1e-12)
    assert not np.allclose(w[0], 0.3), "the weights did not move: the test shows nothing"


def test_two_steep_sigmoids_make_a_bump():
    # sigmoid(s (x - 0.3)) - sigmoid(s (x - 0.6)) is 1 on (0.3, 0.6) and 0 outside.
    steep = 1000.0
    params = [
        (np.array([[steep], [steep]]), np.array([-0.3 * steep, -0.6 * steep])),
        (np.array([[1.0, -1.0]]), np.zeros(1)),
    ]
    y, _ = dense.forward(params, np.array([[0.0], [0.2], [0.4], [0.5], [0.7], [1.0]]), "sigmoid")
    np.testing.assert_allclose(y[:, 0], [0, 0, 1, 1, 0, 0], atol=1e-12)


def test_layers_without_an_activation_collapse_to_one_matrix():
    rng = np.random.default_rng(6)
    params = dense.init((3, 5, 4, 2), rng)
    x = rng.normal(size=(8, 3))
    w = params[2][0] @ params[1][0] @ params[0][0]
    np.testing.assert_allclose(dense.forward(params, x, "identity")[0], x @ w.T, atol=1e-13)


@pytest.mark.parametrize(
    ("name", "call", "words"),
    [
        (
            "x too wide",
            lambda p: dense.forward(p, np.zeros((1, 3))),
            r"x must have shape \(n, 2\), got \(1, 3\)",
        ),
        ("x a vector", lambda p: dense.forward(p, np.zeros(2)), r"x must have shape \(n, 2\), got \(2,\)"),
        ("no such activation", lambda p: dense.forward(p, np.zeros((1, 2)), "relo"), "sigmoid.*got 'relo'"),
        ("no such output", lambda p: dense.forward(p, np.zeros((1, 2)), output="x"), "got 'x'"),
        ("a derivative", lambda p: dense.forward(p, np.zeros((1, 2)), "tanh_derivative"), "got 'tanh_deriv"),
        ("t a column", lambda p: dense.half_squared_error(np.zeros((3, 1)), np.zeros(3)), r"t must have a's"),
        (
            "t",
            lambda p: dense.half_squared_error_derivative(np.zeros(3), np.zeros((3, 1))),
            r"\(3,\), got \(3, 1\)",
        ),
        (
            "labels",
            lambda p: dense.softmax_cross_entropy(np.zeros((3, 2)), np.zeros((3, 1), int)),
            "labels must",
        ),
        (
            "labels",
            lambda p: dense.softmax_cross_entropy_derivative(np.zeros((3, 2)), np.zeros(2, int)),
            r"labels must have shape \(3,\).*got \(2,\)",
        ),
    ],
)
def test_bad_input_is_named(name, call, words):
    with pytest.raises(ValueError, match=words):
        call(dense.init((2, 3, 1), np.random.default_rng(0)))
