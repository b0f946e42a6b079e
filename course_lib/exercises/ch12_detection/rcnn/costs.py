"""Exercises on what R-CNN repeats, and on what it keeps."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "12_detection/rcnn"
Array = np.ndarray

# pixels that are computed again


def _counts(boxes: Array, height: int, width: int) -> Array:
    """In how many boxes each pixel is."""
    counts = np.zeros((height, width), dtype=int)
    for x1, y1, x2, y2 in boxes:
        counts[max(y1, 0) : max(y2, 0), max(x1, 0) : max(x2, 0)] += 1
    return counts


def repeated(boxes: Array, height: int, width: int) -> float:
    """Share of the work that was done before."""
    counts = _counts(boxes, height, width)
    return float(1 - (counts > 0).sum() / counts.sum()) if counts.any() else 0.0


def _by_corners(boxes: Array, height: int, width: int) -> float:
    steps = np.zeros((height + 1, width + 1), dtype=int)
    x1, y1, x2, y2 = np.clip(boxes, 0, [width, height, width, height]).reshape(-1, 4).T
    for y, x, sign in ((y1, x1, 1), (y1, x2, -1), (y2, x1, -1), (y2, x2, 1)):
        np.add.at(steps, (y, x), sign)
    counts = steps.cumsum(axis=0).cumsum(axis=1)
    again = np.maximum(counts - 1, 0).sum()
    return again / max(counts.sum(), 1)


def _share(
    of: Callable[[Array, int], float],
    counts: Callable[[Array, int, int], Array] = _counts,
) -> Callable[[Array, int, int], float]:
    """Another share, or other counts; 0 where there is nothing."""

    def answer(boxes: Array, height: int, width: int) -> float:
        found = counts(boxes, height, width)
        return float(of(found, height * width)) if found.any() else 0.0

    return answer


def _right(counts: Array, pixels: int) -> float:
    return 1 - (counts > 0).sum() / counts.sum()


def _unclipped(boxes: Array, height: int, width: int) -> float:
    areas = ((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])).sum()
    return 1 - (_counts(boxes, height, width) > 0).sum() / areas if areas else 0.0


def _by_pairs(boxes: Array, height: int, width: int) -> float:
    counts = _counts(boxes, height, width)
    pairs = (counts * (counts - 1) // 2).sum()
    return float(pairs / counts.sum()) if counts.any() else 0.0


def _last_pixel(boxes: Array, height: int, width: int) -> Array:
    return _counts(boxes + np.array([0, 0, 1, 1]), height, width)


def _wrapped(boxes: Array, height: int, width: int) -> Array:
    counts = np.zeros((height, width), dtype=int)
    for x1, y1, x2, y2 in boxes:
        counts[y1:y2, x1:x2] += 1
    return counts


def _box_cases(rng: np.random.Generator) -> list[Case]:
    corner, sides = rng.integers(-4, 30, (12, 2)), rng.integers(3, 14, (12, 2))
    many = np.concatenate([corner, corner + sides], axis=1)
    return [
        case(np.array([[2, 1, 6, 5]]), 8, 10, label="one box"),
        case(np.array([[0, 0, 4, 4], [2, 0, 6, 4]]), 8, 10, label="two that share a half"),
        case(np.array([[0, 0, 4, 2], [0, 0, 4, 2], [0, 0, 4, 2]]), 8, 10, label="the same one three times"),
        case(np.array([[-3, -2, 4, 3], [1, 1, 5, 3]]), 8, 10, label="out of the picture at the top left"),
        case(np.array([[6, 5, 14, 12], [4, 2, 8, 7]]), 8, 10, label="out of the picture at the lower right"),
        case(many, 24, 30, label="twelve boxes"),
        case(np.zeros((0, 4), dtype=int), 8, 10, label="no box"),
    ]


REPEATED = Exercise(
    id="rcnn/repeated",
    section=SECTION,
    title="What is computed again",
    reference=repeated,
    cases=_box_cases,
    alternatives=[_by_corners],
    mistakes=[
        Mistake(
            _share(lambda counts, pixels: (counts > 0).sum() / counts.sum()),
            "That is the share that was computed for the first time. The repeated share is the rest.",
        ),
        Mistake(
            _share(lambda counts, pixels: (counts > 1).sum() / (counts > 0).sum()),
            "That is the share of pixels that are in several boxes. One that is in five was repeated four times.",
        ),
        Mistake(
            _share(lambda counts, pixels: counts.sum() / (counts > 0).sum()),
            "That is how often a pixel is computed on average. Say which share of all those computations was not the first.",
        ),
        Mistake(
            _share(lambda counts, pixels: np.maximum(counts - 1, 0).sum() / pixels),
            "The repetitions are divided by the pixels of the picture. Divide by all pixels that were computed.",
        ),
        Mistake(
            _share(lambda counts, pixels: np.maximum(counts - 1, 0).sum() / (counts > 0).sum()),
            "These are repetitions for each pixel that is in a box at all. Divide by all computations, the first ones too.",
        ),
        Mistake(
            _share(lambda counts, pixels: (counts * (counts > 1)).sum() / counts.sum()),
            "The first time counts as a repetition, too, where others follow. Each pixel's first time is new.",
        ),
        Mistake(
            _unclipped,
            "The whole area of the boxes counts. What lies outside the picture is no pixel of it.",
        ),
        Mistake(
            _by_pairs,
            "Every pair of boxes that share a pixel counts: three boxes give three pairs, but two repetitions.",
        ),
        Mistake(
            _share(_right, _last_pixel),
            "The boxes hold one more column and row. x2 and y2 are edges, so that a box is x2 - x1 wide.",
        ),
        Mistake(
            _share(_right, _wrapped),
            "A box that starts outside the picture is lost or misplaced: a negative index counts from the end. Cut it at 0.",
        ),
        Mistake(
            lambda boxes, height, width: repeated(boxes[:, [1, 0, 3, 2]], height, width),
            "Rows and columns are exchanged: x runs along the second axis.",
        ),
        Mistake(
            lambda boxes, height, width: repeated(boxes, height, width) if len(boxes) else float("nan"),
            "Without boxes this is 0 / 0. Nothing is repeated there: 0.",
        ),
    ],
    hint="Count for each pixel in how many boxes it is. What are the sum of the counts, and the number of pixels that count?",
)

# features on a disk


def _mask_bytes(d: int) -> int:
    return -(-d // 8)


def store(x: Array, each: int) -> tuple[int, int]:
    """Bytes of all numbers, and of a mask and the numbers that are not 0."""
    return x.size * each, len(x) * _mask_bytes(x.shape[1]) + int((x != 0).sum()) * each


def _row_by_row(x: Array, each: int) -> tuple[int, int]:
    packed = sum(len(np.packbits(row != 0)) + each * len(row[row != 0]) for row in x)
    return sum(len(row) * each for row in x), packed


def _store(
    dense: Callable[[Array, int], float] = lambda x, each: x.size * each,
    mask: Callable[[int, int], float] = lambda n, d: n * _mask_bytes(d),
    kept: Callable[[Array], int] = lambda x: int((x != 0).sum()),
    numbers: Callable[[int, int], float] = lambda kept, each: kept * each,
) -> Callable[[Array, int], tuple[float, float]]:
    """Another size of the whole, of the mask, or of what is kept."""
    return lambda x, each: (dense(x, each), mask(*x.shape) + numbers(kept(x), each))


def _feature_cases(rng: np.random.Generator) -> list[Case]:
    def draw(n: int, d: int, each: int, zero: float, label: str) -> Case:
        x = rng.integers(1, 90, (n, d)) / 10 * rng.choice([-1, 1], (n, d), p=[0.2, 0.8])
        return case(x * (rng.random((n, d)) >= zero), each, label=label)

    return [
        case(np.array([[0, 2.5, 0, 0, 1.5, 0, 0, 3.0]]), 4, label="one region, eight features"),
        case(np.array([[1.0, 0, 0], [0, 0, 0.5], [0, 0, 0]]), 4, label="rows of three bits"),
        draw(5, 20, 2, 0.5, "two bytes each"),
        draw(7, 64, 4, 0.7, "sparse"),
        draw(3, 12, 8, 0.0, "no zeros"),
        draw(6, 9, 4, 1.0, "nothing but zeros"),
    ]


DISK = Exercise(
    id="rcnn/disk",
    section=SECTION,
    title="Features on a disk",
    reference=store,
    cases=_feature_cases,
    alternatives=[_row_by_row],
    mistakes=[
        Mistake(
            _store(dense=lambda x, each: 8 * x.size * each),
            "The first number is in bits. Both are to be in bytes.",
        ),
        Mistake(
            _store(dense=lambda x, each: x.size),
            "The first one counts numbers. Each takes several bytes.",
        ),
        Mistake(
            _store(dense=lambda x, each: x.nbytes),
            "The first one is what this array takes in memory. On the disk a number takes each bytes.",
        ),
        Mistake(
            _store(dense=lambda x, each: int((x != 0).sum()) * each),
            "The first one leaves out the zeros. It is the size of all numbers, zeros too.",
        ),
        Mistake(
            _store(mask=lambda n, d: 0),
            "Without the mask nobody knows which feature a number belongs to. Count it.",
        ),
        Mistake(
            _store(mask=lambda n, d: n * d),
            "The mask has a byte for each feature. A bit is enough: eight of them in a byte.",
        ),
        Mistake(
            _store(mask=lambda n, d: _mask_bytes(n * d)),
            "The bits of all rows run on without a gap. Each row's mask is filled up to whole bytes.",
        ),
        Mistake(
            _store(mask=lambda n, d: n * (d // 8)),
            "The last bits of a row have no room: the mask's bytes are rounded down. Round up.",
        ),
        Mistake(
            _store(mask=lambda n, d: n * d / 8),
            "The mask has a broken number of bytes. Round each row's up.",
        ),
        Mistake(
            _store(mask=lambda n, d: _mask_bytes(d)),
            "There is one mask for all rows. Each row has zeros of its own.",
        ),
        Mistake(
            _store(kept=lambda x: int((x > 0).sum())),
            "Only positive numbers are kept. Here some are negative, and belong to what is not 0.",
        ),
        Mistake(
            _store(kept=lambda x: int((x == 0).sum())),
            "The zeros are kept and the others left out. It is the other way round.",
        ),
        Mistake(
            _store(numbers=lambda kept, each: kept * 4),
            "The numbers that are kept take 4 bytes whatever their type. Use each.",
        ),
        Mistake(
            lambda x, each: store(x, each)[::-1],
            "The two are exchanged: first all numbers, then mask and rest.",
        ),
    ],
    hint="A row of 20 features has a mask of 3 bytes.",
)
