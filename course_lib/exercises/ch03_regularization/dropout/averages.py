"""Exercises on what dropout averages: all subnetworks of a softmax layer, and the loss of linear regression."""

import itertools
from collections.abc import Callable

import numpy as np

from course_lib.exercises import Exercise, Mistake, case

SECTION = "03_regularization/dropout"

Means = tuple[np.ndarray, np.ndarray]


def _softmax(z: np.ndarray) -> np.ndarray:
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return np.asarray(e / e.sum(axis=-1, keepdims=True))


def _masks(d: int) -> np.ndarray:
    return np.array(list(itertools.product([0.0, 1.0], repeat=d)))


def _chances(masks: np.ndarray, p: float) -> np.ndarray:
    return np.asarray(np.prod(np.where(masks == 1, 1 - p, p), axis=1))


# the ensemble


def subnets(x: np.ndarray, W: np.ndarray, b: np.ndarray, p: float) -> Means:
    """Run every subnetwork; the geometric mean takes the place of the logarithms' mean."""
    masks = _masks(len(x))
    chance = _chances(masks, p)
    answers = _softmax((masks * x) @ W.T + b)
    return chance @ answers, _softmax(chance @ np.log(answers))


def _with_shortcut(x: np.ndarray, W: np.ndarray, b: np.ndarray, p: float) -> Means:
    arithmetic = np.zeros(len(b))
    for mask in itertools.product([0, 1], repeat=len(x)):
        kept = sum(mask)
        arithmetic += (1 - p) ** kept * p ** (len(x) - kept) * _softmax(W @ (np.array(mask) * x) + b)
    return arithmetic, _softmax((1 - p) * (W @ x) + b)


def _changed(
    chances: Callable[[np.ndarray, float], np.ndarray] = _chances,
    scale: Callable[[float], float] = lambda p: 1.0,
    drops_bias: bool = False,
    normalize: Callable[[np.ndarray], np.ndarray] = lambda g: g / g.sum(),
) -> Callable[..., Means]:
    """A wrong ensemble: other chances, scaled inputs, a bias that is scaled too, or another last step."""

    def answer(x: np.ndarray, W: np.ndarray, b: np.ndarray, p: float) -> Means:
        masks = _masks(len(x))
        chance = chances(masks, p)
        answers = _softmax((masks * x * scale(p)) @ W.T + (b * (1 - p) if drops_bias else b))
        return chance @ answers, normalize(np.exp(chance @ np.log(answers)))

    return answer


def _scaled_twice(x: np.ndarray, W: np.ndarray, b: np.ndarray, p: float) -> Means:
    scaled = _softmax((1 - p) * (W @ x) + b)
    return scaled, scaled


def _layers(rng: np.random.Generator) -> list:
    def made(d: int, k: int, spread: float = 1.5) -> tuple:
        return rng.normal(size=d) + 0.5, spread * rng.normal(size=(k, d)), rng.normal(size=k)

    small, middle, large = made(2, 2), made(4, 3), made(8, 5)
    return [
        case(*small, 0.5, label="two inputs, four subnetworks"),
        case(*middle, 0.5, label="16 subnetworks, all equally likely"),
        case(*middle, 0.2, label="p = 0.2: the whole network is the likeliest"),
        case(*large, 0.7, label="256 subnetworks, p = 0.7"),
        case(*middle, 0.0, label="p = 0: one subnetwork has all the chance"),
    ]


SUBNETS = Exercise(
    id="dropout/subnets",
    section=SECTION,
    title="All subnetworks at once",
    reference=subnets,
    cases=_layers,
    alternatives=[_with_shortcut],
    mistakes=[
        Mistake(
            _changed(chances=lambda masks, p: np.full(len(masks), 1 / len(masks))),
            "Every subnetwork counts the same here. That is right for p = 0.5 only: a mask with k ones of d has the chance "
            "(1 - p)^k p^(d - k).",
        ),
        Mistake(
            _changed(chances=lambda masks, p: _chances(masks, 1 - p)),
            "The chances are those for p as the probability of keeping. Here p is that of dropping.",
        ),
        Mistake(
            _changed(scale=lambda p: 1 / (1 - p)),
            "The inputs that are kept are divided by 1 - p. These are the paper's subnetworks, without a scale.",
        ),
        Mistake(
            _changed(normalize=lambda g: g),
            "The geometric mean is not normalized: its probabilities do not sum to 1. Divide by their sum.",
        ),
        Mistake(
            _scaled_twice,
            "The scaled network is the geometric mean only. The arithmetic mean has to be summed over the subnetworks.",
        ),
        Mistake(
            lambda x, W, b, p: subnets(x, W, b, p)[::-1],
            "The two means are exchanged: return the arithmetic mean first.",
        ),
        Mistake(
            _changed(chances=lambda masks, p: _chances(masks, p) * masks.any(axis=1)),
            "The subnetwork without any input is left out. A mask of zeros is a subnetwork too: it answers with the bias.",
        ),
        Mistake(
            _changed(drops_bias=True),
            "The bias is scaled here. Only inputs are dropped: every subnetwork has the whole bias.",
        ),
    ],
    hint="itertools.product([0, 1], repeat=d) gives the masks. Average probabilities for one mean, logarithms for the other.",
)

