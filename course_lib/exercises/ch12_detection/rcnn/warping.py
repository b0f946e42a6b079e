"""The exercise on regions that are cut out with their surroundings and stretched to a square."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "12_detection/rcnn"
Array = np.ndarray


def warp(image: Array, box: Array, size: int, context: int) -> Array:
    """The region with its context as a square (size, size)."""
    grow = size / (size - 2 * context)
    places = []
    for low, high, length in ((box[1], box[3], image.shape[0]), (box[0], box[2], image.shape[1])):
        at = (low + high) / 2 + ((np.arange(size) + 0.5) / size - 0.5) * (high - low) * grow
        places.append((np.floor(at).astype(int), length))
    (rows, h), (columns, w) = places
    inside = ((rows >= 0) & (rows < h))[:, None] & ((columns >= 0) & (columns < w))
    found = image[np.clip(rows, 0, h - 1)[:, None], np.clip(columns, 0, w - 1)]
    return np.where(inside, found, image.mean())


def _pixel_by_pixel(image: Array, box: Array, size: int, context: int) -> Array:
    x1, y1, x2, y2 = box
    inner = size - 2 * context
    out = np.full((size, size), image.mean())
    for r in range(size):
        for c in range(size):
            y = y1 + (r + 0.5 - context) * (y2 - y1) / inner
            x = x1 + (c + 0.5 - context) * (x2 - x1) / inner
            if 0 <= y < image.shape[0] and 0 <= x < image.shape[1]:
                out[r, c] = image[int(y), int(x)]
    return out


def _clamped(image: Array, rows: Array, columns: Array) -> Array:
    h, w = image.shape
    return image[np.clip(rows, 0, h - 1)[:, None], np.clip(columns, 0, w - 1)]


def _filled(by: Callable[[Array, Array], float]) -> Callable[[Array, Array, Array], Array]:
    """Look pixels up; those outside get a value made from the image and from the pixels inside."""

    def look(image: Array, rows: Array, columns: Array) -> Array:
        h, w = image.shape
        inside = ((rows >= 0) & (rows < h))[:, None] & ((columns >= 0) & (columns < w))
        found = _clamped(image, rows, columns)
        return np.where(inside, found, by(image, found[inside]))

    return look


_mean = _filled(lambda image, found: image.mean())


def _warp(
    grow: Callable[[int, int], float] = lambda size, context: size / (size - 2 * context),
    sides: Callable[[Array, float, int], Array] = lambda sides, grow, context: sides * grow,
    middle: Callable[[Array, Array], Array] = lambda box, sides: (box[:2] + box[2:]) / 2,
    at: Callable[[int], Array] = lambda size: (np.arange(size) + 0.5) / size,
    look: Callable[[Array, Array, Array], Array] = _mean,
    whole: Callable[[Array], Array] = np.floor,
) -> Callable[[Array, Array, int, int], Array]:
    """Another growth, other sides, another centre, other places in the square, another look-up or rounding."""

    def answer(image: Array, box: Array, size: int, context: int) -> Array:
        grown = sides(box[2:] - box[:2], grow(size, context), context)
        places = middle(box, grown) + (at(size)[:, None] - 0.5) * grown  # (size, 2), x and y
        columns, rows = whole(places).astype(int).T
        return look(image, rows, columns)

    return answer


def _cases(rng: np.random.Generator) -> list[Case]:
    def draw(box: list[float], size: int, context: int, label: str) -> Case:
        return case(rng.integers(1, 100, (12, 16)) / 100, np.array(box), size, context, label=label)

    return [
        draw([4.07, 3.13, 8.07, 7.13], 4, 0, "no context"),
        draw([4.07, 3.13, 10.17, 7.33], 8, 2, "half of the square is context"),
        draw([5.03, 2.11, 8.13, 9.41], 6, 1, "a tall box"),
        draw([0.33, 1.27, 6.43, 5.57], 9, 2, "out of the picture on the left"),
        draw([9.23, 6.37, 15.83, 11.67], 10, 3, "out of the picture below and on the right"),
        draw([0.07, 0.11, 15.91, 11.87], 8, 1, "nearly the whole picture"),
    ]


CONTEXT = Exercise(
    id="rcnn/context",
    section=SECTION,
    title="A region with its surroundings",
    reference=warp,
    cases=_cases,
    alternatives=[_pixel_by_pixel],
    mistakes=[
        Mistake(
            _warp(grow=lambda size, context: 1.0),
            "The box fills the whole square. It is to leave context pixels free on each side.",
        ),
        Mistake(
            _warp(sides=lambda sides, grow, context: sides + 2 * context),
            "The box grows by context pixels of the picture. Context is counted in pixels of the square: grow by a factor.",
        ),
        Mistake(
            _warp(grow=lambda size, context: (size + 2 * context) / size),
            "The box grows by (size + 2 context) / size. It is to become size - 2 context pixels wide in a square of size.",
        ),
        Mistake(
            _warp(grow=lambda size, context: size / (size - context)),
            "There is context on one side only, or half on each. Take it off twice.",
        ),
        Mistake(
            _warp(sides=lambda sides, grow, context: np.full(2, sides.max() * grow)),
            "The shape of the box is kept: a square around its longer side is cut out. Here each side is stretched on its own.",
        ),
        Mistake(
            _warp(middle=lambda box, sides: box[:2] + sides / 2),
            "The grown box starts at the old upper left corner. It keeps the centre.",
        ),
        Mistake(
            _warp(at=lambda size: np.arange(size) / size),
            "The picture is read at the left and upper edge of each pixel of the square. Read at its centre, half a pixel further.",
        ),
        Mistake(
            _warp(at=lambda size: np.arange(size) / (size - 1)),
            "The first and last pixel are read on the very edge of the region. Read at the centres of size equal parts.",
        ),
        Mistake(
            _warp(whole=np.rint),
            "Places are rounded to the nearest whole number. The pixel that starts at 3 reaches to 4, so 3.7 is still in it.",
        ),
        Mistake(
            _warp(whole=np.trunc),
            "Places just left of the picture, or above it, are cut to 0, as int does, and read pixel 0. Round down, with floor.",
        ),
        Mistake(
            _warp(look=_filled(lambda image, found: 0.0)),
            "What lies outside the picture is 0, which a network takes for black. Fill it with the mean of the image.",
        ),
        Mistake(
            _warp(look=_filled(lambda image, found: float(found.mean()))),
            "What lies outside has the mean of the region. Take the mean of the whole image.",
        ),
        Mistake(
            _warp(look=_clamped),
            "The pixels at the edge are repeated outwards. Fill what lies outside with the mean of the image.",
        ),
        Mistake(
            _warp(look=lambda image, rows, columns: image[np.ix_(rows % 12, columns % 16)]),
            "What lies outside is read from the other end of the picture, as negative indices do. Fill it with the mean.",
        ),
        Mistake(
            lambda image, box, size, context: warp(image, box, size, context).T,
            "Rows and columns are exchanged: the first axis of the square is y.",
        ),
    ],
    hint="Which x has the centre of column c, if columns context to size - context are the box?",
)
