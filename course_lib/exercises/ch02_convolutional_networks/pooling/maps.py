"""Exercises on whole maps: cropping their spectrum, and measuring what a shift changes."""

from collections.abc import Callable
from typing import Any

import numpy as np

from course_lib.exercises import Exercise, Mistake, case

SECTION = "02_convolutional_networks/pooling"
ROWS, COLUMNS = -2, -1

# spectral pooling


def spectral_pool(maps: np.ndarray, h: int, w: int) -> np.ndarray:
    """Shift the two directions of the image only, cut out the middle, scale."""
    big_h, big_w = maps.shape[1:]
    spectrum = np.fft.fftshift(np.fft.fft2(maps), axes=(ROWS, COLUMNS))
    top, left = big_h // 2 - h // 2, big_w // 2 - w // 2
    kept = np.fft.ifftshift(spectrum[:, top : top + h, left : left + w], axes=(ROWS, COLUMNS))
    return np.fft.ifft2(kept).real * (h * w) / (big_h * big_w)


def _by_rows(maps: np.ndarray, h: int, w: int) -> np.ndarray:
    pooled = maps
    for axis, size in ((ROWS, h), (COLUMNS, w)):
        half = np.fft.rfft(pooled, axis=axis, norm="forward")
        kept = np.take(half, np.arange(size // 2 + 1), axis=axis)
        pooled = np.fft.irfft(kept, size, axis=axis, norm="forward")
    return pooled


def _cropped(
    start: Callable[[int, int], int] = lambda whole, part: whole // 2 - part // 2,
    back_axes: tuple[int, ...] | None = (ROWS, COLUMNS),
    there: bool = True,
    back: bool = True,
    finish: Callable[[np.ndarray], np.ndarray] = np.real,
    scaled: bool = True,
) -> Callable[..., np.ndarray]:
    """A wrong crop: another start, other axes on the way back, a shift left out, another way to a real image, no scale."""

    def answer(maps: np.ndarray, h: int, w: int) -> np.ndarray:
        big_h, big_w = maps.shape[1:]
        spectrum = np.fft.fft2(maps)
        if there:
            spectrum = np.fft.fftshift(spectrum, axes=(ROWS, COLUMNS))
        top, left = start(big_h, h), start(big_w, w)
        kept = spectrum[:, top : top + h, left : left + w]
        if back:
            kept = np.fft.ifftshift(kept, axes=back_axes)
        return finish(np.fft.ifft2(kept)) * ((h * w) / (big_h * big_w) if scaled else 1.0)

    return answer


def _plain_cut(maps: np.ndarray, h: int, w: int) -> np.ndarray:
    top, left = (maps.shape[1] - h) // 2, (maps.shape[2] - w) // 2
    return maps[:, top : top + h, left : left + w].copy()


def _pictures(rng: np.random.Generator, c: int, h: int, w: int) -> np.ndarray:
    return rng.random((c, h, w)).cumsum(axis=1).cumsum(axis=2) / (h * w)


def _spectral_cases(rng: np.random.Generator) -> list:
    return [
        case(_pictures(rng, 1, 9, 9), 5, 5, label="one map, 9 × 9 to 5 × 5"),
        case(np.full((2, 8, 8), 3.0) + np.arange(2.0)[:, None, None], 3, 3, label="two constant maps"),
        case(_pictures(rng, 3, 8, 8), 5, 5, label="three maps of an even size"),
        case(_pictures(rng, 2, 12, 7), 5, 3, label="high maps"),
        case(_pictures(rng, 2, 7, 10), 7, 5, label="the height is kept"),
        case(_pictures(rng, 4, 6, 6), 1, 1, label="to a single entry: the mean"),
        case(rng.standard_normal((2, 9, 8)), 5, 3, label="entries of both signs"),
    ]


SPECTRAL = Exercise(
    id="pooling/spectral_pool",
    section=SECTION,
    title="Crop the spectrum of many maps",
    reference=spectral_pool,
    cases=_spectral_cases,
    alternatives=[_by_rows],
    mistakes=[
        Mistake(
            _cropped(scaled=False),
            "The result is too bright: ifft2 divides by the few entries that are left, fft2 summed over all. "
            "Multiply by h w / (H W).",
        ),
        Mistake(
            _cropped(start=lambda whole, part: 0, there=False, back=False),
            "This cuts the corner of the spectrum as fft2 returns it. Move the mean into the middle first: np.fft.fftshift.",
        ),
        Mistake(
            _cropped(start=lambda whole, part: (whole - part) // 2),
            "The cut is off by one where the size is even: the mean stands at H // 2, so start at H // 2 - h // 2.",
        ),
        Mistake(
            _cropped(back=False),
            "The spectrum is not moved back before the inverse transform: np.fft.ifftshift.",
        ),
        Mistake(
            _cropped(finish=np.abs),
            "This takes absolute values at the end, and loses the sign. Take the real part.",
        ),
        Mistake(
            _cropped(back_axes=None),
            "The maps have changed places: one of the two shifts moves them as well. Say which axes in both: axes=(1, 2).",
        ),
        Mistake(
            _cropped(start=lambda whole, part: 0, back=False),
            "This keeps the fastest waves, at the corner of the shifted spectrum. The slow ones stand in the middle.",
        ),
        Mistake(
            _plain_cut,
            "This cuts the middle out of the image. Cut it out of the spectrum.",
        ),
    ],
    hint="As in the text, but every call that shifts must be told which axes are rows and columns.",
)

# invariance

Pool = Callable[[np.ndarray], np.ndarray]


def shift_change(pool: Pool, image: np.ndarray, shift: int) -> float:
    """Two views of one image, as wide as each other; nothing wraps around."""
    width = image.shape[1] - shift
    before, after = pool(image[:, :width]), pool(image[:, shift:])
    return float(np.linalg.norm(after - before) / np.linalg.norm(before - before.mean()))


def _with_root(pool: Pool, image: np.ndarray, shift: int) -> float:
    before, after = pool(image[:, : image.shape[1] - shift]), pool(image[:, shift:])
    return float(np.sqrt(((before - after) ** 2).mean() / before.var()))


def _views(measure: Callable[[np.ndarray, np.ndarray], Any]) -> Callable[..., float]:
    """A wrong measure of the two pooled views."""

    def answer(pool: Pool, image: np.ndarray, shift: int) -> float:
        return float(measure(pool(image[:, : image.shape[1] - shift]), pool(image[:, shift:])))

    return answer


def _wrapped(pool: Pool, image: np.ndarray, shift: int) -> float:
    before, after = pool(image), pool(np.roll(image, -shift, axis=1))
    return float(np.linalg.norm(after - before) / np.linalg.norm(before - before.mean()))


def _downwards(pool: Pool, image: np.ndarray, shift: int) -> float:
    return shift_change(pool, image.T, shift)


def _before_pooling(pool: Pool, image: np.ndarray, shift: int) -> float:
    return shift_change(lambda x: x, image, shift)


def _empty_at_zero(pool: Pool, image: np.ndarray, shift: int) -> float:
    return float("nan") if shift == 0 else shift_change(pool, image, shift)


def _largest_in_pairs(x: np.ndarray) -> np.ndarray:
    h, w = x.shape[0] // 2, x.shape[1] // 2
    return x[: h * 2, : w * 2].reshape(h, 2, w, 2).max(axis=(1, 3))


def _column_means(x: np.ndarray) -> np.ndarray:
    w = x.shape[1] // 3
    return x[:, : w * 3].reshape(len(x), w, 3).mean(axis=2)


def _rows_of_maxima(x: np.ndarray) -> np.ndarray:
    return x.max(axis=1)


def _shift_cases(rng: np.random.Generator) -> list:
    image = rng.random((8, 13)).cumsum(axis=0) + rng.random((8, 13))
    return [
        case(_largest_in_pairs, image, 1, label="max pooling, one pixel"),
        case(_largest_in_pairs, image, 2, label="max pooling, two pixels"),
        case(_column_means, image, 3, label="averages of three columns, three pixels"),
        case(_rows_of_maxima, image, 4, label="the maximum of each row, four pixels"),
        case(_largest_in_pairs, image - 5, 1, label="an image with negative entries"),
        case(_column_means, image, 0, label="no shift at all"),
    ]


SHIFT_CHANGE = Exercise(
    id="pooling/shift_change",
    section=SECTION,
    title="How invariant is it?",
    reference=shift_change,
    cases=_shift_cases,
    alternatives=[_with_root],
    mistakes=[
        Mistake(
            _wrapped,
            "Here the image wraps around: what leaves on the left comes in on the right. Compare two views, each "
            "`shift` columns narrower than the image.",
        ),
        Mistake(
            _views(lambda a, b: np.linalg.norm(b - a)),
            "This is the length of the difference alone. Divide by the length of the pooled first view without its mean.",
        ),
        Mistake(
            _views(lambda a, b: np.linalg.norm(b - a) / np.linalg.norm(a)),
            "The mean is not subtracted from the pooled first view before its length is taken, so that brightness "
            "alone makes the change look small.",
        ),
        Mistake(
            _views(lambda a, b: np.linalg.norm(b - a) / np.linalg.norm(b - b.mean())),
            "This divides by the length of the second view. Divide by that of the first.",
        ),
        Mistake(
            _views(lambda a, b: ((b - a) ** 2).mean() / a.var()),
            "This is the square of what was asked for: take lengths, not their squares.",
        ),
        Mistake(
            _views(lambda a, b: np.abs(np.linalg.norm(b) - np.linalg.norm(a)) / np.linalg.norm(a - a.mean())),
            "This compares the two lengths. Take the length of the difference: entries may change and the length stay.",
        ),
        Mistake(
            _downwards,
            "The shift goes along the rows here, downwards. It should go along the columns, to the side.",
        ),
        Mistake(
            _before_pooling,
            "The views are compared before pooling. Pool each of them, then compare.",
        ),
        Mistake(
            _empty_at_zero,
            "Without a shift this is NaN: image[:, :-0] is empty. Use the width minus the shift.",
        ),
    ],
    hint="One view leaves out the last `shift` columns, the other the first. Pool both, then compare.",
)

EXERCISES = [SPECTRAL, SHIFT_CHANGE]
