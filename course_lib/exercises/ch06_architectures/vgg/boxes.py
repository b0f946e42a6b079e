"""An exercise on localization: four numbers for a box, and back."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Exercise, Mistake, case

SECTION = "06_architectures/vgg"


def box_targets(boxes: np.ndarray, height: int, width: int) -> np.ndarray:
    """Centre and size, across in widths of the image, down in heights."""
    x1, y1, x2, y2 = np.asarray(boxes, dtype=float).T
    return np.stack(
        [(x1 + x2) / 2 / width, (y1 + y2) / 2 / height, (x2 - x1) / width, (y2 - y1) / height], axis=1
    )


def _by_matrix(boxes: np.ndarray, height: int, width: int) -> np.ndarray:
    mix = np.array([[0.5, 0, 0.5, 0], [0, 0.5, 0, 0.5], [-1, 0, 1, 0], [0, -1, 0, 1]])
    return np.asarray(np.asarray(boxes, dtype=float) @ mix.T) / np.array([width, height, width, height])


def _with(change: Callable[[np.ndarray, int, int], np.ndarray]) -> Callable[..., np.ndarray]:
    """A wrong answer: something else made of the boxes as real numbers."""
    return lambda boxes, height, width: change(np.asarray(boxes, dtype=float), height, width)


TARGETS = Exercise(
    id="vgg/box_targets",
    section=SECTION,
    title="Four numbers for a box",
    reference=box_targets,
    cases=[
        case(np.array([[10, 20, 30, 60]]), 100, 100, label="a box in a square image"),
        case(np.array([[0, 0, 64, 32]]), 32, 64, label="the whole of a wide image"),
        case(np.array([[2.0, 4.0, 6.0, 5.0], [1.0, 1.0, 3.0, 7.0]]), 8, 16, label="two boxes"),
        case(np.array([[5, 9, 5, 9]]), 20, 10, label="a box of no size"),
        case(np.array([[3, 1, 4, 2], [0, 5, 9, 6], [7, 2, 8, 9]]), 12, 10, label="boxes of whole numbers"),
        case(np.zeros((0, 4)), 8, 8, label="no box at all"),
    ],
    alternatives=[_by_matrix],
    mistakes=[
        Mistake(
            _with(lambda b, h, w: box_targets(b, w, h)),
            "Height and width are exchanged. What runs across, x and the box's width, is divided by the image's width.",
        ),
        Mistake(
            _with(lambda b, h, w: box_targets(b, 1, 1)),
            "These are pixels. Divide by the image's width and height, so that all four lie between 0 and 1.",
        ),
        Mistake(
            _with(lambda b, h, w: b / np.array([w, h, w, h])),
            "These are the corners, divided. Asked for are the centre, then width and height.",
        ),
        Mistake(
            _with(lambda b, h, w: np.concatenate([b[:, :2], b[:, 2:] - b[:, :2]], axis=1) / [w, h, w, h]),
            "The first two numbers are the upper left corner. Asked for is the centre, the mean of both corners.",
        ),
        Mistake(
            _with(lambda b, h, w: box_targets(b, h, w) * [1, 1, 0.5, 0.5]),
            "The sizes are half of what they should be: from the centre to the edge. Take the whole width and height.",
        ),
        Mistake(
            _with(lambda b, h, w: box_targets(b, h, w) * [2, 2, 1, 1]),
            "The first two numbers are the sums of the corners. The centre is their mean: half of that.",
        ),
        Mistake(
            _with(lambda b, h, w: box_targets(b, h, w)[:, [1, 0, 3, 2]]),
            "The order is y, x, height, width here. Asked for is x, y, width, height.",
        ),
        Mistake(
            _with(lambda b, h, w: box_targets(b, max(h, w), max(h, w))),
            "Both directions are divided by the longer side. Each has a side of its own.",
        ),
        Mistake(
            _with(lambda b, h, w: box_targets(b + np.array([0, 0, 1, 1]), h, w)),
            "One pixel is added to the size. These boxes end where x2 and y2 say: the width is x2 - x1.",
        ),
    ],
    hint="Four columns: (x1 + x2) / 2 and x2 - x1 belong to the width of the image, the other two to its height.",
)

EXERCISES = [TARGETS]
