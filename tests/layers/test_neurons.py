"""McCullochPitts against truth tables; Perceptron against scikit-learn's and against Novikoff's bound."""

import itertools
import math
import warnings

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_digits
from sklearn.linear_model import Perceptron as SklearnPerceptron

from course_lib import layers

SQUARE = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
GATES = {  # gate: weights, threshold, outputs on SQUARE
    "and": ([1, 1], 1.5, [0, 0, 0, 1]),
    "or": ([1, 1], 0.5, [0, 1, 1, 1]),
    "nand": ([-1, -1], -1.5, [1, 1, 1, 0]),
    "nor": ([-1, -1], -0.5, [1, 0, 0, 0]),
    "x1 and not x2": ([1, -1], 0.5, [0, 0, 1, 0]),
}
XOR = torch.tensor([0, 1, 1, 0])


@pytest.mark.parametrize("gate", GATES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.int64, torch.bool], ids=str)
def test_gates(gate, dtype):
    weights, threshold, outputs = GATES[gate]
    y = layers.McCullochPitts(weights, threshold)(SQUARE.to(dtype))
    assert y.dtype == dtype, f"McCullochPitts {gate}"
    assert y.long().tolist() == outputs, f"McCullochPitts {gate}"


def test_the_threshold_itself_is_not_enough():
    unit = layers.McCullochPitts([1, 1], 2)
    assert unit(torch.tensor([[1.0, 1.0], [1.0, 1.5]])).tolist() == [0, 1]


def test_two_layers_of_nands_make_xor():
    nand = layers.McCullochPitts([-1, -1], -1.5)
    x1, x2 = SQUARE[:, 0], SQUARE[:, 1]
    both = nand(torch.stack([x1, x2], dim=-1))
    left, right = nand(torch.stack([x1, both], dim=-1)), nand(torch.stack([x2, both], dim=-1))
    assert nand(torch.stack([left, right], dim=-1)).tolist() == XOR.tolist()


def test_no_single_unit_makes_xor():
    grid = torch.linspace(-2, 2, 9).tolist()
    made = {
        tuple(layers.McCullochPitts([w1, w2], threshold)(SQUARE).int().tolist())
        for w1, w2, threshold in itertools.product(grid, grid, grid)
    }
    assert len(made) == 14  # all 16 functions of two bits but XOR and its negation
    assert tuple(XOR.tolist()) not in made


@given(
    weights=st.lists(st.integers(-8, 8), min_size=1, max_size=6),
    threshold=st.integers(-20, 20),
    lead=st.lists(st.integers(0, 3), max_size=3),
    seed=st.integers(0, 99),
)
@settings(max_examples=60, deadline=None)
def test_a_unit_of_any_size_agrees_with_numpy(weights, threshold, lead, seed):
    x = np.random.default_rng(seed).integers(-3, 4, size=(*lead, len(weights)))
    y = layers.McCullochPitts(weights, threshold)(torch.tensor(x))
    assert y.shape == tuple(lead)
    np.testing.assert_array_equal(y.numpy(), (x @ np.array(weights) > threshold).astype(int))


def test_mcculloch_pitts_state_and_repr():
    unit = layers.McCullochPitts(torch.tensor([2.0, -1.0]), 0.5)
    assert repr(unit) == "McCullochPitts(weights=[2.0, -1.0], threshold=0.5)"
    other = layers.McCullochPitts([0, 0], 0)
    other.load_state_dict(unit.state_dict())
    assert list(unit.state_dict()) == ["weights", "threshold"]
    assert other(SQUARE).tolist() == unit(SQUARE).tolist() == [0, 0, 1, 1]
    assert not list(unit.parameters()), "nothing in it learns"


def test_mcculloch_pitts_keeps_its_own_copy_of_the_weights():
    weights = torch.tensor([1.0, 1.0])
    unit = layers.McCullochPitts(weights, 1.5)
    weights.zero_()
    assert unit(SQUARE).tolist() == [0, 0, 0, 1]


def by_sklearn(x, y, epochs, learning_rate=1.0):
    model = SklearnPerceptron(shuffle=False, tol=None, penalty=None, max_iter=epochs, eta0=learning_rate)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(x, y)
    return model


