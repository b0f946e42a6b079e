"""The exercise on class activation maps."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "06_architectures/network_in_network"


def class_maps(maps: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """The head's weights at every place."""
    return np.asarray(np.einsum("kc,cij->kij", weight, maps) + bias[:, None, None])


def _as_product(maps: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
    c, h, w = maps.shape
    return np.asarray((weight @ maps.reshape(c, h * w)).reshape(-1, h, w) + bias.reshape(-1, 1, 1))


def _spread_bias(share: Callable[[int], float]) -> Callable[..., np.ndarray]:
    """A part of the bias at every place, as a function of the number of places."""

    def answer(maps: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
        return class_maps(maps, weight, share(maps[0].size) * bias)

    return answer


def _transposed(maps: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
    square = weight.shape[0] == weight.shape[1]
    return class_maps(maps, weight.T if square else weight, bias)


def _divided(maps: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
    return class_maps(maps, weight, bias) / maps[0].size


def _scores(maps: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
    return np.asarray(weight @ maps.mean(axis=(1, 2)) + bias)


def _flat(maps: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
    every = class_maps(maps, weight, bias)
    return np.broadcast_to(every.mean(axis=(1, 2), keepdims=True), every.shape)


def _best_class(maps: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
    every = class_maps(maps, weight, bias)
    return np.asarray(every[every.mean(axis=(1, 2)).argmax()])


def _stretched(maps: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
    every = class_maps(maps, weight, bias)
    low = every.min(axis=(1, 2), keepdims=True)
    span = every.max(axis=(1, 2), keepdims=True) - low
    return np.asarray((every - low) / np.where(span > 0, span, 1))


def _softmax(maps: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
    every = class_maps(maps, weight, bias)
    powers = np.exp(every - every.max(axis=0))
    return np.asarray(powers / powers.sum(axis=0))


def _heads(rng: np.random.Generator) -> list[Case]:
    def head(c: int, classes: int, h: int, w: int) -> list[np.ndarray]:
        return [
            rng.integers(0, 6, (c, h, w)).astype(float),
            rng.integers(-4, 5, (classes, c)).astype(float),
            rng.integers(1, 5, classes) + 0.5,
        ]

    return [
        case(
            np.array([[[1.0, 0.0]], [[0.0, 1.0]]]),
            np.array([[2.0, -1.0]]),
            np.zeros(1),
            label="two maps of two places, one class",
        ),
        case(*head(3, 2, 2, 2), label="two classes"),
        case(*head(2, 4, 3, 5), label="more classes than maps, more columns than rows"),
        case(*head(3, 3, 4, 2), label="as many classes as maps"),
        case(*head(5, 2, 1, 1), label="maps of one place"),
    ]


CLASS_MAPS = Exercise(
    id="network_in_network/class_maps",
    section=SECTION,
    title="Class activation maps",
    reference=class_maps,
    cases=_heads,
    alternatives=[_as_product],
    mistakes=[
        Mistake(
            _spread_bias(lambda places: 0.0),
            "The means of these maps are the scores without the bias. Put it in, so that they are the scores.",
        ),
        Mistake(
            _spread_bias(lambda places: 1 / places),
            "The bias is divided among the places. The score is the mean of the map, so every place gets all of it.",
        ),
        Mistake(
            _divided,
            "The sum of these maps over all places is the score. The mean shall be it: do not divide by the number of places.",
        ),
        Mistake(_transposed, "The weights are transposed. weight[k, c] leads from map c to class k."),
        Mistake(
            lambda maps, weight, bias: np.maximum(class_maps(maps, weight, bias), 0),
            "Negative entries are cut off, and the means are no longer the scores. Evidence against a class counts.",
        ),
        Mistake(
            _scores, "These are the scores themselves. Leave the mean out: what would be averaged is the map."
        ),
        Mistake(
            _flat,
            "Each map holds its score at every place. The mean is right, but where is the evidence? Weigh the maps, and do not average them.",
        ),
        Mistake(
            _best_class,
            "Only the map of the class with the highest score is here. Return one for each class.",
        ),
        Mistake(_stretched, "Each map is stretched to 0 to 1, for show. Then its mean is no score any more."),
        Mistake(
            _softmax,
            "A softmax over the classes is taken at every place. The head applies none before the mean.",
        ),
    ],
    hint="Write the score of one class as weights times means. Which of the two sums can trade places?",
)

EXERCISES = [CLASS_MAPS]
