"""Exercises on images: crop them and mix them."""

import numpy as np

from course_lib.exercises import Exercise, Mistake, case

SECTION = "03_regularization/noise_and_augmentation"

# a crop out of a padded image


def crop(x: np.ndarray, size: int, padding: int, tops: np.ndarray, lefts: np.ndarray) -> np.ndarray:
    """Windows (n, c, size, size) of padded images (n, c, h, w)."""
    return _windows(_padded(x, padding), size, tops, lefts)


def _padded(x: np.ndarray, padding: int, **options: object) -> np.ndarray:
    return np.pad(x, [(0, 0), (0, 0), (padding, padding), (padding, padding)], **options)  # type: ignore[call-overload]


def _windows(padded: np.ndarray, size: int, tops: np.ndarray, lefts: np.ndarray) -> np.ndarray:
    return np.stack(
        [image[:, t : t + size, s : s + size] for image, t, s in zip(padded, tops, lefts, strict=True)]
    )


def _at_once(x: np.ndarray, size: int, padding: int, tops: np.ndarray, lefts: np.ndarray) -> np.ndarray:
    padded = _padded(x, padding)
    rows = np.asarray(tops)[:, None, None] + np.arange(size)[:, None]
    columns = np.asarray(lefts)[:, None, None] + np.arange(size)
    return padded[np.arange(len(x))[:, None, None], :, rows, columns].transpose(0, 3, 1, 2)


def _of_the_image(x: np.ndarray, size: int, padding: int, tops: np.ndarray, lefts: np.ndarray) -> np.ndarray:
    """Take the places for those of the image without its padding."""
    room = _padded(x, padding + max(x.shape[2:]) + size)
    shift = max(x.shape[2:]) + size + padding
    return _windows(room, size, np.asarray(tops) + shift, np.asarray(lefts) + shift)


def _numbers(n: int, c: int, h: int, w: int) -> np.ndarray:
    return np.arange(1.0, n * c * h * w + 1).reshape(n, c, h, w)


CROP = Exercise(
    id="noise_and_augmentation/crop",
    section=SECTION,
    title="A crop out of a padded image",
    reference=crop,
    cases=[
        case(_numbers(1, 1, 4, 4), 2, 0, np.array([1]), np.array([2]), label="no padding"),
        case(_numbers(1, 1, 3, 3), 3, 1, np.array([0]), np.array([2]), label="a shift down and to the left"),
        case(_numbers(2, 1, 3, 4), 3, 1, np.array([2, 0]), np.array([1, 3]), label="two images, two places"),
        case(_numbers(3, 2, 4, 5), 4, 2, np.array([0, 4, 2]), np.array([5, 1, 2]), label="two channels"),
        case(
            _numbers(2, 3, 2, 2),
            5,
            2,
            np.array([0, 1]),
            np.array([1, 0]),
            label="a window larger than the image",
        ),
    ],
    alternatives=[_at_once],
    mistakes=[
        Mistake(
            lambda x, size, padding, tops, lefts: _windows(_padded(x, padding), size, lefts, tops),
            "Rows and columns are exchanged: `tops` are rows, which is axis 2.",
        ),
        Mistake(
            lambda x, size, padding, tops, lefts: _windows(
                _padded(x, padding), size, np.full(len(x), tops[0]), np.full(len(x), lefts[0])
            ),
            "All images have the window of the first. Each has a place of its own.",
        ),
        Mistake(
            _of_the_image,
            "The places are counted from the corner of the image here. They are those of the padded image, so row 0 "
            "is the first row of zeros.",
        ),
        Mistake(
            lambda x, size, padding, tops, lefts: _windows(
                _padded(x, padding, mode="edge"), size, tops, lefts
            ),
            "The padding repeats the edge of the image. It must be zeros.",
        ),
        Mistake(
            lambda x, size, padding, tops, lefts: _windows(
                np.pad(x, [(0, 0), (0, 0), (2 * padding, 0), (2 * padding, 0)]), size, tops, lefts
            ),
            "All of the padding is above and to the left. It belongs on every side.",
        ),
        Mistake(
            lambda x, size, padding, tops, lefts: _windows(
                _padded(x, padding)[:, :, ::-1], size, tops, lefts
            ),
            "The images are upside down: row 0 is at the top.",
        ),
        Mistake(
            lambda x, size, padding, tops, lefts: crop(x, size, padding, tops, lefts)[:, :1].repeat(
                x.shape[1], axis=1
            ),
            "All channels are copies of the first. The window cuts through each of them at the same place.",
        ),
    ],
    hint="np.pad takes a pair (before, after) for each of the four axes; those of images and channels get no padding.",
)

# mixup

Pair = tuple[np.ndarray, np.ndarray]


def mixed_up(x: np.ndarray, y: np.ndarray, num_classes: int, weight: np.ndarray, partner: np.ndarray) -> Pair:
    """Mixtures (n, c, h, w) of examples, and their targets (n, num_classes)."""
    hot = np.eye(num_classes)[y]
    return _mixed(x, weight, partner), _mixed(hot, weight, partner)


def _mixed(values: np.ndarray, weight: np.ndarray, partner: np.ndarray) -> np.ndarray:
    w = np.asarray(weight).reshape(-1, *[1] * (values.ndim - 1))
    return w * values + (1 - w) * values[partner]


