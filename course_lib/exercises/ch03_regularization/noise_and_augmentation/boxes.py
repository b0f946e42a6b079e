"""Exercises on boxes that follow their image: through a mirror and through a crop."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Exercise, Mistake, case

SECTION = "03_regularization/noise_and_augmentation"

# through a mirror


def flipped_boxes(boxes: np.ndarray, width: float) -> np.ndarray:
    """Boxes (k, 4) of a horizontally flipped image."""
    x1, y1, x2, y2 = boxes.T
    return np.stack([width - x2, y1, width - x1, y2], axis=1)


def _columns(place: Callable[..., tuple[np.ndarray, ...]]) -> Callable[[np.ndarray, float], np.ndarray]:
    return lambda boxes, width: np.stack(place(*boxes.T, width), axis=1)


FLIP = Exercise(
    id="noise_and_augmentation/flip_boxes",
    section=SECTION,
    title="Boxes in a mirror",
    reference=flipped_boxes,
    cases=[
        case(np.array([[0.0, 0.0, 1.0, 1.0]]), 10, label="the upper left pixel"),
        case(np.array([[2.0, 3.0, 7.0, 5.0]]), 10, label="a box left of the middle"),
        case(np.array([[6.0, 1.0, 20.0, 4.0], [0.0, 2.0, 3.0, 9.0]]), 20, label="two boxes"),
        case(np.array([[3.5, 0.25, 6.25, 8.0]]), 12, label="a box that ends between pixels"),
        case(np.array([[0.0, 0.0, 16.0, 9.0]]), 16, label="a box as large as the image"),
        case(np.zeros((0, 4)), 16, label="an image without boxes"),
    ],
    alternatives=[
        lambda boxes, width: np.abs(np.array([width, 0, width, 0]) - np.asarray(boxes)[:, [2, 1, 0, 3]]),
    ],
    mistakes=[
        Mistake(
            _columns(lambda x1, y1, x2, y2, w: (w - x1, y1, w - x2, y2)),
            "x1 is larger than x2 now: the left side of a box becomes its right side, so the two change places.",
        ),
        Mistake(
            _columns(lambda x1, y1, x2, y2, w: (w - 1 - x2, y1, w - 1 - x1, y2)),
            "All boxes lie one pixel too far to the left. width - 1 - x is for coordinates that count pixels; these "
            "are measured between pixels, from 0 to width.",
        ),
        Mistake(
            lambda boxes, width: np.array(boxes),
            "The boxes have stayed where they were, while the image was flipped.",
        ),
        Mistake(
            _columns(lambda x1, y1, x2, y2, w: (x1, w - y2, x2, w - y1)),
            "The boxes are flipped up and down. A horizontal flip changes x, which is in columns 0 and 2.",
        ),
        Mistake(
            _columns(lambda x1, y1, x2, y2, w: (w - x2, y2, w - x1, y1)),
            "y1 and y2 have changed places too. Only left and right are exchanged.",
        ),
        Mistake(
            _columns(lambda x1, y1, x2, y2, w: (w - x1, y1, w - x1 + (x2 - x1), y2)),
            "The left side went to its mirror image, and the box still extends to the right of it. In the mirror it "
            "extends to the left.",
        ),
        Mistake(
            _columns(lambda x1, y1, x2, y2, w: (x2, y1, x1, y2)),
            "x1 and x2 are exchanged, and not mirrored: a point at x comes to lie at width - x.",
        ),
    ],
    hint="Draw an image of width 10 with a box from x = 2 to x = 7. How far from the right side does it begin?",
)

# through a crop


def crop_boxes(boxes: np.ndarray, top: float, left: float, height: float, width: float) -> np.ndarray:
    """Boxes (m, 4) of a window, of those boxes (k, 4) of which at least half is inside."""
    return _cropped(boxes, top, left, height, width)


def _areas(boxes: np.ndarray) -> np.ndarray:
    return (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])


def _cropped(
    boxes: np.ndarray, top: float, left: float, height: float, width: float, share: float = 0.5
) -> np.ndarray:
    moved = boxes - [left, top, left, top]
    inside = np.clip(moved, 0, [width, height, width, height])
    return inside[_areas(inside) >= share * _areas(boxes)]


def _one_by_one(boxes: np.ndarray, top: float, left: float, height: float, width: float) -> np.ndarray:
    kept = []
    for x1, y1, x2, y2 in boxes:
        a, c = max(x1, left), min(x2, left + width)
        b, e = max(y1, top), min(y2, top + height)
        if c > a and e > b and 2 * (c - a) * (e - b) >= (x2 - x1) * (y2 - y1):
            kept.append([a - left, b - top, c - left, e - top])
    return np.array(kept, dtype=float).reshape(-1, 4)


def _not_cut(boxes: np.ndarray, top: float, left: float, height: float, width: float) -> np.ndarray:
    moved = boxes - [left, top, left, top]
    inside = np.clip(moved, 0, [width, height, width, height])
    return moved[_areas(inside) >= 0.5 * _areas(boxes)]


def _not_moved(boxes: np.ndarray, top: float, left: float, height: float, width: float) -> np.ndarray:
    return _cropped(boxes, top, left, height, width) + np.array([left, top, left, top])


def _by_middle(boxes: np.ndarray, top: float, left: float, height: float, width: float) -> np.ndarray:
    """Keep a box if its middle is inside."""
    moved = boxes - [left, top, left, top]
    x, y = (moved[:, 0] + moved[:, 2]) / 2, (moved[:, 1] + moved[:, 3]) / 2
    there = (x >= 0) & (x <= width) & (y >= 0) & (y <= height)
    return np.clip(moved, 0, [width, height, width, height])[there]


def _more_than_half(boxes: np.ndarray, top: float, left: float, height: float, width: float) -> np.ndarray:
    moved = boxes - [left, top, left, top]
    inside = np.clip(moved, 0, [width, height, width, height])
    return inside[_areas(inside) > 0.5 * _areas(boxes)]


def _half_the_window(boxes: np.ndarray, top: float, left: float, height: float, width: float) -> np.ndarray:
    inside = _cropped(boxes, top, left, height, width, share=0.0)
    return inside[_areas(inside) >= 0.5 * height * width]


def _without_columns(boxes: np.ndarray, top: float, left: float, height: float, width: float) -> np.ndarray:
    """What an array is made of an empty list of rows."""
    kept = crop_boxes(boxes, top, left, height, width)
    return kept if len(kept) else np.array([])


_BOXES = np.array(
    [
        [10.0, 5.0, 20.0, 15.0],  # inside
        [2.0, 6.0, 10.0, 12.0],  # one quarter inside: it begins to the left of the window
        [4.0, 6.0, 14.0, 12.0],  # more than half
        [26.0, 8.0, 30.0, 10.0],  # exactly half
        [40.0, 30.0, 50.0, 35.0],  # outside
        [24.0, 18.0, 31.0, 27.0],  # a corner, its middle inside, but less than half of the area
    ]
)

CROP = Exercise(
    id="noise_and_augmentation/crop_boxes",
    section=SECTION,
    title="Boxes in a crop",
    reference=crop_boxes,
    cases=[
        case(np.array([[10.0, 5.0, 20.0, 15.0]]), 4, 8, 20, 20, label="a box inside"),
        case(np.array([[4.0, 6.0, 14.0, 12.0]]), 4, 8, 20, 20, label="a box of which most is inside"),
        case(np.array([[2.0, 6.0, 10.0, 12.0]]), 4, 8, 20, 20, label="a box of which a quarter is inside"),
        case(np.array([[40.0, 30.0, 50.0, 35.0]]), 4, 8, 20, 20, label="a box outside"),
        case(np.array([[26.0, 8.0, 30.0, 10.0]]), 4, 8, 20, 20, label="exactly half"),
        case(_BOXES, 4, 8, 20, 20, label="six boxes"),
        case(_BOXES, 2, 3, 12, 24, label="a window that is not square"),
        case(np.zeros((0, 4)), 4, 8, 20, 20, label="an image without boxes"),
    ],
    alternatives=[_one_by_one],
    mistakes=[
        Mistake(
            _not_cut,
            "The boxes reach beyond the window. Cut them off at its edges, from 0 to width and to height.",
        ),
        Mistake(
            _not_moved,
            "These are the coordinates of the whole image. Row and column 0 are now those of the window's corner.",
        ),
        Mistake(
            lambda boxes, top, left, height, width: _cropped(boxes, top, left, height, width, share=0.0),
            "No box is left out, not even where nothing of it is inside the window.",
        ),
        Mistake(
            lambda boxes, top, left, height, width: _cropped(boxes, top, left, height, width, share=1e-9),
            "Boxes are left out only if nothing of them is inside. Less than half of the area is not enough to stay.",
        ),
        Mistake(
            lambda boxes, top, left, height, width: _cropped(boxes, top, left, height, width, share=1.0),
            "Only boxes that lie inside as a whole are kept. Half of the area is enough.",
        ),
        Mistake(
            _by_middle,
            "At a corner a box can have its middle, or half of each side, inside and less than half of its area. Compare the "
            "areas.",
        ),
        Mistake(
            _more_than_half,
            "A box of which exactly half is inside is missing. It stays.",
        ),
        Mistake(
            _half_the_window,
            "The area inside is compared with the window's. Compare it with the area that the box had.",
        ),
        Mistake(
            _without_columns,
            "With no box left the array must still have four columns: shape (0, 4). np.array(rows).reshape(-1, 4) has them "
            "always.",
        ),
        Mistake(
            lambda boxes, top, left, height, width: crop_boxes(boxes, left, top, height, width),
            "Top and left are exchanged: `top` is a row and belongs to y, in columns 1 and 3.",
        ),
        Mistake(
            lambda boxes, top, left, height, width: crop_boxes(boxes, top, left, width, height),
            "Height and width are exchanged: x runs from 0 to width.",
        ),
    ],
    hint="Three steps: subtract the corner, cut off with np.clip, compare the area with the one before.",
)
