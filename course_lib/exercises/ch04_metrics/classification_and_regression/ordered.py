"""Exercises on ordered classes: targets of the yes-or-no questions between them, and a score that knows the order."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Exercise, Mistake, case

SECTION = "04_metrics/classification_and_regression"

# the questions between the classes


def threshold_targets(y: np.ndarray, num_classes: int) -> np.ndarray:
    """Row i asks of label y_i: beyond class 0? beyond class 1? ..."""
    return (y[:, None] > np.arange(num_classes - 1)).astype(float)


def _filled(y: np.ndarray, num_classes: int) -> np.ndarray:
    """The same, row by row."""
    targets = np.zeros((len(y), num_classes - 1))
    for row, label in zip(targets, y, strict=True):
        row[:label] = 1
    return targets


TARGETS = Exercise(
    id="classification_and_regression/threshold_targets",
    section=SECTION,
    title="Questions between the classes",
    reference=threshold_targets,
    cases=[
        case(np.array([0, 1, 2]), 3, label="each of three classes once"),
        case(np.array([4, 0, 2, 2, 3]), 5, label="five classes, unsorted labels"),
        case(np.array([1, 0, 1]), 2, label="two classes: one question"),
        case(np.array([1, 2]), 5, label="neither the lowest nor the highest class occurs"),
        case(np.array([], dtype=int), 4, label="no labels"),
    ],
    alternatives=[_filled],
    mistakes=[
        Mistake(
            lambda y, num_classes: np.eye(num_classes)[y],
            "These are one-hot targets: K questions whether it is this class. Here K - 1 questions are asked, each whether the label lies beyond a class.",
        ),
        Mistake(
            lambda y, num_classes: np.eye(num_classes)[y][:, : num_classes - 1],
            "These are one-hot targets without their last column. A label of class 2 lies beyond class 0 and beyond class 1: its row has "
            "two ones.",
        ),
        Mistake(
            lambda y, num_classes: np.eye(num_classes)[y][:, 1:],
            "A single 1 for each label: that is one-hot without the first column. A label of class 2 lies beyond class 0 as well as beyond "
            "class 1.",
        ),
        Mistake(
            lambda y, num_classes: (y[:, None] >= np.arange(num_classes - 1)).astype(float),
            "The class itself counts as lying beyond itself here, so that class 0 answers yes to the first question. Use > and not >=.",
        ),
        Mistake(
            lambda y, num_classes: (y[:, None] <= np.arange(num_classes - 1)).astype(float),
            "Zeros and ones are exchanged: this asks whether the label is at most class k.",
        ),
        Mistake(
            lambda y, num_classes: (y[:, None] > np.arange(num_classes)).astype(float),
            "One question too many: nothing lies beyond the highest class, so its column is always 0. K classes have K - 1 borders.",
        ),
        Mistake(
            lambda y, num_classes: (np.arange(num_classes - 1) > y[:, None]).astype(float),
            "Label and border are exchanged: this asks whether class k lies beyond the label.",
        ),
        Mistake(
            lambda y, num_classes: 2 * threshold_targets(y, num_classes) - 1,
            "A no is -1 here. Binary cross-entropy wants 0 for no and 1 for yes.",
        ),
        Mistake(
            lambda y, num_classes: np.clip(y[:, None] - np.arange(num_classes - 1.0), 0, None),
            "These count by how many classes the label lies beyond each. The question is only whether it does: 1 or 0.",
        ),
        Mistake(
            lambda y, num_classes: threshold_targets(y, num_classes).T,
            "Rows and columns are exchanged. One row for each label, one column for each question.",
        ),
        Mistake(
            lambda y, num_classes: threshold_targets(y, num_classes)[:, ::-1],
            "The questions are in reverse order. The first column asks whether the label lies beyond class 0.",
        ),
        Mistake(
            lambda y, num_classes: (y[:, None] > np.arange(1, num_classes)).astype(float),
            "The questions start at class 1. The first one is whether the label lies beyond class 0.",
        ),
        Mistake(
            lambda y, num_classes: threshold_targets(y, (int(y.max()) if len(y) else 0) + 1),
            "The number of questions is taken from the largest label that occurs. Use num_classes: a batch need not contain the highest class.",
        ),
    ],
    hint="Compare the column y[:, None] with the row 0, 1, ..., num_classes - 2.",
)

# the ranked probability score


def ranked_probability_score(p: np.ndarray, y: np.ndarray) -> float:
    """Squared error of the cumulative forecast at the K - 1 borders, added over them, averaged over examples."""
    at_most = p.cumsum(axis=1)[:, :-1]
    happened = y[:, None] <= np.arange(p.shape[1] - 1)
    return float(((at_most - happened) ** 2).sum(axis=1).mean())


def _beyond(p: np.ndarray, y: np.ndarray) -> float:
    """The same, with the probabilities of lying beyond each border."""
    total = 0.0
    for forecast, label in zip(p, y, strict=True):
        for k in range(len(forecast) - 1):
            total += (forecast[k + 1 :].sum() - (label > k)) ** 2
    return total / len(y)


def _rps(
    inner: Callable[..., np.ndarray],
    over: Callable[[np.ndarray], np.ndarray] = lambda e: e.sum(axis=1).mean(),
) -> Callable[..., float]:
    """A wrong score: errors (n, questions) by another rule from (p, y), or reduced otherwise."""

    def answer(p: np.ndarray, y: np.ndarray) -> float:
        return float(over(inner(p, y)))

    return answer


def _errors(p: np.ndarray, y: np.ndarray) -> np.ndarray:
    return (p.cumsum(axis=1) - (y[:, None] <= np.arange(p.shape[1])))[:, :-1]


RPS = Exercise(
    id="classification_and_regression/ranked_probability_score",
    section=SECTION,
    title="A score that knows the order",
    reference=ranked_probability_score,
    cases=[
        case(np.array([[0.6, 0.4, 0.0]]), np.array([0]), label="the rest on the neighbour"),
        case(np.array([[0.6, 0.0, 0.4]]), np.array([0]), label="the same rest two classes away"),
        case(np.array([[0.0, 0.0, 1.0, 0.0]]), np.array([2]), label="certain and right"),
        case(np.array([[1.0, 0.0, 0.0, 0.0]]), np.array([3]), label="certain and as wrong as can be"),
        case(
            np.array([[0.125, 0.5, 0.25, 0.125], [0.25, 0.25, 0.25, 0.25], [0.0, 0.125, 0.125, 0.75]]),
            np.array([2, 0, 1]),
            label="three examples, four classes",
        ),
        case(np.array([[0.25, 0.75], [0.5, 0.5]]), np.array([0, 1]), label="two classes"),
    ],
    alternatives=[_beyond],
    mistakes=[
        Mistake(
            _rps(lambda p, y: (p - np.eye(p.shape[1])[y]) ** 2),
            "The squared errors of the single classes are added here, so the order plays no part: a neighbour costs as much as a class "
            "far away. Add up the probabilities along the classes first.",
        ),
        Mistake(
            _rps(lambda p, y: -np.log(np.clip(p[np.arange(len(y)), y], 1e-300, None))[:, None]),
            "This is the cross-entropy. It looks only at the probability of the label, wherever the rest went.",
        ),
        Mistake(
            _rps(lambda p, y: np.abs(_errors(p, y))),
            "The errors enter with their absolute values: that is the expected class distance. Square each of them before adding.",
        ),
        Mistake(
            _rps(lambda p, y: _errors(p, y) ** 2, over=lambda e: e.mean()),
            "The errors of one example are averaged over the borders. Their sum was asked for; only over the examples is it a mean.",
        ),
        Mistake(
            _rps(lambda p, y: _errors(p, y) ** 2, over=lambda e: e.sum()),
            "This is the sum over all examples. Divide by their number.",
        ),
        Mistake(
            _rps(lambda p, y: (p.cumsum(axis=1)[:, :-1] - (y[:, None] < np.arange(p.shape[1] - 1))) ** 2),
            "What happened is off by one class: a label of class k is at most k. Use <= and not <.",
        ),
        Mistake(
            _rps(lambda p, y: (p.cumsum(axis=1)[:, :-1] - (y[:, None] > np.arange(p.shape[1] - 1))) ** 2),
            "The running sum of p is the probability of at most class k, and you compare it with whether the label lies beyond. Both must ask the same.",
        ),
        Mistake(
            _rps(lambda p, y: (p.argmax(axis=1) - y)[:, None] ** 2.0),
            "This is the squared distance between the most probable class and the label. The score judges all stated probabilities.",
        ),
        Mistake(
            _rps(lambda p, y: np.abs(p.argmax(axis=1) - y)[:, None]),
            "This is the mean class distance of the most probable class. The score judges all stated probabilities.",
        ),
        Mistake(
            _rps(lambda p, y: (p @ np.arange(p.shape[1]) - y)[:, None] ** 2),
            "This is the squared error of the mean class index, as if steps between classes were equal amounts. Square the error at each border instead.",
        ),
        Mistake(
            _rps(lambda p, y: (p[:, :-1] - (y[:, None] <= np.arange(p.shape[1] - 1))) ** 2),
            "The probabilities have not been added up: the question at border k is how probable class k or any lower one was.",
        ),
        Mistake(
            _rps(lambda p, y: (p.cumsum(axis=0)[:, :-1] - (y[:, None] <= np.arange(p.shape[1] - 1))) ** 2),
            "The probabilities are added up over the examples, down the columns. Add them up over the classes of each example: axis=1.",
        ),
        Mistake(
            lambda p, y: ranked_probability_score(p, y) ** 0.5,
            "This is the root of the score. Leave the squares as they are.",
        ),
        Mistake(
            lambda p, y: ranked_probability_score(p, y) / p.shape[1],
            "This is the mean over all K columns. For each example the errors are added, not averaged; only over the examples is it a mean.",
        ),
        Mistake(
            _rps(
                lambda p, y: (
                    (p[:, ::-1].cumsum(axis=1)[:, :-1] - (y[:, None] <= np.arange(p.shape[1] - 1))) ** 2
                )
            ),
            "The probabilities are added up from the highest class down. The first border asks for class 0 alone, the second for classes 0 and 1: start "
            "at class 0.",
        ),
    ],
    hint="p.cumsum(axis=1) is the stated probability of at most class k. Whether y is at most k is 0 or 1.",
)
