"""The exercises on heads that need no gradient descent: class means, and ridge regression."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "07_transfer_learning/feature_extraction"

# the nearest class mean, written as a linear head

Head = tuple[np.ndarray, np.ndarray]


def prototype_head(features: np.ndarray, labels: np.ndarray) -> Head:
    """-|f - m|^2 / 2 without its part |f|^2 / 2, which is the same for all classes, is linear in f."""
    means = np.stack([features[labels == c].mean(axis=0) for c in range(labels.max() + 1)])
    return means, -(means**2).sum(axis=1) / 2


def _prototypes_by_sums(features: np.ndarray, labels: np.ndarray) -> Head:
    member = np.eye(labels.max() + 1)[labels]
    means = (member.T @ features) / member.sum(axis=0)[:, None]
    return means, -0.5 * np.einsum("cd,cd->c", means, means)


def _by_means(
    bias: Callable[[np.ndarray], np.ndarray] = lambda m: -(m**2).sum(axis=1) / 2,
    center: Callable[[np.ndarray], np.ndarray] = lambda rows: rows.mean(axis=0),
) -> Callable[..., Head]:
    """Other centres, or another bias for them."""

    def answer(features: np.ndarray, labels: np.ndarray) -> Head:
        centers = np.stack([center(features[labels == c]) for c in range(labels.max() + 1)])
        return centers, bias(centers)

    return answer


def _doubled(features: np.ndarray, labels: np.ndarray) -> Head:
    means, bias = prototype_head(features, labels)
    return 2 * means, 2 * bias


def _mean_of_squares(features: np.ndarray, labels: np.ndarray) -> Head:
    means, _ = prototype_head(features, labels)
    squares = (features**2).sum(axis=1)
    return means, -np.array([squares[labels == c].mean() for c in range(len(means))]) / 2


def _centred(features: np.ndarray, labels: np.ndarray) -> Head:
    return prototype_head(features - features.mean(axis=0), labels)


def _by_share(features: np.ndarray, labels: np.ndarray) -> Head:
    means, bias = prototype_head(features, labels)
    return means, bias + np.log(np.bincount(labels) / len(labels))


def _unit_length(features: np.ndarray, labels: np.ndarray) -> Head:
    means, _ = prototype_head(features, labels)
    unit = means / np.linalg.norm(means, axis=1, keepdims=True)
    return unit, np.zeros(len(unit))


def _points(rng: np.random.Generator) -> list[Case]:
    def cloud(counts: list[int], d: int, label: str) -> Case:
        labels = rng.permutation(np.repeat(np.arange(len(counts)), counts))
        return case(rng.integers(-4, 5, (len(labels), d)) + 1.0 + labels[:, None], labels, label=label)

    return [
        case(
            np.array([[0.0, 2.0], [4.0, 0.0]]), np.array([0, 1]), label="one example of each of two classes"
        ),
        cloud([3, 3, 3], 2, "three classes in the plane"),
        cloud([2, 5, 3], 4, "classes of unlike size"),
        case(
            np.array([[0.0], [1.0], [2.0], [1.5], [30.0], [12.0], [13.0]]),
            np.array([0, 0, 0, 0, 0, 1, 1]),
            label="one example far from its class",
        ),
        cloud([1, 2, 1, 2], 8, "more features than examples"),
    ]


PROTOTYPE_HEAD = Exercise(
    id="feature_extraction/prototype_head",
    section=SECTION,
    title="The nearest mean is a linear head",
    reference=prototype_head,
    cases=_points,
    alternatives=[_prototypes_by_sums],
    mistakes=[
        Mistake(
            _by_means(bias=lambda m: np.zeros(len(m))),
            "The bias is 0. Then the largest inner product wins, which favours classes with long means: multiply out the squared "
            "distance.",
        ),
        Mistake(
            _by_means(bias=lambda m: -(m**2).sum(axis=1)),
            "The bias is twice too large for these weights: the product of f and m stands in the squared distance twice.",
        ),
        Mistake(
            _by_means(bias=lambda m: (m**2).sum(axis=1) / 2),
            "The bias has the wrong sign: it favours the class whose mean is long. The smallest distance is the largest score.",
        ),
        Mistake(
            _by_means(bias=lambda m: -np.linalg.norm(m, axis=1) / 2),
            "The bias holds the length of the mean. Its square is needed.",
        ),
        Mistake(
            _by_means(center=lambda rows: rows.sum(axis=0)),
            "The examples of a class are summed up and not averaged: with k examples the sum lies k times too far out.",
        ),
        Mistake(
            _by_means(center=lambda rows: np.median(rows, axis=0)),
            "This takes the median of each class. The mean is asked for.",
        ),
        Mistake(
            _mean_of_squares,
            "The bias is made of the mean squared length of the examples. It is the squared length of their mean.",
        ),
        Mistake(
            _doubled,
            "A right classifier, but of twice the scale: the weights should be the class means themselves.",
        ),
        Mistake(
            _centred,
            "The mean of all features is subtracted from the class means. That is the right classifier for features centred in the "
            "same way; these are raw.",
        ),
        Mistake(
            _by_share,
            "The bias also counts how frequent a class is. The nearest mean does not care.",
        ),
        Mistake(
            _unit_length,
            "The means are brought to length 1. That compares angles, not distances.",
        ),
    ],
    hint="|f - m|^2 = |f|^2 - 2 f m + |m|^2, and the first term is the same for all classes.",
)

# ridge regression


def ridge_head(features: np.ndarray, labels: np.ndarray, penalty: float) -> Head:
    """Centre features and targets, solve for the weights, then choose the bias that puts the means back."""
    targets = (labels[:, None] == np.arange(labels.max() + 1)) * 1.0
    mean, share = features.mean(axis=0), targets.mean(axis=0)
    a = features - mean
    w = np.linalg.solve(a.T @ a + penalty * np.eye(a.shape[1]), a.T @ (targets - share)).T
    return w, share - w @ mean


def _dual(features: np.ndarray, labels: np.ndarray, penalty: float) -> Head:
    targets = np.eye(labels.max() + 1)[labels]
    a, t = features - features.mean(axis=0), targets - targets.mean(axis=0)
    w = (a.T @ np.linalg.solve(a @ a.T + penalty * np.eye(len(a)), t)).T
    return w, targets.mean(axis=0) - w @ features.mean(axis=0)


def _penalized_bias(features: np.ndarray, labels: np.ndarray, penalty: float) -> Head:
    a = np.column_stack([features, np.ones(len(features))])
    t = np.eye(labels.max() + 1)[labels]
    w = np.linalg.solve(a.T @ a + penalty * np.eye(a.shape[1]), a.T @ t).T
    return w[:, :-1], w[:, -1]


def _uncentred(features: np.ndarray, labels: np.ndarray, penalty: float) -> Head:
    t = np.eye(labels.max() + 1)[labels]
    gram = features.T @ features + penalty * np.eye(features.shape[1])
    w = np.linalg.solve(gram, features.T @ t).T
    return w, t.mean(axis=0) - w @ features.mean(axis=0)


def _wrong(
    penalty_of: Callable[[float, int], float] = lambda penalty, n: penalty,
    sign: bool = False,
    bias: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray] = lambda w, mean, share: (
        share - w @ mean
    ),
) -> Callable[..., Head]:
    """Ridge with another penalty, other targets or another bias."""

    def answer(features: np.ndarray, labels: np.ndarray, penalty: float) -> Head:
        t = np.eye(labels.max() + 1)[labels]
        t = 2 * t - 1 if sign else t
        mean, share = features.mean(axis=0), t.mean(axis=0)
        a = features - mean
        gram = a.T @ a + penalty_of(penalty, len(a)) * np.eye(a.shape[1])
        w = (np.linalg.pinv(gram) @ a.T @ (t - share)).T
        return w, bias(w, mean, share)

    return answer


def _labelled(rng: np.random.Generator) -> list[Case]:
    def rows(n: int, d: int, classes: int, penalty: float, label: str) -> Case:
        y = np.concatenate([np.arange(classes), rng.integers(0, classes, n - classes)])
        return case(rng.integers(-4, 5, (n, d)) + 2.0 + y[:, None], y, penalty, label=label)

    return [
        case(
            np.array([[0.0], [2.0]]), np.array([0, 1]), 2.0, label="one feature, one example of two classes"
        ),
        rows(8, 2, 2, 1.0, "two features, two classes"),
        rows(9, 3, 3, 0.5, "three of each"),
        rows(4, 6, 3, 3.0, "more features than examples"),
        rows(12, 4, 4, 10.0, "a large penalty"),
    ]


RIDGE_HEAD = Exercise(
    id="feature_extraction/ridge_head",
    section=SECTION,
    title="A head in closed form",
    reference=ridge_head,
    cases=_labelled,
    alternatives=[_dual],
    mistakes=[
        Mistake(
            _penalized_bias,
            "The bias is penalized like a weight. Centre features and targets, solve, and set the bias afterwards.",
        ),
        Mistake(
            _uncentred,
            "The features are not centred before solving. The best free bias is that of centred features.",
        ),
        Mistake(
            _wrong(penalty_of=lambda penalty, n: 0.0),
            "There is no penalty in the solution: with more features than examples it would not even be unique.",
        ),
        Mistake(
            _wrong(penalty_of=lambda penalty, n: penalty * n),
            "The penalty is multiplied by n. The errors are summed here, not averaged: penalty times the identity.",
        ),
        Mistake(
            _wrong(penalty_of=lambda penalty, n: penalty / 2),
            "Half the penalty: in this sum of squares both terms lose their factor 2 when the gradient is set to zero.",
        ),
        Mistake(_wrong(sign=True), "The targets are -1 and 1. Use 0 and 1, one column a class."),
        Mistake(
            _wrong(bias=lambda w, mean, share: share),
            "The bias is that for centred features. Given raw features, the head must subtract their mean: share - w @ mean.",
        ),
        Mistake(_wrong(bias=lambda w, mean, share: -w @ mean), "The bias lacks the mean of the targets."),
        Mistake(
            _wrong(bias=lambda w, mean, share: np.zeros(len(w))),
            "The bias is 0. Only centred features and targets would have that; these are raw: share - w @ mean.",
        ),
    ],
    hint="Set the gradient of the sum by w to zero: (A^T A + penalty I) w^T = A^T T for centred A and T.",
)
