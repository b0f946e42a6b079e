"""Exercises on networks: two linear layers in one, a bump made of sigmoids, counting dead units."""

import numpy as np

from course_lib.exercises import Exercise, Mistake, case

SECTION = "01_neural_networks/multilayer_perceptrons"
Layer = tuple[np.ndarray, np.ndarray]

# two linear layers in one


def collapse(w1: np.ndarray, b1: np.ndarray, w2: np.ndarray, b2: np.ndarray) -> Layer:
    """The one layer that computes what two linear layers compute."""
    return w2 @ w1, w2 @ b1 + b2


def _layers(d_in: int, hidden: int, d_out: int, seed: int) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(seed)
    shapes = [(hidden, d_in), (hidden,), (d_out, hidden), (d_out,)]
    return tuple(rng.integers(-3, 4, shape).astype(float) for shape in shapes)


COLLAPSE = Exercise(
    id="multilayer_perceptrons/collapse",
    section=SECTION,
    title="Two linear layers are one",
    reference=collapse,
    cases=[
        case(
            np.array([[2.0], [-1.0]]),
            np.array([1.0, 0.0]),
            np.array([[3.0, 1.0]]),
            np.array([5.0]),
            label="1 input, 2 hidden units, 1 output",
        ),
        case(
            np.array([[0.0, 1.0], [1.0, 0.0]]),
            np.array([1.0, 0.0]),
            np.array([[1.0, 2.0], [0.0, 1.0]]),
            np.array([0.0, -1.0]),
            label="two units each",
        ),
        case(*_layers(3, 3, 3, 0), label="three units each"),
        case(*_layers(4, 3, 2, 1), label="4 inputs, 3 hidden units, 2 outputs"),
        case(*_layers(2, 5, 3, 2), label="a wide hidden layer"),
        case(*_layers(4, 1, 4, 3), label="one hidden unit: a bottleneck"),
    ],
    alternatives=[
        lambda w1, b1, w2, b2: (np.einsum("kj,ji->ki", w2, w1), w2.dot(b1) + b2),
        lambda w1, b1, w2, b2: [(w1.T @ w2.T).T, b1 @ w2.T + b2],
    ],
    mistakes=[
        Mistake(
            lambda w1, b1, w2, b2: (w1 @ w2, w2 @ b1 + b2),
            "The matrices are multiplied in the wrong order. The first layer acts first, so it stands next to x: "
            "W2 (W1 x).",
        ),
        Mistake(
            lambda w1, b1, w2, b2: (w2 @ w1, b2),
            "The first bias is lost. It goes through the second layer too: multiply it by W2 and add it.",
        ),
        Mistake(
            lambda w1, b1, w2, b2: (w2 @ w1, w2 @ b1),
            "The second bias is lost: add b2 at the end.",
        ),
        Mistake(
            lambda w1, b1, w2, b2: (w2 @ w1, b1 + b2),
            "The first bias is added as it is. It passes through the second layer: W2 b1, then b2.",
        ),
        Mistake(
            lambda w1, b1, w2, b2: (w2 @ w1, w1 @ b2 + b1),
            "The biases have changed places: b1 belongs to the first layer and is multiplied by W2.",
        ),
        Mistake(
            lambda w1, b1, w2, b2: ((w2 @ w1).T, w2 @ b1 + b2),
            "The weight matrix is transposed. It has a row for each output and a column for each input.",
        ),
        Mistake(
            lambda w1, b1, w2, b2: (w2 + w1, b2 + b1),
            "The layers are added. They act one after the other: put the first into the second.",
        ),
        Mistake(
            lambda w1, b1, w2, b2: (w2 @ b1 + b2, w2 @ w1),
            "The two results have changed places: return the weights first, then the bias.",
        ),
    ],
    hint="Write down W2 (W1 x + b1) + b2, multiply out, and collect what stands in front of x.",
)

# a bump from two sigmoids


def _sigmoid(z: np.ndarray) -> np.ndarray:
    return 0.5 * (1 + np.tanh(z / 2))


def bump(x: np.ndarray, left: float, right: float, height: float, steepness: float) -> np.ndarray:
    """One sigmoid steps up at left, another down at right."""
    return height * (_sigmoid(steepness * (x - left)) - _sigmoid(steepness * (x - right)))


_X = np.linspace(-1.0, 2.0, 13)

