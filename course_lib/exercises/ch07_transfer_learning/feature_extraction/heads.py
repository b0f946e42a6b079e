"""The exercises on heads that need no gradient descent: class means, and ridge regression."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "07_transfer_learning/feature_extraction"

# the nearest class mean


def nearest_mean(features: np.ndarray, labels: np.ndarray, queries: np.ndarray) -> np.ndarray:
    """The class whose mean is nearest to each query."""
    classes = np.unique(labels)
    means = np.stack([features[labels == c].mean(axis=0) for c in classes])
    squares = ((queries[:, None, :] - means) ** 2).sum(axis=2)
    return np.asarray(classes[squares.argmin(axis=1)])


def _as_linear_head(features: np.ndarray, labels: np.ndarray, queries: np.ndarray) -> np.ndarray:
    classes = np.unique(labels)
    means = np.stack([features[labels == c].mean(axis=0) for c in classes])
    scores = queries @ means.T - (means**2).sum(axis=1) / 2
    return np.asarray(classes[scores.argmax(axis=1)])


def _by_means(
    center: Callable[[np.ndarray], np.ndarray] = lambda rows: rows.mean(axis=0),
    score: Callable[[np.ndarray, np.ndarray], np.ndarray] = lambda q, m: -((q[:, None] - m) ** 2).sum(axis=2),
    named: bool = True,
) -> Callable[..., np.ndarray]:
    """Other centres, another score, or positions in place of names."""

    def answer(features: np.ndarray, labels: np.ndarray, queries: np.ndarray) -> np.ndarray:
        classes = np.unique(labels)
        centers = np.stack([center(features[labels == c]) for c in classes])
        best = score(queries, centers).argmax(axis=1)
        return np.asarray(classes[best] if named else best)

    return answer


def _nearest_example(features: np.ndarray, labels: np.ndarray, queries: np.ndarray) -> np.ndarray:
    squares = ((queries[:, None] - features) ** 2).sum(axis=2)
    return np.asarray(labels[squares.argmin(axis=1)])


def _points(rng: np.random.Generator) -> list[Case]:
    def cloud(n: int, d: int, classes: list[int]) -> tuple[np.ndarray, np.ndarray]:
        labels = np.repeat(classes, n)
        return rng.normal(size=(len(labels), d)).round(2) + labels[:, None] * 0.7, labels

    x, y = cloud(4, 2, [0, 1, 2])
    many, names = cloud(5, 3, [3, 5, 8])
    uneven = np.array([[0.0], [1.0], [2.0], [1.5], [30.0], [12.0], [13.0]])
    return [
        case(
            np.array([[0.0, 0.0], [4.0, 0.0]]),
            np.array([0, 1]),
            np.array([[1.0, 5.0], [3.0, -5.0], [1.9, 0.0]]),
            label="one example of each of two classes",
        ),
        case(x, y, rng.normal(size=(12, 2)).round(2) + 0.7, label="three classes in the plane"),
        case(
            uneven,
            np.array([0, 0, 0, 0, 1, 1, 1]),
            np.array([[9.0], [11.0], [20.0], [5.0], [7.0]]),
            label="one example far from its class",
        ),
        case(many, names, rng.normal(size=(15, 3)).round(2) + 3.5, label="classes called 3, 5 and 8"),
        case(
            np.array([[1.0, 1.0], [6.0, 6.0]]),
            np.array([4, 2]),
            np.array([[1.0, 2.0], [2.0, 2.5], [7.0, 6.0]]),
            label="means of unlike length",
        ),
    ]


NEAREST_MEAN = Exercise(
    id="feature_extraction/nearest_mean",
    section=SECTION,
    title="The nearest class mean",
    reference=nearest_mean,
    cases=_points,
    alternatives=[_as_linear_head],
    mistakes=[
        Mistake(
            _nearest_example,
            "This is the class of the nearest single example, one outlier and all. Average each class first.",
        ),
        Mistake(
            _by_means(score=lambda q, m: q @ m.T),
            "The largest inner product favours classes with long means. Subtract half the squared length of the mean, or take "
            "distances.",
        ),
        Mistake(
            _by_means(named=False),
            "These are positions in the sorted list of classes: 0, 1, 2 ... Return the labels themselves.",
        ),
        Mistake(
            _by_means(center=lambda rows: rows.sum(axis=0)),
            "The classes are summed up and not averaged: with k examples the sum lies k times too far out.",
        ),
        Mistake(
            _by_means(center=lambda rows: np.median(rows, axis=0)),
            "This takes the median of each class. The mean is asked for.",
        ),
        Mistake(
            _by_means(score=lambda q, m: ((q[:, None] - m) ** 2).sum(axis=2)),
            "This is the class whose mean is farthest away. Use argmin for distances.",
        ),
        Mistake(
            _by_means(score=lambda q, m: -np.abs(q[:, None] - m).max(axis=2)),
            "This looks at the largest of the differences alone. Sum their squares over the features.",
        ),
    ],
    hint="queries[:, None, :] - means has the shape (m, K, d).",
)

# ridge regression

Head = tuple[np.ndarray, np.ndarray]


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
    ],
    hint="Set the gradient of the sum by w to zero: (A^T A + penalty I) w^T = A^T T for centred A and T.",
)