@st.composite
def labelled_points(draw):
    """Points on a grid (so that all sums are exact) with both labels, separable or not."""
    m, n = draw(st.integers(2, 12)), draw(st.integers(1, 4))
    rows = st.lists(st.integers(-6, 6), min_size=n, max_size=n)
    x = draw(st.lists(rows, min_size=m, max_size=m))
    low, high = draw(st.sampled_from([(0, 1), (-1, 1)]))
    y = draw(st.lists(st.sampled_from([low, high]), min_size=m - 2, max_size=m - 2))
    return np.array(x) / 2, np.array([low, *y, high])


@given(points=labelled_points(), learning_rate=st.sampled_from([0.25, 1.0, 2.0]))
@settings(max_examples=60, deadline=None)
def test_every_epoch_agrees_with_scikit_learn(points, learning_rate):
    x, y = points
    ours = layers.Perceptron(x.shape[1], dtype=torch.float64)
    for epoch in range(1, 6):
        ours.fit(torch.tensor(x), torch.tensor(y), epochs=1, learning_rate=learning_rate)
        theirs = by_sklearn(x, y, epoch, learning_rate)
        message = f"Perceptron after epoch {epoch} against scikit-learn, x={x.tolist()}, y={y.tolist()}"
        np.testing.assert_array_equal(ours.weight.numpy(), theirs.coef_[0], err_msg=message)
        np.testing.assert_array_equal(ours.bias.numpy(), theirs.intercept_[0], err_msg=message)
        decision = ours.decision_function(torch.tensor(x))
        np.testing.assert_array_equal(decision.numpy(), theirs.decision_function(x), err_msg=message)
        np.testing.assert_array_equal(
            ours(torch.tensor(x)).numpy(), theirs.predict(x) == y.max(), err_msg=message
        )
        assert ours.mistakes[-1] > 0 or np.array_equal(theirs.predict(x), y), message


def test_zeros_against_ones_of_the_digits_agree_with_scikit_learn():
    x, y = load_digits(n_class=2, return_X_y=True)
    ours = layers.Perceptron(64, dtype=torch.float64).fit(torch.tensor(x), torch.tensor(y), epochs=20)
    theirs = by_sklearn(x, y, 20)
    np.testing.assert_allclose(ours.weight.numpy(), theirs.coef_[0], rtol=1e-12)
    np.testing.assert_allclose(ours.bias.numpy(), theirs.intercept_[0], rtol=1e-12)
    assert ours.mistakes[-1] == 0
    assert torch.equal(ours(torch.tensor(x)), torch.tensor(y))


@st.composite
def separable_points(draw):
    """Points, labels, and a hyperplane (w, b) that separates them, in integers."""
    n = draw(st.integers(1, 3))
    numbers = st.integers(-5, 5)
    separator = np.array(draw(st.lists(numbers, min_size=n + 1, max_size=n + 1)))
    x = np.array(draw(st.lists(st.lists(numbers, min_size=n, max_size=n), min_size=2, max_size=15)))
    side = np.hstack([x, np.ones((len(x), 1))]) @ separator
    assume((side != 0).all())
    return x.astype(float), (side > 0).astype(int), separator


@given(points=separable_points(), learning_rate=st.sampled_from([0.5, 1.0, 8.0]))
@settings(max_examples=100, deadline=None)
def test_mistakes_stay_below_novikoffs_bound(points, learning_rate):
    x, y, separator = points
    augmented = np.hstack([x, np.ones((len(x), 1))])  # the bias is the weight of an input that is always 1
    radius = np.linalg.norm(augmented, axis=1).max()
    margin = (np.where(y == 1, 1, -1) * (augmented @ separator)).min() / np.linalg.norm(separator)
    bound = (radius / margin) ** 2
    assume(bound < 400)
    model = layers.Perceptron(x.shape[1], dtype=torch.float64)
    model.fit(
        torch.tensor(x), torch.tensor(y), epochs=math.floor(bound + 1e-9) + 1, learning_rate=learning_rate
    )
    message = f"Perceptron: {model.total_mistakes} mistakes, bound {bound}, x={x.tolist()}, y={y.tolist()}"
    assert model.total_mistakes <= bound + 1e-9, message
    assert model.mistakes[-1] == 0, f"not converged: {message}"
    assert torch.equal(model(torch.tensor(x)), torch.tensor(y)), message
    assert model.total_mistakes == sum(model.mistakes)


def test_the_bound_is_reached():
    # One point is a mistake at zero weights and never again; with w = (x, 1), R / gamma is 1.
    model = layers.Perceptron(1).fit(torch.tensor([[3.0]]), torch.tensor([1]), epochs=5)
    assert model.mistakes == [1, 0]


