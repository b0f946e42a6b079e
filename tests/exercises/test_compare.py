"""What counts as equal, and how differences are told apart."""

import numpy as np
import pytest
import torch

from course_lib.exercises.compare import Tolerance, compare
from course_lib.exercises.values import clone, count, unchanged

USUAL = Tolerance(1e-5, 1e-7)
STRICT = Tolerance(1e-5, 1e-7, strict=True)
X = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.5]])


def kind(got, expected, tolerance=USUAL):
    found = compare(got, expected, tolerance)
    return found.kind if found else "equal"


@pytest.mark.parametrize(
    ("got", "expected"),
    [
        (X.tolist(), X),
        (tuple(map(tuple, X)), X),
        (torch.tensor(X), X),
        (torch.tensor(X, requires_grad=True), X),
        (torch.tensor(X, dtype=torch.float32), X),
        (torch.tensor(X, dtype=torch.bfloat16), X),
        (torch.tensor(X).to_sparse(), X),
        (X.astype(np.float32), X),
        (X, torch.tensor(X)),
        (np.asfortranarray(X), X),
        (np.float32(0.1), 0.1),
        (torch.tensor(0.1), 0.1),
        (np.array(3), 3),
        (3.0, 3),
        (3, 3.0),
        (True, 1),
        (1, True),
        (np.bool_(False), 0),
        ([True, False], np.array([1, 0])),
        (range(3), [0, 1, 2]),
        ({"a": 1}.values(), [1]),
        ([1, X], (1, X)),
        (np.array([1.0, 2.0]), (1, 2)),
        (((1, 2), X.tolist()), ((1, 2), X)),
        ({"w": [1.0], "b": (2, 3)}, {"b": (2, 3), "w": np.ones(1)}),
        ("relu", "relu"),
        ({1, 2}, {2, 1}),
        (None, None),
        (np.nan, np.nan),
        ([np.inf, 1], [np.inf, 1.0]),
        (np.array(["a", "b"]), np.array(["a", "b"])),
        (np.array(["a", "b"]), ["a", "b"]),
        (1 + 0.5j, 1 + 0.5j),
    ],
)
def test_equal_in_value(got, expected):
    assert kind(got, expected) == "equal"


@pytest.mark.parametrize(
    ("got", "expected", "difference"),
    [
        (None, 3, "none"),
        (3, None, "type"),
        ("3", 3, "type"),
        (3, "3", "type"),
        (object(), X, "type"),
        ([1, [2, 3]], X, "type"),
        (["a"], [1.0], "type"),
        (X + 1j, X, "complex"),
        ((n for n in [1]), [1], "generator"),
        (map(abs, [1]), [1], "generator"),
        ((1, 2), 3, "count"),
        ((X, 1), X, "count"),
        ((X, X), X, "count"),
        (X, (X, X, X), "count"),
        ((1, 2), (1, 2, 3), "count"),
        (5, (1, 2), "count"),
        (X.T, X, "shape"),
        (X[:, :, None], X, "shape"),
        ([3.0], 3.0, "shape"),
        ([1, 2], [1, 2, 3], "shape"),
        ({"a": 1}, {"b": 1}, "keys"),
        ([1], {"b": 1}, "type"),
        ({"a": [1, 2]}, {"a": [1, 3]}, "value"),
        ([np.nan, 1], [0, 1], "nan"),
        ([np.inf, 1], [0, 1], "nan"),
        ([0, 1], [np.nan, 1], "value"),
        (-np.inf, np.inf, "value"),
        (1e300, np.inf, "value"),
        (1e300, -np.inf, "value"),
        (1.001, 1.0, "value"),
        ("ReLU", "relu", "value"),
        ({1, 2}, {2, 3}, "value"),
        ([1], (2,), "value"),
    ],
)
def test_differences_have_a_kind(got, expected, difference):
    assert kind(got, expected) == difference


@pytest.mark.parametrize(
    ("got", "expected"), [(1, True), (2.0, 2), (2, 2.0), ([1.0], [1]), ((1, 2.0), (1, 2))]
)
def test_strict_tells_element_types_apart(got, expected):
    assert kind(got, expected, STRICT) == "dtype"
    assert kind(got, expected) == "equal"


def test_strict_does_not_mind_precision_or_container():
    assert kind(np.float32([1.5]), [1.5], STRICT) == "equal"
    assert kind(torch.tensor([1]), np.array([1]), STRICT) == "equal"


