"""The exercise on reading boxes off the outputs of a grid."""

from collections.abc import Callable

import numpy as np
from scipy.special import expit, softmax

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "12_detection/one_shot_detectors"
Array = np.ndarray


def detections(out: Array, stride: int, prior: float, threshold: float) -> Array:
    """Corners, label and score (d, 6) of the cells above the threshold, by falling score."""
    i, j = np.indices(out.shape[:2])
    p = softmax(out[..., 5:], axis=2)
    score = expit(out[..., 0]) * p.max(axis=2)
    x, y = stride * (j + expit(out[..., 1])), stride * (i + expit(out[..., 2]))
    w, h = prior * np.exp(out[..., 3]), prior * np.exp(out[..., 4])
    table = np.stack([x - w / 2, y - h / 2, x + w / 2, y + h / 2, 1 + p.argmax(axis=2), score], axis=2)
    chosen = table[score > threshold]
    return chosen[np.argsort(-chosen[:, 5])]


def _one_by_one(out: Array, stride: int, prior: float, threshold: float) -> Array:
    rows = []
    for i, j in np.ndindex(*out.shape[:2]):
        o, *t = out[i, j, :5]
        classes = np.exp(out[i, j, 5:] - out[i, j, 5:].max())
        score = classes.max() / classes.sum() / (1 + np.exp(-o))
        if score > threshold:
            centre = stride * (np.array([j, i]) + 1 / (1 + np.exp(-np.array(t[:2]))))
            half = prior * np.exp(t[2:]) / 2
            rows.append([*(centre - half), *(centre + half), classes.argmax() + 1, score])
    return np.array(sorted(rows, key=lambda row: row[-1], reverse=True)).reshape(-1, 6)


def _read(
    place: Callable[[Array, Array], tuple[Array, Array]] = lambda i, j: (i, j),
    shift: Callable[[Array], Array] = expit,
    side: Callable[[Array, float, int], Array] = lambda t, prior, stride: prior * np.exp(t),
    sides: tuple[int, int] = (3, 4),
    reach: float = 0.5,
    score: Callable[[Array, Array], Array] = lambda o, p: expit(o) * p.max(axis=2),
    classes: Callable[[Array], Array] = lambda u: softmax(u, axis=2),
    first: int = 1,
    enough: Callable[[Array, Array, Array, float], Array] = lambda s, o, p, threshold: s > threshold,
    order: Callable[[Array], Array] = lambda s: np.argsort(-s),
) -> Callable[..., Array]:
    """Another place, another size, another score, another choice or another order."""

    def answer(out: Array, stride: int, prior: float, threshold: float) -> Array:
        i, j = place(*np.indices(out.shape[:2]))
        p = classes(out[..., 5:])
        scores = score(out[..., 0], p)
        x, y = stride * (j + shift(out[..., 1])), stride * (i + shift(out[..., 2]))
        w, h = (reach * side(out[..., k], prior, stride) for k in sides)
        table = np.stack([x - w, y - h, x + w, y + h, first + p.argmax(axis=2), scores], axis=2)
        chosen = table[enough(scores, out[..., 0], p, threshold)]
        return chosen[order(chosen[:, 5])]

    return answer


def _best_class_only(out: Array, stride: int, prior: float, threshold: float) -> Array:
    found = detections(out, stride, prior, threshold)
    _, first = np.unique(found[:, 4], return_index=True)
    return found[np.sort(first)]


def _outputs(rng: np.random.Generator) -> list[Case]:
    def some(h: int, w: int, classes: int, stride: int, prior: float, threshold: float, label: str) -> Case:
        out = rng.normal(0, 1, (h, w, 5 + classes))
        out[..., 3:5] /= 2
        return case(out.round(3), stride, prior, threshold, label=label)

    one = np.full((2, 2, 7), -4.0)
    one[..., 1:] = 0
    one[0, 1] = [3.0, 0, 0, 0, 0, 2.0, -1.0]
    two = one.copy()
    two[1, 0] = [1.0, 1.5, -1.0, 0.5, -0.5, 0.0, 1.0]
    return [
        case(one, 8, 10.0, 0.3, label="one cell is sure"),
        case(two, 8, 10.0, 0.3, label="two cells, shifts and sides"),
        some(3, 4, 3, 16, 30.0, 0.3, "a grid that is not square"),
        some(4, 4, 6, 8, 18.0, 0.1, "many boxes"),
        some(3, 3, 2, 8, 18.0, 0.4, "two classes"),
        case(one, 8, 10.0, 0.99, label="nothing is sure enough"),
    ]


CELLS = Exercise(
    id="one_shot_detectors/cells",
    section=SECTION,
    title="From cells to detections",
    reference=detections,
    cases=_outputs,
    alternatives=[_one_by_one],
    mistakes=[
        Mistake(
            _read(shift=lambda t: t),
            "The shift is taken as it is, and a centre may leave its cell. Put it through the sigmoid.",
        ),
        Mistake(
            _read(shift=lambda t: 0.5 + 0 * t),
            "Every centre lies in the middle of its cell. Use the outputs t_x and t_y.",
        ),
        Mistake(
            _read(place=lambda i, j: (j, i)),
            "Rows and columns are exchanged: the column j belongs to x.",
        ),
        Mistake(
            _read(side=lambda t, prior, stride: np.exp(t)),
            "exp(t) is taken for the side itself. It is the ratio to the prior: multiply.",
        ),
        Mistake(
            _read(side=lambda t, prior, stride: stride * np.exp(t)),
            "The sides are in units of the stride. They are in units of the prior.",
        ),
        Mistake(
            _read(side=lambda t, prior, stride: prior * (1 + t)),
            "The sides grow by 1 + t. The code holds logarithms: undo them by exp.",
        ),
        Mistake(
            _read(sides=(4, 3)),
            "Width and height are exchanged: t_w comes before t_h.",
        ),
        Mistake(
            _read(reach=1.0),
            "The box reaches a whole side from its centre to each side. It is half a side.",
        ),
        Mistake(
            _read(score=lambda o, p: expit(o)),
            "The score says only that there is an object. Multiply by the probability of its class.",
        ),
        Mistake(
            _read(score=lambda o, p: p.max(axis=2)),
            "The score says only which class. An empty cell has a likeliest class too: multiply by sigma(o).",
        ),
        Mistake(
            _read(score=lambda o, p: expit(o) * p.max(axis=2), classes=expit),
            "Each class has its own sigmoid. Here the classes exclude each other: softmax.",
        ),
        Mistake(
            _read(first=0),
            "The labels start from 0. Label 0 is the background: the first class is 1.",
        ),
        Mistake(
            _read(enough=lambda s, o, p, threshold: expit(o) > threshold),
            "Cells are chosen by objectness alone. Choose by the score, the product.",
        ),
        Mistake(
            _read(order=lambda s: np.arange(len(s))),
            "The boxes come cell by cell. Sort them by falling score.",
        ),
        Mistake(_read(order=np.argsort), "The lowest score comes first. Sort by falling score."),
        Mistake(_best_class_only, "One box of each class is left. There may be several objects of a class."),
    ],
    hint="np.indices gives i and j; build all boxes at once, then choose, then sort.",
)