def test_xor_goes_round_in_a_circle():
    model, seen = layers.Perceptron(2), []
    for _ in range(12):
        model.fit(SQUARE, XOR, epochs=1)
        seen.append((*model.weight.tolist(), model.bias.item()))
    assert model.mistakes[-6:] == [4] * 6
    assert seen[-1] == seen[-2], "an epoch no longer returns to where it began"
    assert (model(SQUARE) != XOR).any()


@pytest.mark.parametrize("gate", GATES)
def test_the_rule_finds_every_gate(gate):
    outputs = torch.tensor(GATES[gate][2])
    model = layers.Perceptron(2).fit(SQUARE, outputs, epochs=50)
    assert torch.equal(model(SQUARE), outputs), f"Perceptron {gate}"
    assert model.mistakes[-1] == 0
    assert len(model.mistakes) < 50, "stops after the first epoch without a mistake"


def test_the_learning_rate_changes_nothing_but_the_scale():
    x, y = torch.randn(30, 3, generator=torch.Generator().manual_seed(0)).double(), torch.arange(30) % 2
    one = layers.Perceptron(3, dtype=torch.float64).fit(x, y, epochs=5)
    eight = layers.Perceptron(3, dtype=torch.float64).fit(x, y, epochs=5, learning_rate=8.0)
    assert one.mistakes == eight.mistakes
    torch.testing.assert_close(eight.weight, one.weight * 8, rtol=0, atol=0)


def test_one_update_by_hand():
    model = layers.Perceptron(2)
    x = torch.tensor([3.0, -1.0])
    assert model.update(x, 0) is True  # w.x + b = 0 counts as a mistake
    assert model.weight.tolist() == [-3.0, 1.0]
    assert model.bias.item() == -1.0
    assert model.update(x, -1) is False
    assert model.update(x, 1, learning_rate=0.5) is True
    assert model.weight.tolist() == [-1.5, 0.5]
    assert model.bias.item() == -0.5


def test_shuffling_is_seeded_and_visits_every_example_once():
    x, y = torch.randn(40, 2, generator=torch.Generator().manual_seed(1)), torch.arange(40) % 2

    def weights(seed):
        model = layers.Perceptron(2)
        model.fit(x, y, epochs=3, shuffle=True, generator=torch.Generator().manual_seed(seed))
        return model.weight.tolist()

    assert weights(0) == weights(0)
    assert weights(0) != weights(1)
    assert weights(0) != layers.Perceptron(2).fit(x, y, epochs=3).weight.tolist()
    order = torch.randperm(40, generator=torch.Generator().manual_seed(0))
    by_hand = layers.Perceptron(2).fit(x[order], y[order], epochs=1)
    shuffled = layers.Perceptron(2)
    shuffled.fit(x, y, epochs=1, shuffle=True, generator=torch.Generator().manual_seed(0))
    assert torch.equal(by_hand.weight, shuffled.weight)


def test_fit_continues_and_reset_forgets():
    x, y = torch.randn(40, 2, generator=torch.Generator().manual_seed(2)), torch.arange(40) % 2
    at_once = layers.Perceptron(2).fit(x, y, epochs=4)
    in_parts = layers.Perceptron(2).fit(x, y, epochs=1).fit(x, y, epochs=3)
    assert at_once.mistakes == in_parts.mistakes
    assert torch.equal(at_once.weight, in_parts.weight)
    in_parts.reset_parameters()
    assert (in_parts.mistakes, in_parts.total_mistakes) == ([], 0)
    assert not in_parts.weight.any()
    assert not in_parts.bias.any()


def test_perceptron_state_and_shapes():
    model = layers.Perceptron(3)
    assert repr(model) == "Perceptron(in_features=3)"
    assert {name: tuple(p.shape) for name, p in model.state_dict().items()} == {"weight": (3,), "bias": ()}
    assert not any(p.requires_grad for p in model.parameters())
    model.fit(torch.eye(3, dtype=torch.int64), torch.tensor([-1, 1, -1]))  # integers are points too
    other = layers.Perceptron(3)
    other.load_state_dict(model.state_dict())
    x = torch.randn(2, 5, 3)
    assert torch.equal(other(x), model(x))
    assert (model(x).shape, model(x).dtype) == ((2, 5), torch.int64)
    assert model(x[0, 0]).shape == ()
    assert model(torch.zeros(0, 3)).shape == (0,)


