"""The teaching autograd engine against PyTorch's."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.reference import dense
from course_lib.reference.autograd import Value

UNARY = {
    "neg": lambda x: -x,
    "exp": lambda x: x.exp(),
    "tanh": lambda x: x.tanh(),
    "sigmoid": lambda x: x.sigmoid(),
    "relu": lambda x: x.relu(),
    "square": lambda x: x**2,
    "cube": lambda x: x**3,
    "log of a positive": lambda x: (x * x + 0.5).log(),
    "root of a positive": lambda x: (x * x + 0.5) ** 0.5,
    "plus a number": lambda x: 3.0 + x,
    "times a number": lambda x: 0.5 * x,
    "a number minus": lambda x: 2.0 - x,
    "a number over": lambda x: 1.5 / (x * x + 1.0),
}
BINARY = {
    "+": lambda x, y: x + y,
    "-": lambda x, y: x - y,
    "*": lambda x, y: x * y,
    "/": lambda x, y: x / (y * y + 1.0),
}
LEAF_SHAPES = [(), (1,), (3,), (1, 3), (2, 1), (2, 3), (4, 1, 1), (4, 2, 3)]  # all broadcast together


def assert_same(leaves, theirs, name, rtol=1e-9):
    for index, (ours, torchs) in enumerate(zip(leaves, theirs, strict=True)):
        expected = np.zeros(ours.shape) if torchs.grad is None else torchs.grad.numpy()
        got = np.zeros(ours.shape) if ours.grad is None else ours.grad
        assert got.shape == ours.shape, f"{name}: gradient of leaf {index} has shape {got.shape}"
        scale = max(1.0, float(np.abs(expected).max(initial=0.0)))
        np.testing.assert_allclose(
            got, expected, rtol, 1e-10 * scale, err_msg=f"{name}: leaf {index} against torch autograd"
        )


def pair(arrays):
    ours = [Value(array) for array in arrays]
    return ours, [torch.tensor(array, dtype=torch.float64, requires_grad=True) for array in arrays]


@st.composite
def programs(draw):
    """Leaves and a list of operations; each operand is any earlier result, so values are used many times."""
    shapes = draw(st.lists(st.sampled_from(LEAF_SHAPES), min_size=1, max_size=4))
    steps, available = [], len(shapes)
    for _ in range(draw(st.integers(1, 12))):
        if draw(st.booleans()):
            steps.append((draw(st.sampled_from(sorted(UNARY))), draw(st.integers(0, available - 1)), None))
        else:
            operands = draw(st.integers(0, available - 1)), draw(st.integers(0, available - 1))
            steps.append((draw(st.sampled_from(sorted(BINARY))), *operands))
        available += 1
    return shapes, steps, draw(st.integers(0, 2**16))


def run(leaves, steps):
    values = list(leaves)
    for operation, i, j in steps:
        # A tanh between keeps values in range, whatever hypothesis stacks up.
        result = UNARY[operation](values[i]) if j is None else BINARY[operation](values[i], values[j])
        values.append(result.tanh())
    total = values[-1].sum()
    for value in values[:-1]:
        total = total + value.mean() * 0.3
    return total


@given(program=programs())
@settings(max_examples=200, deadline=None)
def test_random_expressions_agree_with_torch(program):
    shapes, steps, seed = program
    rng = np.random.default_rng(seed)
    ours, theirs = pair([rng.normal(size=shape) for shape in shapes])
    result, expected = run(ours, steps), run(theirs, steps)
    assert float(result.data) == pytest.approx(expected.item(), rel=1e-10, abs=1e-12)
    result.backward()
    expected.backward()
    assert_same(ours, theirs, f"{steps} on {shapes}")


@pytest.mark.parametrize("name", UNARY)
def test_each_operation_of_one_value(name):
    ours, theirs = pair([np.array([[-1.3, 0.0, 0.4], [2.0, -0.2, 1.0]])])
    UNARY[name](ours[0]).sum().backward()
    UNARY[name](theirs[0]).sum().backward()
    assert_same(ours, theirs, name, rtol=1e-12)


@pytest.mark.parametrize("name", BINARY)
@pytest.mark.parametrize("left", LEAF_SHAPES)
@pytest.mark.parametrize("right", LEAF_SHAPES)
def test_each_operation_of_two_values_broadcasts(name, left, right):
    rng = np.random.default_rng(0)
    ours, theirs = pair([rng.normal(size=left), rng.normal(size=right)])
    BINARY[name](*ours).exp().sum().backward()
    BINARY[name](*theirs).exp().sum().backward()
    assert_same(ours, theirs, f"{left} {name} {right}")


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ((2, 3), (3, 4)),
        ((1, 3), (3, 1)),
        ((5, 2, 3), (3, 4)),
        ((2, 3), (5, 3, 4)),
        ((5, 1, 2, 3), (6, 3, 4)),
        ((0, 3), (3, 2)),
    ],
)
def test_matrix_product_broadcasts_over_leading_axes(left, right):
    rng = np.random.default_rng(1)
    ours, theirs = pair([rng.normal(size=left), rng.normal(size=right)])
    (ours[0] @ ours[1]).tanh().sum().backward()
    (theirs[0] @ theirs[1]).tanh().sum().backward()
    assert_same(ours, theirs, f"{left} @ {right}")


@pytest.mark.parametrize("method", ["sum", "mean"])
@pytest.mark.parametrize("axis", [None, 0, 1, -1, (0, 2), (0, 1, 2)])
@pytest.mark.parametrize("keepdims", [False, True])
def test_reductions(method, axis, keepdims):
    ours, theirs = pair([np.random.default_rng(2).normal(size=(2, 3, 4))])
    result = getattr(ours[0], method)(axis, keepdims)
    expected = getattr(theirs[0], method)(dim=(0, 1, 2) if axis is None else axis, keepdim=keepdims)
    assert result.shape == tuple(expected.shape), f"{method} axis={axis} keepdims={keepdims}"
    np.testing.assert_allclose(result.data, expected.detach().numpy(), atol=1e-14)
    (result**2).sum().backward()
    (expected**2).sum().backward()
    assert_same(ours, theirs, f"{method} axis={axis} keepdims={keepdims}")


def test_reshape_and_transpose():
    ours, theirs = pair([np.random.default_rng(3).normal(size=(2, 6)), np.arange(4.0).reshape(4, 1)])
    (ours[0].reshape(3, -1).T * ours[1]).exp().sum().backward()
    (theirs[0].reshape(3, -1).T * theirs[1]).exp().sum().backward()
    assert_same(ours, theirs, "reshape, T")


def test_arrays_and_numbers_on_the_left_and_right():
    array = np.array([[1.0, 2.0], [3.0, 4.0]])
    for name, operation in {
        "array + value": lambda x, c: (c + x) * (x + c),
        "array - value": lambda x, c: (c - x) * (x - c),
        "array / value": lambda x, c: c / x + x / c,
        "array @ value": lambda x, c: c @ x + x @ c,
        "float64 * value": lambda x, c: (
            x * np.float64(2) if isinstance(x, torch.Tensor) else np.float64(2) * x
        ),
    }.items():
        ours, theirs = pair([array + 0.5])
        result = operation(ours[0], array)
        assert isinstance(result, Value), f"{name} made a {type(result).__name__}"
        result.sum().backward()
        operation(theirs[0], torch.tensor(array)).sum().backward()
        assert_same(ours, theirs, name)


@pytest.mark.parametrize("exponent", [0, 1, 2, -1, 0.5, 3.7])
def test_powers_with_zero_in_the_base(exponent):
    base = np.array([0.0, 1.0, 2.5]) if exponent >= 1 or exponent == 0 else np.array([0.3, 1.0, 2.5])
    ours, theirs = pair([base])
    (ours[0] ** exponent).sum().backward()
    (theirs[0] ** exponent).sum().backward()
    assert_same(ours, theirs, f"** {exponent}")


def test_sigmoid_does_not_overflow():
    x = Value(np.array([-1e4, 1e4]))
    with np.errstate(over="raise", invalid="raise"):
        x.sigmoid().sum().backward()
    np.testing.assert_array_equal(x.grad, [0, 0])


def test_a_value_used_twice_receives_both_gradients():
    x = Value(3.0)
    y = x * x  # the same parent twice in one operation
    z = y + x + y  # and one value in several operations
    z.backward()
    assert float(x.grad) == 2 * 2 * 3 + 1
    assert float(y.grad) == 2


def test_a_diamond_is_passed_once_in_each_direction():
    x = Value(1.0)
    y = x
    for _ in range(60):  # 2**60 paths from end to start
        y = y + y
    y.backward()
    assert float(x.grad) == 2.0**60


def test_gradients_add_up_over_calls_and_intermediate_ones_do_not_count_double():
    x = Value(2.0)
    y = x * 5.0
    z = y * y
    z.backward()
    once = float(x.grad)
    z.backward()
    assert (once, float(x.grad)) == (100.0, 200.0)
    x.grad = None
    z.backward()
    assert float(x.grad) == 100.0


def test_gradients_share_no_memory():
    x, y = Value(np.ones(3)), Value(np.ones(3))
    (x + y).sum().backward()
    x.grad *= 100
    np.testing.assert_array_equal(y.grad, 1)


def test_a_long_chain_needs_no_recursion():
    x = Value(1.0)
    y = x
    for _ in range(20_000):
        y = y * 1.0 + 0.0
    y.backward()
    assert float(x.grad) == 1
    del y  # nor does letting go of it


def test_values_that_the_result_does_not_need_keep_no_gradient():
    x, unused = Value(1.0), Value(1.0)
    (x * 2.0).backward()
    assert unused.grad is None


def test_a_net_trained_with_the_engine_follows_the_hand_written_backward_pass():
    rng = np.random.default_rng(7)
    params = dense.init((3, 8, 2), rng)
    x, t = rng.normal(size=(16, 3)), rng.normal(size=(16, 2))
    values = [(Value(w), Value(b)) for w, b in params]
    for _ in range(20):
        a, cache = dense.forward(params, x, "tanh")
        params = dense.update(
            params, dense.backward(params, cache, dense.half_squared_error_derivative(a, t)), 0.2
        )
        hidden = (Value(x) @ values[0][0].T + values[0][1]).tanh()
        error = hidden @ values[1][0].T + values[1][1] - t
        ((error**2).sum() * (0.5 / len(x))).backward()
        values = [tuple(Value(v.data - 0.2 * v.grad) for v in layer) for layer in values]
    for ours, theirs in zip(values, params, strict=True):
        for value, array in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(value.data, array, rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize(
    ("error", "call", "words"),
    [
        (ValueError, lambda x: x.backward(), r"one number, got shape \(2, 2\)"),
        (ValueError, lambda x: x @ Value(np.ones(2)), r"rank 2 or more, got shapes \(2, 2\) and \(2,\)"),
        (ValueError, lambda x: np.ones(2) @ x, "rank 2 or more"),
        (TypeError, lambda x: x**x, "exponent must be a number, got Value"),
        (ValueError, lambda x: x + np.ones(3), "broadcast"),
    ],
)
def test_bad_use_is_named(error, call, words):
    with pytest.raises(error, match=words):
        call(Value(np.ones((2, 2))))


def test_repr_shows_data_and_gradient():
    x = Value([1.0, 2.0])
    assert repr(x) == "Value([1. 2.], grad=None)"
    x.sum().backward()
    assert repr(x) == "Value([1. 2.], grad=[1. 1.])"
