"""Exercises on spreads: the truncated normal's, and the gain that an activation needs."""

import math
from collections.abc import Callable

import numpy as np

from course_lib.exercises import Exercise, Mistake, case
from course_lib.reference.initialization import truncated_normal_std

SECTION = "02_convolutional_networks/initialization"

# the truncated normal


def std_to_draw(wanted: float, cut: float) -> float:
    """Divide by the share of the standard deviation that the cut leaves."""
    return wanted / truncated_normal_std(1.0, cut)


def _density(t: float) -> float:
    return math.exp(-(t**2) / 2) / math.sqrt(2 * math.pi)


def _distribution(t: float) -> float:
    return (1 + math.erf(t / math.sqrt(2))) / 2


def _by_the_formula(wanted: float, cut: float) -> float:
    kept = 2 * _distribution(cut) - 1
    return wanted / math.sqrt(1 - 2 * cut * _density(cut) / kept)


def _numerically(wanted: float, cut: float) -> float:
    """By the midpoint rule, without the formula."""
    t = (np.arange(200_000) + 0.5) / 200_000 * cut
    density = np.exp(-(t**2) / 2)
    return float(wanted / math.sqrt(np.sum(t**2 * density) / np.sum(density)))


def _with_loss(loss: Callable[[float], float], power: float = -0.5) -> Callable[[float, float], float]:
    """A wrong answer, wanted (1 - loss(cut))^power."""

    def answer(wanted: float, cut: float) -> float:
        return float(wanted * abs(1 - loss(cut)) ** power)

    return answer


def _loss(t: float) -> float:
    return 2 * t * _density(t) / (2 * _distribution(t) - 1)


STD_TO_DRAW = Exercise(
    id="initialization/std_to_draw",
    section=SECTION,
    title="Make up for the cut",
    reference=std_to_draw,
    cases=[
        case(1.0, 2.0, label="a standard deviation of 1, cut at two"),
        case(0.02, 2.0, label="a small standard deviation, cut at two"),
        case(1.0, 1.0, label="cut at one standard deviation"),
        case(0.5, 3.0, label="cut at three"),
        case(0.1, 0.5, label="a narrow cut, where the normal is nearly flat"),
        case(2.0, 8.0, label="a cut so far out that it cuts nothing"),
    ],
    alternatives=[_by_the_formula, _numerically],
    mistakes=[
        Mistake(
            lambda wanted, cut: wanted,
            "The cut is ignored. It takes the tails away, and the spread with them.",
        ),
        Mistake(
            _with_loss(_loss, power=0.5),
            "This is the spread that is left, and it goes the wrong way: to end at the wanted spread, divide by it.",
        ),
        Mistake(
            _with_loss(_loss, power=-1.0),
            "This divides by the share of the variance. The share of the standard deviation is its square root.",
        ),
        Mistake(
            _with_loss(lambda t: 2 * t * _density(t)),
            "The kept part is not divided by its probability 2 Phi(t) - 1, so its density does not sum to 1.",
        ),
        Mistake(
            _with_loss(lambda t: t * _density(t) / (2 * _distribution(t) - 1)),
            "A factor 2 is missing: both ends are cut, and each contributes t phi(t).",
        ),
        Mistake(
            _with_loss(lambda t: 2 * t * _density(t) / _distribution(t)),
            "This divides by Phi(t), the probability to lie below t. Between -t and t it is 2 Phi(t) - 1.",
        ),
        Mistake(
            _with_loss(lambda t: _loss(2.0)),
            "This is right for a cut at two standard deviations alone. The correction depends on the cut.",
        ),
        Mistake(
            lambda wanted, cut: wanted / 0.8796,
            "0.8796 is right for a cut at two standard deviations alone, and rounded. The correction depends on the cut: "
            "use the formula.",
        ),
        Mistake(
            _with_loss(lambda t: 2 * _density(t) / (2 * _distribution(t) - 1)),
            "A factor t is missing: the cut takes 2 t phi(t) away.",
        ),
        Mistake(
            lambda wanted, cut: wanted / truncated_normal_std(1.0, cut / wanted),
            "The cut is divided by the wanted spread. It already is given in standard deviations of the normal.",
        ),
    ],
    hint="What is left of a normal of standard deviation 1? The standard deviation you draw with scales it.",
)