def test_counts_are_exact():
    assert kind(1_000_001, 1_000_000) == "value"
    assert kind(1_000_000.0, 1_000_000) == "equal"
    assert kind(2.9999999996, 3) == "equal"
    assert kind(1_000_000.5, 1_000_000) == "value"
    assert kind(10**12 + 1, 10**12) == "value"


def test_float32_is_given_its_rounding_and_no_more():
    exact = np.array([1.0, 1e-3, 1000.0])
    assert kind((exact * (1 + 5e-5)).astype(np.float32), exact) == "equal"
    assert kind(exact * (1 + 5e-5), exact) == "value"
    assert kind((exact * (1 + 1e-3)).astype(np.float32), exact) == "value"


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("rtol", [0.0, 1e-5])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_infinity_is_equal_to_itself_alone(dtype, rtol):
    right = np.array([np.inf, -np.inf, 1.0], dtype)
    assert kind(right.copy(), right, Tolerance(rtol, 0.0)) == "equal"
    assert kind(np.array([1.0, -np.inf, 1.0], dtype), right, Tolerance(rtol, 0.0)) != "equal"
    assert kind(-right, right, Tolerance(rtol, 0.0)) != "equal"


def test_a_difference_says_where():
    found = compare((1, {"w": X + np.eye(2, 3)}), (1, {"w": X}), USUAL)
    assert found is not None
    assert found.where == ("value 2 of 2", "entry 'w'")
    assert found.index == (0, 0)
    assert (found.got, found.expected, found.wrong, found.total, found.largest) == (2.0, 1.0, 2, 6, 1.0)


@pytest.mark.parametrize(
    ("got", "expected", "note"),
    [
        (X.T, X, "It is the transpose of the right answer."),
        (X.T + 1, X, "The two axes seem to be swapped."),
        (X[0][:, None], X[0], "The numbers are right, but there is an axis of length 1 too many."),
        (X[0], X[:1], "The numbers are right, but there is an axis of length 1 missing."),
        (X[:1].T, X[:1], "It is the transpose of the right answer."),
        (X[0][:, None] + 1, X[0], "There is an axis of length 1 too many."),
        (X[0] - X[0][:, None], X[0], "broadcasting pairs every two entries"),
        (X.sum(axis=0), X, "An axis is missing"),
    ],
)
def test_shapes_are_explained(got, expected, note):
    found = compare(got, expected, USUAL)
    assert found is not None
    assert note in found.note


def test_a_square_transpose_is_seen_too():
    found = compare(X[:, :2].T, X[:, :2], USUAL)
    assert found is not None
    assert found.note == "It is the transpose of the right answer."


def test_an_object_whose_equality_fails_is_different():
    class Odd:
        def __eq__(self, other):
            raise RuntimeError

        __hash__ = None  # type: ignore[assignment]

    odd = Odd()
    assert kind(Odd(), odd) == "value"


def test_copies_are_deep_and_streams_start_alike():
    rng, generator = np.random.default_rng(1), torch.Generator().manual_seed(1)
    inner = np.zeros(2)
    weight = torch.ones(2, requires_grad=True)
    original = ([inner, {"w": weight * 2}], rng, generator, weight)
    one, two = clone(original), clone(original)
    one[0][0][:] = 7
    assert inner.sum() == 0
    assert two[0][0].sum() == 0
    assert one[1].normal() == two[1].normal() == rng.normal()
    assert torch.equal(torch.rand(2, generator=one[2]), torch.rand(2, generator=two[2]))
    assert one[3].requires_grad
    assert one[3] is not weight


@pytest.mark.parametrize(
    ("value", "change"),
    [
        (np.zeros(3), lambda v: v.__setitem__(0, 1)),
        (torch.zeros(3), lambda v: v.add_(1)),
        ([1, [2]], lambda v: v[1].append(3)),
        ([1, 2.0, "a"], lambda v: v.reverse()),
        ({"a": np.zeros(1)}, lambda v: v["a"].__iadd__(1)),
        ({1}, lambda v: v.add(2)),
        (np.zeros((2, 3)), lambda v: v.resize((3, 2), refcheck=False)),
    ],
)
def test_changes_are_seen(value, change):
    copy = clone(value)
    assert unchanged(value, copy)
    change(copy)
    assert not unchanged(value, copy)


def test_not_a_number_is_not_a_change():
    assert unchanged(np.array([np.nan]), np.array([np.nan]))
    assert unchanged([float("nan")], [float("nan")])
    assert not unchanged(np.array([0.0]), np.array([-0.0]))


def test_numbers_are_counted_inside():
    assert count((np.zeros((2, 3)), [1, torch.zeros(4)], {"a": "word"})) == 6 + 1 + 4 + 4