def _one_by_one(
    x: np.ndarray, y: np.ndarray, num_classes: int, weight: np.ndarray, partner: np.ndarray
) -> Pair:
    mixtures, targets = np.zeros(x.shape), np.zeros((len(x), num_classes))
    for i, j in enumerate(partner):
        mixtures[i] = weight[i] * x[i] + (1 - weight[i]) * x[j]
        targets[i, y[i]] += weight[i]
        targets[i, y[j]] += 1 - weight[i]
    return mixtures, targets


def _overwritten(
    x: np.ndarray, y: np.ndarray, num_classes: int, weight: np.ndarray, partner: np.ndarray
) -> Pair:
    """Set the entries of the two labels, so that the second overwrites the first where they are equal."""
    targets = np.zeros((len(x), num_classes))
    targets[np.arange(len(x)), y] = weight
    targets[np.arange(len(x)), np.asarray(y)[partner]] = 1 - np.asarray(weight)
    return _mixed(x, weight, partner), targets


def _in_place(
    x: np.ndarray, y: np.ndarray, num_classes: int, weight: np.ndarray, partner: np.ndarray
) -> Pair:
    """Mix one after the other in place, so that later examples meet mixtures."""
    mixtures, targets = np.array(x, dtype=float), np.eye(num_classes)[y]
    for i, j in enumerate(partner):
        mixtures[i] = weight[i] * mixtures[i] + (1 - weight[i]) * mixtures[j]
        targets[i] = weight[i] * targets[i] + (1 - weight[i]) * targets[j]
    return mixtures, targets


def _into_x(x: np.ndarray, y: np.ndarray, num_classes: int, weight: np.ndarray, partner: np.ndarray) -> Pair:
    """Mix the images one after the other in place, and the labels as they should be."""
    return _in_place(x, y, num_classes, weight, partner)[0], mixed_up(x, y, num_classes, weight, partner)[1]


def _winner(x: np.ndarray, y: np.ndarray, num_classes: int, weight: np.ndarray, partner: np.ndarray) -> Pair:
    """One-hot targets of the heavier of the two labels."""
    heavier = np.where(np.asarray(weight) >= 0.5, y, np.asarray(y)[partner])
    return _mixed(x, weight, partner), np.eye(num_classes)[heavier]


def _mixup_cases(rng: np.random.Generator) -> list:
    def images(n: int, c: int, h: int, w: int) -> np.ndarray:
        return rng.random((n, c, h, w))

    return [
        case(
            images(2, 1, 2, 2), np.array([0, 1]), 2, np.array([0.75, 0.75]), np.array([1, 0]), label="a pair"
        ),
        case(
            images(3, 1, 2, 3),
            np.array([2, 0, 1]),
            4,
            np.array([0.9, 0.2, 0.6]),
            np.array([1, 2, 0]),
            label="three examples, three weights, a class that does not occur",
        ),
        case(
            images(4, 3, 2, 2),
            np.array([1, 1, 0, 2]),
            3,
            np.array([0.3, 0.8, 1.0, 0.0]),
            np.array([1, 3, 0, 2]),
            label="partners of the same class, weights of 0 and 1",
        ),
        case(
            images(5, 2, 3, 1),
            np.array([0, 4, 4, 1, 3]),
            5,
            np.array([0.55, 0.1, 0.7, 0.4, 0.95]),
            np.array([2, 1, 0, 4, 3]),
            label="an example that is its own partner",
        ),
    ]


MIXUP = Exercise(
    id="noise_and_augmentation/mixup",
    section=SECTION,
    title="Mixup",
    reference=mixed_up,
    cases=_mixup_cases,
    alternatives=[_one_by_one],
    mistakes=[
        Mistake(
            lambda x, y, k, weight, partner: (_mixed(x, weight, partner), np.eye(k)[y]),
            "The images are mixed, but the labels are the old ones.",
        ),
        Mistake(
            lambda x, y, k, weight, partner: (
                _mixed(x, 1 - np.asarray(weight), partner),
                mixed_up(x, y, k, weight, partner)[1],
            ),
            "In the images the weights are exchanged: example i gets weight[i], its partner the rest. The targets are right.",
        ),
        Mistake(
            lambda x, y, k, weight, partner: mixed_up(x, y, k, 1 - np.asarray(weight), partner),
            "The weights are exchanged: example i gets weight[i], its partner 1 - weight[i].",
        ),
        Mistake(
            lambda x, y, k, weight, partner: mixed_up(x, y, k, np.full(len(x), weight[0]), partner),
            "All examples are mixed with the first weight. Each has its own.",
        ),
        Mistake(
            _overwritten,
            "Where both examples have the same class its target must be 1: add the two parts instead of "
            "writing one over the other.",
        ),
        Mistake(
            _in_place,
            "Some examples are mixed with mixtures: an image that was mixed before has been used as a partner. Mix "
            "the images as they were.",
        ),
        Mistake(
            _into_x,
            "A partner is read after it has been mixed itself. Mix with the images as they were.",
        ),
        Mistake(
            _winner,
            "The targets are one-hot. They must be mixed in the same proportion as the images.",
        ),
        Mistake(
            lambda x, y, k, weight, partner: mixed_up(x, y, k, weight, np.argsort(partner)),
            "The partners are those of the inverse permutation. The partner of example i is x[partner[i]].",
        ),
        Mistake(
            lambda x, y, k, weight, partner: mixed_up(x, y, k, weight, np.arange(len(x))[::-1]),
            "Every example is mixed with the one at the other end of the batch. Use `partner`.",
        ),
    ],
    hint="Turn the labels into one-hot rows first. Then images and labels are mixed by the same formula; give the "
    "weights as many axes as what they multiply.",
)
