"""The exercise on matching predictions with objects as two sets."""

from collections.abc import Callable
from itertools import permutations

import numpy as np
from scipy.optimize import linear_sum_assignment

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "12_detection/one_shot_detectors"
Array = np.ndarray


def _costs(p: Array, boxes: Array, labels: Array, truth: Array, weight: float) -> Array:
    """The cost (n, k) of each prediction for each object."""
    distance = np.abs(boxes[:, None] - truth).sum(axis=2)
    return weight * distance - p[:, labels]


def match(p: Array, boxes: Array, labels: Array, truth: Array, weight: float) -> Array:
    """The class (n,) that each prediction is to say, 0 for no object."""
    wanted = np.zeros(len(p), dtype=int)
    row, column = linear_sum_assignment(_costs(p, boxes, labels, truth, weight))
    wanted[row] = labels[column]
    return wanted


def _by_trying(p: Array, boxes: Array, labels: Array, truth: Array, weight: float) -> list[int]:
    costs = _costs(p, boxes, labels, truth, weight)
    best = min(
        permutations(range(len(p)), len(labels)),
        key=lambda rows: sum(costs[row, k] for k, row in enumerate(rows)),
    )
    return [int(labels[best.index(i)]) if i in best else 0 for i in range(len(p))]


def _matched(
    cost: Callable[..., Array] = _costs,
    pairs: Callable[[Array], tuple[Array, Array]] = linear_sum_assignment,
    empty: int = 0,
    says: Callable[[Array, Array], Array] = lambda labels, column: labels[column],
) -> Callable[..., Array]:
    """Another cost, another way to pair, or another answer."""

    def answer(p: Array, boxes: Array, labels: Array, truth: Array, weight: float) -> Array:
        wanted = np.full(len(p), empty)
        if len(labels):
            row, column = pairs(cost(p, boxes, labels, truth, weight))
            wanted[row] = says(labels, column)
        return wanted

    return answer


def _in_turn(costs: Array) -> tuple[Array, Array]:
    left, rows = costs.copy(), []
    for k in range(costs.shape[1]):
        rows.append(int(left[:, k].argmin()))
        left[rows[-1]] = np.inf
    return np.array(rows), np.arange(costs.shape[1])


def _cheapest_first(costs: Array) -> tuple[Array, Array]:
    left, rows, columns = costs.copy(), [], []
    for _ in range(costs.shape[1]):
        row, column = np.unravel_index(left.argmin(), left.shape)
        rows.append(row)
        columns.append(column)
        left[row], left[:, column] = np.inf, np.inf
    return np.array(rows), np.array(columns)


def _no_position(p: Array, boxes: Array, labels: Array, truth: Array, weight: float) -> Array:
    return -p[:, labels]


def _no_class(p: Array, boxes: Array, labels: Array, truth: Array, weight: float) -> Array:
    return np.abs(boxes[:, None] - truth).sum(axis=2)


def _wrong_sign(p: Array, boxes: Array, labels: Array, truth: Array, weight: float) -> Array:
    return weight * np.abs(boxes[:, None] - truth).sum(axis=2) + p[:, labels]


def _mean_distance(p: Array, boxes: Array, labels: Array, truth: Array, weight: float) -> Array:
    return weight * np.abs(boxes[:, None] - truth).mean(axis=2) - p[:, labels]


def _squares(p: Array, boxes: Array, labels: Array, truth: Array, weight: float) -> Array:
    return weight * ((boxes[:, None] - truth) ** 2).sum(axis=2) - p[:, labels]


def _euclidean(p: Array, boxes: Array, labels: Array, truth: Array, weight: float) -> Array:
    return weight * np.sqrt(((boxes[:, None] - truth) ** 2).sum(axis=2)) - p[:, labels]


def _centres(p: Array, boxes: Array, labels: Array, truth: Array, weight: float) -> Array:
    return weight * np.abs(boxes[:, None, :2] - truth[:, :2]).sum(axis=2) - p[:, labels]


def _weighs_the_class(p: Array, boxes: Array, labels: Array, truth: Array, weight: float) -> Array:
    return np.abs(boxes[:, None] - truth).sum(axis=2) - weight * p[:, labels]


def _any_class(p: Array, boxes: Array, labels: Array, truth: Array, weight: float) -> Array:
    return weight * np.abs(boxes[:, None] - truth).sum(axis=2) - p[:, 1:].max(axis=1)[:, None]


def _class_before(p: Array, boxes: Array, labels: Array, truth: Array, weight: float) -> Array:
    return weight * np.abs(boxes[:, None] - truth).sum(axis=2) - p[:, labels - 1]


