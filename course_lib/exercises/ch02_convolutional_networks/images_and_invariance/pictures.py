"""Exercises on pictures: shift them, correlate their pixels, tell invariance from equivariance."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Exercise, Mistake, case

SECTION = "02_convolutional_networks/images_and_invariance"

# invariant, equivariant or neither?

_RIGHT = {
    "mean": "invariant",
    "doubled": "equivariant",
    "middle": "neither",
    "largest": "invariant",
    "place of the largest": "equivariant",
    "row-weighted": "neither",
    "right neighbour minus pixel": "equivariant",
}

WHICH = Exercise(
    id="images_and_invariance/invariant_or_equivariant",
    section=SECTION,
    title="Invariant, equivariant or neither?",
    reference=_RIGHT,
    cases=[],
    mistakes=[
        Mistake(
            {
                key: {"invariant": "equivariant", "equivariant": "invariant"}.get(value, value)
                for key, value in _RIGHT.items()
            },
            "The two words are exchanged throughout: an invariant output stays as it is, an equivariant one moves along.",
        ),
        Mistake(
            _RIGHT | {"place of the largest": "invariant"},
            "The largest value stays the same, but the place where it is found moves with the picture.",
        ),
        Mistake(
            _RIGHT | {"place of the largest": "neither"},
            "The place of the largest value is no picture, but it moves by the picture's shift: it is equivariant.",
        ),
        Mistake(
            _RIGHT | {"middle": "invariant"},
            "The middle is always read at the same place, and another part of the picture comes to lie there.",
        ),
        Mistake(
            _RIGHT | {"middle": "equivariant"},
            "The middle: the output is one value, read at a fixed place. It cannot move; ask whether it stays the same.",
        ),
        Mistake(
            _RIGHT | {"largest": "equivariant"},
            "The largest value is a number that says nothing of the place: it stays. Its place is another entry.",
        ),
        Mistake(
            _RIGHT | {"largest": "neither"},
            "The largest value is the same wherever it stands. A shift that loses no ink does not change it.",
        ),
        Mistake(
            _RIGHT | {"row-weighted": "equivariant"},
            "Row-weighted: the factor belongs to the row of the canvas and stays behind when the picture moves down. "
            "Only the same factor in every place would move along.",
        ),
        Mistake(
            _RIGHT | {"row-weighted": "invariant"},
            "Row-weighted: when the picture moves down, every pixel meets another factor, so the output changes.",
        ),
        Mistake(
            _RIGHT | {"right neighbour minus pixel": "neither"},
            "The difference of neighbours is the same computation at every place, so its map moves with the picture.",
        ),
        Mistake(
            _RIGHT | {"right neighbour minus pixel": "invariant"},
            "The map of differences has the same values after a shift, but in other places: it moves with the picture.",
        ),
        Mistake(
            _RIGHT | {"doubled": "invariant"},
            "The doubled picture moves when the picture moves. What does not change is how it relates to the picture.",
        ),
        Mistake(
            _RIGHT | {"doubled": "neither"},
            "Doubled: the output is another picture than the input, but when the input moves it moves by the same shift.",
        ),
        Mistake(
            _RIGHT | {"mean": "equivariant"},
            "The mean is one number and has no place that could move. A shift leaves it as it is.",
        ),
        Mistake(
            _RIGHT | {"mean": "neither"},
            "The mean takes the same numbers in whatever place they are: a shift that loses no ink does not change it.",
        ),
    ],
    hint="For each one ask: if the picture moves by one pixel to the right, does the output stay, move by one, or "
    "do something else?",
)

# shift without wrap-around


def shift(image: np.ndarray, down: int, right: int) -> np.ndarray:
    """Move a picture (h, w); what leaves is lost, what comes in is 0."""
    h, w = image.shape
    moved = np.zeros_like(image)
    rows, columns = max(h - abs(down), 0), max(w - abs(right), 0)
    source = image[max(-down, 0) :, max(-right, 0) :][:rows, :columns]
    moved[max(down, 0) : max(down, 0) + rows, max(right, 0) : max(right, 0) + columns] = source
    return moved


def _shift_by_places(image: np.ndarray, down: int, right: int) -> np.ndarray:
    h, w = image.shape
    row, column = np.mgrid[:h, :w]
    row, column = row - down, column - right
    inside = (row >= 0) & (row < h) & (column >= 0) & (column < w)
    return np.where(inside, image[np.clip(row, 0, h - 1), np.clip(column, 0, w - 1)], 0)


def _edges_repeated(image: np.ndarray, down: int, right: int) -> np.ndarray:
    h, w = image.shape
    row, column = np.mgrid[:h, :w]
    return image[np.clip(row - down, 0, h - 1), np.clip(column - right, 0, w - 1)]


def _rolled_then_cleared(image: np.ndarray, down: int, right: int) -> np.ndarray:
    """Wrap around, then clear the strip that came in; a negative shift clears nothing."""
    moved = np.roll(image, (down, right), axis=(0, 1))
    if down > 0:
        moved[:down] = 0
    if right > 0:
        moved[:, :right] = 0
    return moved


def _numbers(h: int, w: int) -> np.ndarray:
    return np.arange(1.0, h * w + 1).reshape(h, w)


SHIFT = Exercise(
    id="images_and_invariance/shift",
    section=SECTION,
    title="A shift without wrap-around",
    reference=shift,
    cases=[
        case(_numbers(3, 4), 1, 0, label="one pixel down"),
        case(_numbers(3, 4), 0, 1, label="one pixel to the right"),
        case(_numbers(3, 4), 0, 0, label="no shift at all"),
        case(_numbers(4, 5), -1, 2, label="up and to the right"),
        case(_numbers(4, 5), 2, -3, label="down and to the left"),
        case(_numbers(5, 3), -2, -1, label="up and to the left"),
        case(_numbers(3, 4), 3, 0, label="down by the whole height: nothing is left"),
        case(_numbers(3, 4), 1, -6, label="further than the picture is wide"),
        case(_numbers(2, 2), -5, 5, label="much further than the picture is large"),
    ],
    alternatives=[_shift_by_places],
    mistakes=[
        Mistake(
            lambda image, down, right: np.roll(image, (down, right), axis=(0, 1)),
            "The picture wraps around: what leaves on one side comes back on the other, as np.roll does it. It must "
            "be lost, and zeros come in.",
        ),
        Mistake(
            lambda image, down, right: shift(image, -down, -right),
            "The picture moves the other way. Row numbers grow downwards: the pixel of row i moves to row i + down.",
        ),
        Mistake(
            lambda image, down, right: shift(image, right, down),
            "Rows and columns are exchanged: `down` belongs to axis 0, `right` to axis 1.",
        ),
        Mistake(
            lambda image, down, right: shift(image, -down, right),
            "Up and down are exchanged: row 0 is at the top, so the picture moves down when row numbers grow.",
        ),
        Mistake(
            _edges_repeated,
            "The pixels that come in repeat the edge of the picture. They must be 0.",
        ),
        Mistake(
            _rolled_then_cleared,
            "This is np.roll with the strip that came in set to zero for positive shifts only. Shifts up and to the "
            "left bring in a strip at the other end.",
        ),
        Mistake(
            lambda image, down, right: np.roll(shift(image, down, 0), right, axis=1),
            "Rows are right, but columns still wrap around.",
        ),
        Mistake(
            lambda image, down, right: shift(image, max(down, 0), max(right, 0)),
            "Negative shifts are ignored here. They move the picture up and to the left.",
        ),
    ],
    hint="Start from np.zeros_like(image). Which rows of the picture are still visible, and in which rows do they "
    "arrive? Mind shifts larger than the picture.",
)

# correlation at a distance


def _pairs(image: np.ndarray, down: int, right: int) -> tuple[np.ndarray, np.ndarray]:
    h, w = image.shape
    return image[: h - down, : w - right].ravel(), image[down:, right:].ravel()


def correlation_at(image: np.ndarray, down: int, right: int) -> float:
    """Pearson correlation of each pixel with the one so many rows below and columns to the right."""
    a, b = _pairs(image, down, right)
    a, b = a - a.mean(), b - b.mean()
    return float((a * b).sum() / np.sqrt((a * a).sum() * (b * b).sum()))


def _of_pairs(formula: Callable[[np.ndarray, np.ndarray], float]) -> Callable[..., float]:
    return lambda image, down, right: float(formula(*_pairs(image, down, right)))


def _wrapped(image: np.ndarray, down: int, right: int) -> float:
    return float(np.corrcoef(image.ravel(), np.roll(image, (-down, -right), axis=(0, 1)).ravel())[0, 1])


def _other_diagonal(image: np.ndarray, down: int, right: int) -> float:
    return correlation_at(image[:, ::-1], down, right)


def _whole_mean(image: np.ndarray, down: int, right: int) -> float:
    """Center and scale by the mean and variance of the whole picture instead of those of the pairs."""
    a, b = _pairs(image - image.mean(), down, right)
    return float((a * b).mean() / image.var())


def _smooth(rng: np.random.Generator, h: int, w: int) -> np.ndarray:
    """A cloudy picture in [0, 1], brighter to the right, as float64."""
    noise = rng.normal(size=(h + 4, w + 4))
    cloud = np.lib.stride_tricks.sliding_window_view(noise, (5, 5)).mean(axis=(2, 3)) + np.linspace(0, 0.6, w)
    return (cloud - cloud.min()) / (cloud.max() - cloud.min())


def _correlation_cases(rng: np.random.Generator) -> list:
    cloud, small = _smooth(rng, 12, 15), _smooth(rng, 7, 9)
    return [
        case(cloud, 0, 1, label="right neighbours"),
        case(cloud, 1, 0, label="the pixels below"),
        case(cloud, 0, 0, label="each pixel with itself"),
        case(cloud, 2, 3, label="two down and three to the right"),
        case(small, 3, 1, label="a small picture"),
        case(small * 100 + 40, 0, 4, label="another brightness and contrast, which must not matter"),
        case(np.add.outer(0.1 * np.arange(6), np.tile([0.0, 1.0], 4)), 1, 1, label="stripes one pixel wide"),
    ]


CORRELATION = Exercise(
    id="images_and_invariance/correlation_at",
    section=SECTION,
    title="Correlation at a distance",
    reference=correlation_at,
    cases=_correlation_cases,
    alternatives=[_of_pairs(lambda a, b: np.corrcoef(a, b)[0, 1])],
    mistakes=[
        Mistake(
            _wrapped,
            "The pairs wrap around: the last column is paired with the first, as np.roll does it. Leave those pairs out.",
        ),
        Mistake(
            lambda image, down, right: correlation_at(image.T, down, right),
            "Down and right are exchanged: axis 0 counts rows, downwards.",
        ),
        Mistake(
            _other_diagonal,
            "The partner is taken so many columns to the left. It stands `down` rows below and `right` columns to the "
            "right.",
        ),
        Mistake(
            _of_pairs(lambda a, b: np.cov(a, b)[0, 1]),
            "This is the covariance. Divide by both standard deviations, so that brightness and contrast don't matter.",
        ),
        Mistake(
            _of_pairs(lambda a, b: (a @ b) / np.sqrt((a @ a) * (b @ b))),
            "The means are not subtracted: this is the cosine of the angle between the two lists of pixels.",
        ),
        Mistake(
            _of_pairs(lambda a, b: np.corrcoef(a, b)[0, 1] ** 2),
            "This is the square of the correlation, the share of the variance that is explained.",
        ),
        Mistake(
            _of_pairs(lambda a, b: abs(np.corrcoef(a, b)[0, 1])),
            "The sign is lost. Where bright pixels have dark partners the correlation is negative.",
        ),
        Mistake(
            _whole_mean,
            "Mean and variance are those of the whole picture here. Take those of the pixels that do have a partner, "
            "once for the first and once for the second of each pair.",
        ),
        Mistake(
            lambda image, down, right: correlation_at(image, 0, right),
            "The rows are ignored: the partner also stands `down` rows below.",
        ),
    ],
    hint="Cut the picture twice: all pixels that have a partner, and all partners. Both cuts have h - down rows and "
    "w - right columns. Beware of image[:-0], which is empty.",
)
