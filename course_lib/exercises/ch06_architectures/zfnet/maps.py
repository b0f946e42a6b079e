"""Exercises on maps of a class: Grad-CAM by its two equations, and occlusion by doing it."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "06_architectures/zfnet"

# Grad-CAM


def grad_cam(maps: np.ndarray, slopes: np.ndarray) -> np.ndarray:
    """Weigh each map with its mean slope, add up, rectify."""
    weights = slopes.mean(axis=(1, 2))
    return np.maximum(np.einsum("k,khw->hw", weights, maps), 0)


def _broadcast(maps: np.ndarray, slopes: np.ndarray) -> np.ndarray:
    heat = (slopes.mean(axis=(1, 2), keepdims=True) * maps).sum(axis=0)
    return np.where(heat > 0, heat, 0.0)


Weights = Callable[[np.ndarray], np.ndarray]
End = Callable[[np.ndarray], np.ndarray]


def _means(slopes: np.ndarray) -> np.ndarray:
    whole: np.ndarray = slopes.mean(axis=(1, 2))
    return whole


def _wrong(
    weights: Weights = _means, end: End = lambda heat: np.maximum(heat, 0)
) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """Grad-CAM with other weights, or another end."""

    def answer(maps: np.ndarray, slopes: np.ndarray) -> np.ndarray:
        return end(np.einsum("k,khw->hw", weights(slopes), maps))

    return answer


def _scaled_to_one(heat: np.ndarray) -> np.ndarray:
    heat = np.maximum(heat, 0)
    return heat / heat.max() if heat.max() > 0 else heat


def _maps_and_slopes(rng: np.random.Generator) -> list[Case]:
    def whole(*shape: int) -> np.ndarray:
        return rng.integers(0, 6, shape).astype(float)

    return [
        case(
            np.array([[[1.0, 0.0], [2.0, 4.0]]]),
            np.array([[[2.0, 0.0], [4.0, 2.0]]]),
            label="one map of 2 x 2",
        ),
        case(
            np.array([[[1.0, 0.0], [2.0, 4.0]], [[3.0, 1.0], [1.0, 0.0]]]),
            np.array([[[2.0, 0.0], [4.0, 2.0]], [[-3.0, -1.0], [-6.0, -2.0]]]),
            label="one map for the class, one against it",
        ),
        case(whole(4, 3, 3), rng.normal(0, 1, (4, 3, 3)), label="four maps of 3 x 3"),
        case(whole(3, 2, 4), rng.normal(0, 1, (3, 2, 4)), label="maps of 2 x 4"),
        case(whole(3, 3, 3), -whole(3, 3, 3) - 1, label="everything speaks against the class"),
        case(whole(5, 1, 1), rng.normal(0, 1, (5, 1, 1)), label="maps of one unit"),
        case(rng.normal(0, 2, (4, 3, 2)), rng.normal(0, 1, (4, 3, 2)), label="maps with negative entries"),
    ]


GRAD_CAM = Exercise(
    id="zfnet/grad_cam",
    section=SECTION,
    title="Grad-CAM from maps and slopes",
    reference=grad_cam,
    cases=_maps_and_slopes,
    alternatives=[_broadcast],
    mistakes=[
        Mistake(
            _wrong(end=lambda heat: heat),
            "The ReLU at the end is missing: what speaks against the class is to be 0.",
        ),
        Mistake(
            _wrong(weights=lambda slopes: slopes.sum(axis=(1, 2))),
            "The slopes of a map are added up. Its weight is their mean, so divide by h w.",
        ),
        Mistake(
            _wrong(weights=lambda slopes: np.maximum(slopes.mean(axis=(1, 2)), 0)),
            "The weights are rectified. A map that speaks against the class has to count against it; rectify the sum "
            "at the end.",
        ),
        Mistake(
            _wrong(weights=lambda slopes: np.abs(slopes.mean(axis=(1, 2)))),
            "The weights have lost their signs. A map with a negative weight speaks against the class.",
        ),
        Mistake(
            _wrong(end=np.abs),
            "The sum is made positive by its absolute value. Take its positive part.",
        ),
        Mistake(
            lambda maps, slopes: np.maximum((maps * slopes).sum(axis=0), 0),
            "Each slope multiplies its own entry. Here a whole map has one weight, the mean of its slopes.",
        ),
        Mistake(
            lambda maps, slopes: np.maximum(slopes.mean(axis=(1, 2))[:, None, None] * maps, 0).sum(axis=0),
            "Each weighted map is rectified before they are added, so that no map can speak against another. Add first.",
        ),
        Mistake(
            lambda maps, slopes: np.maximum((slopes.mean(axis=(1, 2))[:, None, None] * maps).mean(axis=0), 0),
            "This is the mean over the maps. Add the weighted maps up.",
        ),
        Mistake(
            lambda maps, slopes: grad_cam(slopes, maps),
            "Maps and slopes have changed places: the slopes are averaged to weights, the maps are weighed.",
        ),
        Mistake(
            lambda maps, slopes: _scaled_to_one(grad_cam(maps, slopes)),
            "The map is scaled to a maximum of 1. That hides how strong it is; leave it as the equations give it.",
        ),
        Mistake(
            _wrong(weights=lambda slopes: slopes.max(axis=(1, 2))),
            "A map's weight here is its largest slope. It should be the mean of its slopes.",
        ),
    ],
    hint="weights = slopes.mean(axis=(1, 2)) is (K,). To multiply maps (K, h, w) by it, give it two more dimensions.",
)

# occlusion

Score = Callable[[np.ndarray], float]
Drop = Callable[[float, float], float]


def occlusion(score: Score, image: np.ndarray, patch: int, fill: float = 0.0) -> np.ndarray:
    """Cover one place after another, each time on a fresh copy."""
    return _dropped()(score, image, patch, fill)


def _dropped(
    drop: Drop = lambda whole, covered: whole - covered,
    filling: Callable[[np.ndarray, float], float] = lambda image, fill: fill,
    fresh: bool = True,
    side: Callable[[int], int] = lambda patch: patch,
    shorter: int = 0,
) -> Callable[..., np.ndarray]:
    """An answer that differs in what it takes for a drop, what it puts into the patch, and how it goes on."""

    def answer(score: Score, image: np.ndarray, patch: int, fill: float = 0.0) -> np.ndarray:
        rows, columns = (max(n - patch + 1 - shorter, 1) for n in image.shape)
        whole, found = float(score(image)), np.zeros((rows, columns))
        covered = image.copy()
        for i, j in np.ndindex(rows, columns):
            if fresh:
                covered = image.copy()
            covered[i : i + side(patch), j : j + side(patch)] = filling(image, fill)
            found[i, j] = drop(whole, float(score(covered)))
        return found

    return answer


def ink(image: np.ndarray) -> float:
    """How much ink there is, and where: the columns further right count more."""
    return float((image * np.arange(1, image.shape[1] + 1)).sum())


def corner_against_rest(image: np.ndarray) -> float:
    """Ink at the top left speaks for the class, ink elsewhere against it."""
    return float(3 * image[:2, :2].sum() - image[2:].sum() - image[:2, 2:].sum())


def loudest(image: np.ndarray) -> float:
    """The largest product of neighbours in a row: no sum over pixels."""
    return float((image[:, :-1] * image[:, 1:]).max() - 0.5 * image[-1].max())


def _images(rng: np.random.Generator) -> list[Case]:
    def whole(*shape: int) -> np.ndarray:
        return rng.integers(1, 9, shape).astype(float)

    return [
        case(ink, np.array([[1.0, 2.0], [3.0, 4.0]]), 1, label="a patch of one pixel"),
        case(ink, whole(3, 4), 2, label="3 x 4 pixels, a patch of 2 x 2"),
        case(corner_against_rest, whole(4, 5), 2, label="pixels that speak against the class"),
        case(corner_against_rest, whole(5, 4), 2, fill=1.5, label="another fill"),
        case(loudest, whole(5, 6), 3, label="a score that is no sum"),
        case(loudest, whole(4, 6), 2, fill=9.0, label="a bright fill, which raises the score"),
        case(ink, whole(3, 3), 3, label="a patch as large as the image"),
    ]


OCCLUSION = Exercise(
    id="zfnet/occlusion",
    section=SECTION,
    title="Cover and see",
    reference=occlusion,
    cases=_images,
    mistakes=[
        Mistake(
            _dropped(drop=lambda whole, covered: covered - whole),
            "The sign is turned around. A drop is the score of the whole image minus that of the covered one.",
        ),
        Mistake(
            _dropped(drop=lambda whole, covered: covered),
            "This is the score of the covered image. Subtract it from that of the whole image.",
        ),
        Mistake(
            _dropped(drop=lambda whole, covered: abs(whole - covered)),
            "The sign is lost. A negative drop says that the covered part speaks against the class.",
        ),
        Mistake(
            _dropped(drop=lambda whole, covered: max(whole - covered, 0.0)),
            "Negative drops are cut off. They say that the covered part speaks against the class.",
        ),
        Mistake(
            _dropped(fresh=False),
            "The patch leaves its colour wherever it has been. Cover a fresh copy of the image at each place.",
        ),
        Mistake(
            _dropped(filling=lambda image, fill: 0.0),
            "The patch is always 0. Put fill there.",
        ),
        Mistake(
            _dropped(filling=lambda image, fill: float(image.mean())),
            "The patch is filled with the mean of the image. Put fill there.",
        ),
        Mistake(
            _dropped(side=lambda patch: 1),
            "Only one pixel is covered at a time. The patch has patch x patch pixels.",
        ),
        Mistake(
            _dropped(side=lambda patch: patch + 1),
            "The patch is one row and column too large: a slice ends before its second number.",
        ),
        Mistake(
            _dropped(shorter=1),
            "The last row and column of places are missing: a patch fits into n pixels at n - patch + 1 places.",
        ),
        Mistake(
            _dropped(drop=lambda whole, covered: (whole - covered) / whole if whole else 0.0),
            "The drops are divided by the score of the whole image. Give them in the units of the score.",
        ),
    ],
    hint="Two loops over the places; in each: copy, cover, score, subtract. Does your result have H - patch + 1 rows?",
)