# the gain of any activation

Activation = Callable[[np.ndarray], np.ndarray]


def gain(g: Activation, z: np.ndarray) -> float:
    """sqrt(mean z^2 / mean g(z)^2)."""
    return float(np.sqrt(np.mean(z**2) / np.mean(g(z) ** 2)))


def _with_norms(g: Activation, z: np.ndarray) -> float:
    return float(np.linalg.norm(z) / np.linalg.norm(g(z)))


_NORMAL = np.random.default_rng(5).normal(size=400)
_PYTORCH = {"relu": math.sqrt(2), "tanh": 5 / 3}


def _relu(z: np.ndarray) -> np.ndarray:
    return np.maximum(z, 0)


def _leaky(z: np.ndarray) -> np.ndarray:
    return np.where(z > 0, z, 0.2 * z)


def _sigmoid(z: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-z))


def _from_table(g: Activation, z: np.ndarray) -> float:
    """PyTorch's gain, recognised by the activation's values at -1 and 1."""
    below, above = g(np.array([-1.0, 1.0]))
    if below == 0 and above == 1:
        return math.sqrt(2)
    if math.isclose(above, math.tanh(1)):
        return 5 / 3
    return math.sqrt(2 / (1 + below**2)) if above == 1 else 1.0


GAIN = Exercise(
    id="initialization/gain",
    section=SECTION,
    title="The gain of any activation",
    reference=gain,
    cases=[
        case(_relu, np.array([-2.0, -1.0, 1.0, 2.0]), label="ReLU at four values"),
        case(_relu, _NORMAL, label="ReLU, normal pre-activations"),
        case(np.tanh, _NORMAL, label="tanh"),
        case(np.tanh, 0.1 * _NORMAL, label="tanh near zero, where it is nearly linear"),
        case(_leaky, _NORMAL.reshape(20, 20), label="a leaky ReLU, on a batch (20, 20)"),
        case(_sigmoid, 2 * _NORMAL + 0.5, label="the sigmoid, off centre"),
        case(lambda z: z, 3 * _NORMAL, label="no activation at all"),
    ],
    alternatives=[_with_norms, lambda g, z: float(np.sqrt((z * z).sum() / (g(z) * g(z)).sum()))],
    mistakes=[
        Mistake(
            lambda g, z: float(np.sqrt(np.var(z) / np.var(g(z)))),
            "This compares variances. The next sum feels the mean square of g(z), its mean included.",
        ),
        Mistake(
            lambda g, z: float(np.sqrt(np.mean(z**2) / np.var(g(z)))),
            "The variance of g(z) leaves its mean out. The next sum feels the mean square, E[g(z)^2].",
        ),
        Mistake(
            lambda g, z: gain(g, z) ** 2, "This is the factor for the variance. The gain is its square root."
        ),
        Mistake(
            lambda g, z: 1 / gain(g, z),
            "This is how much g shrinks z. The gain makes up for it: turn it over.",
        ),
        Mistake(
            lambda g, z: float(np.sqrt(1 / np.mean(g(z) ** 2))),
            "This is right only where z has mean square 1. Compare the mean square after with the one before.",
        ),
        Mistake(
            lambda g, z: float(np.mean(np.abs(z)) / np.mean(np.abs(g(z)))),
            "This compares mean absolute values. Variances add up, so square first, and take the root at the end.",
        ),
        Mistake(
            _from_table,
            "These are the numbers of PyTorch's table. Measure instead how much of the mean square of these z is left.",
        ),
        Mistake(
            lambda g, z: float(np.sqrt(np.mean(z**2) / np.mean(g(z**2)))),
            "Here g is applied to the squares. Apply g first, and square what comes out.",
        ),
    ],
    hint="Multiply w by a number c, and the next sum's variance by c^2. What must c^2 make up for?",
)

EXERCISES = [STD_TO_DRAW, GAIN]