BUMP = Exercise(
    id="multilayer_perceptrons/bump",
    section=SECTION,
    title="A bump from two sigmoids",
    reference=bump,
    cases=[
        case(_X, 0.1, 0.9, 1.0, 200.0, label="a steep bump of height 1"),
        case(_X, 0.1, 0.9, 3.0, 200.0, label="height 3"),
        case(_X, -0.4, 1.2, -2.0, 40.0, label="a negative height: a dip"),
        case(_X, 0.1, 0.9, 2.0, 5.0, label="gentle sides"),
        case(_X, 0.3, 0.4, 1.0, 1.0, label="sides wider than the bump"),
        case(np.array([-50.0, 0.5, 50.0]), 0.2, 0.6, 1.5, 1000.0, label="very steep, far away"),
    ],
    alternatives=[
        lambda x, left, right, height, steepness: (
            height / 2 * (np.tanh(steepness * (x - left) / 2) - np.tanh(steepness * (x - right) / 2))
        ),
        lambda x, left, right, height, steepness: (
            height * (_sigmoid(steepness * (x - left)) + _sigmoid(-steepness * (x - right)) - 1)
        ),
    ],
    mistakes=[
        Mistake(
            lambda x, left, right, height, steepness: (
                height * (_sigmoid(steepness * (x - left)) + _sigmoid(steepness * (x - right)))
            ),
            "The sigmoids are added, so the output climbs in two steps and stays up. Subtract the second.",
        ),
        Mistake(
            lambda x, left, right, height, steepness: (
                height * (_sigmoid(steepness * (x - right)) - _sigmoid(steepness * (x - left)))
            ),
            "The bump is upside down: step up at left, then down at right.",
        ),
        Mistake(
            lambda x, left, right, height, steepness: height * _sigmoid(steepness * (x - left)),
            "This steps up at left and never comes down. A second sigmoid has to take the step back at right.",
        ),
        Mistake(
            lambda x, left, right, height, steepness: (
                height * (_sigmoid(steepness * x - left) - _sigmoid(steepness * x - right))
            ),
            "The edges are not multiplied by the steepness, so they have moved close to 0. The argument is "
            "steepness * (x - edge): the bias is -steepness * edge.",
        ),
        Mistake(
            lambda x, left, right, height, steepness: height * (_sigmoid(x - left) - _sigmoid(x - right)),
            "The steepness is not used: the sides have slope 1/4 whatever it is.",
        ),
        Mistake(
            lambda x, left, right, height, steepness: (
                _sigmoid(steepness * (x - left)) - _sigmoid(steepness * (x - right))
            ),
            "The height is not used: the bump has height 1.",
        ),
        Mistake(
            lambda x, left, right, height, steepness: (
                height * _sigmoid(steepness * (x - left)) * _sigmoid(-steepness * (x - right))
            ),
            "The sigmoids are multiplied. That looks the same while the sides are steep, but an output unit can "
            "only add: take the difference.",
        ),
        Mistake(
            lambda x, left, right, height, steepness: height * ((x > left) & (x < right)),
            "This is a box with vertical sides. Make it from two sigmoids: with gentle sides it looks different.",
        ),
    ],
    hint="s(steepness * (x - edge)) is 0 far left of the edge and 1 far right of it. You want 1 only in between.",
)

# counting dead units


def dead_units(x: np.ndarray, w: np.ndarray, b: np.ndarray) -> int:
    """Units whose weighted sum is positive for none of the examples."""
    return int(np.all(x @ w.T + b <= 0, axis=0).sum())


_RNG = np.random.default_rng(7)
_MANY = (_RNG.normal(size=(12, 3)), _RNG.normal(size=(15, 3)), _RNG.normal(size=15) - 1.5)
_CORNERS = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])

DEAD_UNITS = Exercise(
    id="multilayer_perceptrons/dead_units",
    section=SECTION,
    title="Count the dead",
    reference=dead_units,
    cases=[
        case(
            _CORNERS,
            np.array([[1.0, 1.0], [-1.0, -1.0], [1.0, -1.0]]),
            np.array([-0.5, -0.5, 0.0]),
            label="three units, one of them dead",
        ),
        case(_CORNERS, np.array([[1.0, 0.0], [0.0, 1.0]]), np.zeros(2), label="none dead"),
        case(_CORNERS, -np.ones((4, 2)), -np.ones(4), label="all dead"),
        case(
            _CORNERS,
            np.array([[1.0, 1.0], [1.0, 1.0]]),
            np.array([-3.0, -1.5]),
            label="the bias decides; one unit is alive for a single example",
        ),
        case(_CORNERS, np.zeros((2, 2)), np.array([0.0, 1.0]), label="a sum of exactly zero passes no slope"),
        case(np.array([[1.0, -2.0]]), np.array([[1.0, 1.0], [1.0, 0.0]]), np.zeros(2), label="one example"),
        case(*_MANY, label="twelve examples, fifteen units"),
    ],
    alternatives=[
        lambda x, w, b: int(((x @ w.T + b).max(axis=0) <= 0).sum()),
        lambda x, w, b: int((np.maximum(x @ w.T + b, 0).sum(axis=0) == 0).sum()),
        lambda x, w, b: sum(
            not any(row @ unit + bias > 0 for row in x) for unit, bias in zip(w, b, strict=True)
        ),
    ],
    mistakes=[
        Mistake(
            lambda x, w, b: int(np.any(x @ w.T + b <= 0, axis=0).sum()),
            "This counts units that are silent for some example, as nearly all are. A dead one is silent for all.",
        ),
        Mistake(
            lambda x, w, b: int((x @ w.T + b <= 0).sum()),
            "This counts zero entries of the activations, (examples, units). Ask first, unit by unit, whether its "
            "whole column is zero.",
        ),
        Mistake(
            lambda x, w, b: int(np.all(x @ w.T + b <= 0, axis=1).sum()),
            "This counts the examples for which every unit is silent. Go along the other axis: axis=0 runs over "
            "the examples.",
        ),
        Mistake(
            lambda x, w, b: int(np.any(x @ w.T + b > 0, axis=0).sum()),
            "This counts the living. The dead are the others.",
        ),
        Mistake(
            lambda x, w, b: int(np.all(x @ w.T <= 0, axis=0).sum()),
            "The bias is left out. It can kill a unit, or keep it alive.",
        ),
        Mistake(
            lambda x, w, b: int(np.all(x @ w.T + b < 0, axis=0).sum()),
            "A sum of exactly zero counts as alive here. ReLU gives 0 there and passes no slope: use <= 0.",
        ),
        Mistake(
            lambda x, w, b: int(((x @ w.T + b).mean(axis=0) <= 0).sum()),
            "This asks whether the average sum is negative. One example with a positive sum keeps a unit alive.",
        ),
        Mistake(
            lambda x, w, b: float(np.all(x @ w.T + b <= 0, axis=0).mean()),
            "This is the share of dead units. Their number is asked for.",
        ),
    ],
    hint="z = x @ w.T + b has a row for each example and a column for each unit. Which columns are never positive?",
)