def _sets(rng: np.random.Generator) -> list[Case]:
    def some(n: int, k: int, spread: float, weight: float, label: str) -> Case:
        truth = rng.uniform(0.1, 0.9, (k, 4)).round(3)
        boxes = truth[rng.integers(0, k, n)] + rng.normal(0, spread, (n, 4)).round(3)
        p = rng.dirichlet(np.full(4, 0.7), n).round(4)
        return case(p, boxes, rng.permutation(3)[:k] + 1, truth, weight, label=label)

    sure = np.array([[0.1, 0.8, 0.1], [0.2, 0.1, 0.7], [0.9, 0.05, 0.05]])
    place = np.array([[0.2, 0.2, 0.1, 0.1], [0.7, 0.7, 0.2, 0.2], [0.5, 0.5, 0.3, 0.3]])
    line = np.array([[x, 0.5, 0.2, 0.2] for x in (0.3, 0.4, 0.9)])
    flat = np.full((3, 3), 1 / 3)
    return [
        case(sure, place, np.array([1, 2]), place[:2], 1.0, label="two objects, three predictions"),
        case(sure, place[[1, 0, 2]], np.array([2, 1]), place[[0, 1]], 1.0, label="in another order"),
        case(
            flat,
            line,
            np.array([1, 2]),
            np.array([[0.38, 0.5, 0.2, 0.2], [0.46, 0.5, 0.2, 0.2]]),
            5.0,
            label="two objects whose nearest prediction is the same",
        ),
        case(
            flat,
            line,
            np.array([2, 1]),
            np.array([[0.46, 0.5, 0.2, 0.2], [0.38, 0.5, 0.2, 0.2]]),
            5.0,
            label="the same, the second object before the first",
        ),
        case(sure, place, np.zeros(0, dtype=int), np.zeros((0, 4)), 5.0, label="an empty picture"),
        some(5, 3, 0.1, 1.0, "five predictions"),
        some(6, 3, 0.2, 2.0, "six predictions, far off"),
        some(6, 3, 0.4, 0.5, "where the class counts most"),
        some(7, 3, 0.3, 5.0, "where the place counts most"),
    ]


MATCH = Exercise(
    id="one_shot_detectors/set_matching",
    section=SECTION,
    title="Two sets, one to one",
    reference=match,
    cases=_sets,
    alternatives=[_by_trying],
    mistakes=[
        Mistake(
            _matched(pairs=_in_turn),
            "Each object in turn takes its cheapest free prediction. The first may take what the second needs more.",
        ),
        Mistake(
            _matched(pairs=_cheapest_first),
            "The cheapest pair is taken first, then the next. That is greedy: the sum of all pairs is to be least.",
        ),
        Mistake(
            _matched(pairs=lambda costs: (costs.argmin(axis=0), np.arange(costs.shape[1]))),
            "Two objects may share one prediction, and one of them is lost. Pair them one to one.",
        ),
        Mistake(
            _matched(pairs=lambda costs: (np.arange(len(costs)), costs.argmin(axis=1))),
            "Every prediction gets the object that suits it best. All but one for each object have to say 0.",
        ),
        Mistake(
            _matched(pairs=lambda costs: linear_sum_assignment(costs, maximize=True)),
            "The sum of the costs is made as large as can be. It is to be least.",
        ),
        Mistake(
            _matched(cost=_wrong_sign),
            "A likely class makes a pair dearer. Subtract the probability.",
        ),
        Mistake(
            _matched(cost=_no_position), "The boxes do not count. Add the weighted distance of the boxes."
        ),
        Mistake(
            _matched(cost=_no_class),
            "The classes do not count. Subtract the probability of the object's class.",
        ),
        Mistake(
            _matched(cost=_mean_distance),
            "The distance is a mean of four differences. Take their sum.",
        ),
        Mistake(_matched(cost=_squares), "The differences are squared. Take their absolute values."),
        Mistake(
            _matched(cost=_euclidean),
            "This is the straight distance, the root of the squares. Sum the absolute values of the four differences.",
        ),
        Mistake(_matched(cost=_centres), "Only the centres are compared. All four numbers of a box count."),
        Mistake(
            _matched(cost=_weighs_the_class),
            "The weight stands at the probability. It belongs to the distance.",
        ),
        Mistake(
            _matched(cost=_any_class),
            "The probability is that of the likeliest class. Take that of the object's class.",
        ),
        Mistake(
            _matched(cost=_class_before),
            "The probabilities are one column off. Column 0 is for no object, column c for class c.",
        ),
        Mistake(
            _matched(says=lambda labels, column: column + 1),
            "The right pairs, but these are numbers of objects. Return the objects' classes.",
        ),
        Mistake(
            _matched(empty=-1),
            "Predictions without an object have -1. They are to say class 0, no object.",
        ),
    ],
    hint="Build the costs (n, k), let linear_sum_assignment pair them, and write the labels into n zeros.",
)