X, Y = torch.zeros(4, 2), torch.tensor([0, 1, 0, 1])


@pytest.mark.parametrize(
    ("error", "call", "words"),
    [
        (
            ValueError,
            lambda: layers.McCullochPitts([], 0),
            r"weights must be one row of numbers, got shape \(0,\)",
        ),
        (
            ValueError,
            lambda: layers.McCullochPitts([[1.0]], 0),
            r"weights must be one row of numbers, got shape \(1, 1\)",
        ),
        (
            ValueError,
            lambda: layers.McCullochPitts([1], [1, 2]),
            r"threshold must be one number, got shape \(2,\)",
        ),
        (ValueError, lambda: layers.McCullochPitts([math.nan], 1), "weights must be finite, got 1 entries"),
        (ValueError, lambda: layers.McCullochPitts([1], math.nan), "threshold must be finite, got 1 entries"),
        (
            ValueError,
            lambda: layers.McCullochPitts([1, 1], 1)(torch.ones(2, 3)),
            r"shape \(..., 2\), got \(2, 3\)",
        ),
        (
            ValueError,
            lambda: layers.McCullochPitts([1, 1], 1)(torch.ones(2, 1)),
            r"shape \(..., 2\), got \(2, 1\)",
        ),
        (ValueError, lambda: layers.McCullochPitts([1], 1)(torch.tensor(1.0)), r"shape \(..., 1\), got \(\)"),
        (ValueError, lambda: layers.McCullochPitts([1], 1)(torch.tensor([math.nan])), "input must be finite"),
        (TypeError, lambda: layers.McCullochPitts([1], 1)([1.0]), "input must be a torch.Tensor, got list"),
        (ValueError, lambda: layers.Perceptron(0), "in_features must be 1 or more, got 0"),
        (TypeError, lambda: layers.Perceptron(1.0), "in_features must be an integer, got 1.0"),
        (ValueError, lambda: layers.Perceptron(2)(torch.zeros(3)), r"shape \(..., 2\), got \(3,\)"),
        (ValueError, lambda: layers.Perceptron(1)(torch.tensor([math.inf])), "input must be finite"),
        (TypeError, lambda: layers.Perceptron(2).fit(X.numpy(), Y), "x must be a torch.Tensor, got ndarray"),
        (TypeError, lambda: layers.Perceptron(2).fit(X, [0, 1, 0, 1]), "y must be a torch.Tensor, got list"),
        (ValueError, lambda: layers.Perceptron(3).fit(X, Y), r"x must have shape \(m, 3\) .* got \(4, 2\)"),
        (ValueError, lambda: layers.Perceptron(2).fit(X[0], Y), r"x must have shape \(m, 2\) .* got \(2,\)"),
        (ValueError, lambda: layers.Perceptron(2).fit(X[:0], Y[:0]), r"m > 0, got \(0, 2\)"),
        (ValueError, lambda: layers.Perceptron(2).fit(X / 0, Y), "x must be finite, got 8 entries"),
        (ValueError, lambda: layers.Perceptron(2).fit(X, Y[:3]), r"y must have shape \(4,\), .* got \(3,\)"),
        (
            ValueError,
            lambda: layers.Perceptron(2).fit(X, Y[:, None]),
            r"y must have shape \(4,\), .* got \(4, 1\)",
        ),
        (
            ValueError,
            lambda: layers.Perceptron(2).fit(X, Y + 1),
            r"labels 0 and 1, or -1 and 1, got \[1, 2\]",
        ),
        (ValueError, lambda: layers.Perceptron(2).fit(X, torch.tensor([-1, 0, 1, 1])), r"got \[-1, 0, 1\]"),
        (ValueError, lambda: layers.Perceptron(2).fit(X, Y, epochs=0), "epochs must be 1 or more, got 0"),
        (
            ValueError,
            lambda: layers.Perceptron(2).fit(X, Y, learning_rate=0),
            "rate must be greater than 0, got 0",
        ),
        (ValueError, lambda: layers.Perceptron(2).update(X, 1), r"one x and a y .* got \(4, 2\) and 1"),
        (
            ValueError,
            lambda: layers.Perceptron(2).update(X[0], 2),
            r"y of -1, 0 or 1 expected, got \(2,\) and 2",
        ),
    ],
)
def test_bad_input_is_named(error, call, words):
    with pytest.raises(error, match=f"^(McCullochPitts|Perceptron): .*{words}"):
        call()