# the ridge


def ridge(X: np.ndarray, y: np.ndarray, p: float) -> np.ndarray:
    """Solve the normal equations with p / (1 - p) times the diagonal of X^T X added."""
    gram = X.T @ X
    return np.asarray(np.linalg.solve(gram + p / (1 - p) * np.diag(np.diag(gram)), X.T @ y))


def _by_more_rows(X: np.ndarray, y: np.ndarray, p: float) -> np.ndarray:
    extra = np.diag(np.sqrt(p / (1 - p) * (X**2).sum(axis=0)))
    rows, targets = np.vstack([X, extra]), np.concatenate([y, np.zeros(X.shape[1])])
    return np.asarray(np.linalg.lstsq(rows, targets, rcond=None)[0])


def _penalized(
    penalty: Callable[[np.ndarray, float], np.ndarray], times: float | None = None
) -> Callable[..., np.ndarray]:
    """A wrong answer: another matrix added to X^T X."""

    def answer(X: np.ndarray, y: np.ndarray, p: float) -> np.ndarray:
        factor = p / (1 - p) if times is None else times
        return np.asarray(np.linalg.solve(X.T @ X + factor * penalty(X, p), X.T @ y))

    return answer


def _regressions(rng: np.random.Generator) -> list:
    X = rng.normal(size=(12, 3)) @ np.array([[1.0, 0.6, 0.0], [0.0, 1.0, -0.4], [0.3, 0.0, 1.0]])
    y = X @ np.array([1.0, -2.0, 0.5]) + 0.3 * rng.normal(size=12)
    wide = rng.uniform(0, 1, size=(30, 6))
    target = wide @ rng.normal(size=6) + 0.1 * rng.normal(size=30)
    return [
        case(X, y, 0.5, label="three inputs, p = 0.5"),
        case(X, y, 0.2, label="p = 0.2"),
        case(X, y, 0.0, label="p = 0 is least squares"),
        case(X * np.array([10.0, 1.0, 1.0]), y, 0.2, label="one input in other units"),
        case(wide, target, 0.8, label="six inputs, p = 0.8"),
    ]


RIDGE = Exercise(
    id="dropout/ridge",
    section=SECTION,
    title="The weights that dropout looks for",
    reference=ridge,
    cases=_regressions,
    alternatives=[_by_more_rows],
    mistakes=[
        Mistake(
            _penalized(lambda X, p: np.eye(X.shape[1])),
            "Every weight pays the same here: that is plain weight decay. Under dropout weight j pays with the sum of the "
            "squares of input j.",
        ),
        Mistake(
            _penalized(lambda X, p: p * np.diag((X**2).sum(axis=0)), times=1.0),
            "The factor is p here. The variance of m / q is p / q with q = 1 - p.",
        ),
        Mistake(
            _penalized(lambda X, p: p * (1 - p) * np.diag((X**2).sum(axis=0)), times=1.0),
            "The factor p (1 - p) is the variance of the mask itself. Inverted dropout divides the mask by 1 - p, and its "
            "variance by the square of that.",
        ),
        Mistake(
            _penalized(
                lambda X, p: (1 - p) / p * np.diag((X**2).sum(axis=0)) if p else 0 * X.T @ X, times=1.0
            ),
            "The factor is the wrong way up: more dropout is more penalty, so it is p / (1 - p).",
        ),
        Mistake(
            _penalized(lambda X, p: np.diag((X**2).mean(axis=0))),
            "The penalty uses the mean of the squares of an input, while the error is summed over the examples. Sum both.",
        ),
        Mistake(
            _penalized(lambda X, p: X.T @ X),
            "All of X^T X is added, which only shrinks every weight by 1 - p. The inputs are dropped independently, so only "
            "the diagonal is penalized.",
        ),
        Mistake(
            _penalized(lambda X, p: 0 * X.T @ X),
            "These are the weights of least squares, whatever p is. The noise of dropout adds a penalty.",
        ),
        Mistake(
            lambda X, y, p: np.linalg.lstsq((1 - p) * X, y, rcond=None)[0],
            "These are the weights of least squares divided by 1 - p: inputs that are all made smaller, and none dropped. What "
            "counts is the variance of the masks.",
        ),
        Mistake(
            lambda X, y, p: (1 - p) * ridge(X, y, p),
            "Right up to the factor 1 - p. With inverted dropout the network is used afterwards as it is: do not scale the "
            "weights.",
        ),
        Mistake(
            lambda X, y, p: ridge(X, y, p) / (1 - p),
            "Right up to the factor 1 / (1 - p): these are the weights for masks without a scale. Here the masks are inverted, "
            "and the scale is in the inputs.",
        ),
        Mistake(
            _penalized(lambda X, p: np.diag(X.var(axis=0) * len(X))),
            "The inputs' means are subtracted here. Dropping sets an input to zero, not to its mean: the plain squares count.",
        ),
    ],
    hint="Set the gradient of the expected loss to zero. Which diagonal matrix stands beside X.T @ X?",
)

EXERCISES = [SUBNETS, RIDGE]
