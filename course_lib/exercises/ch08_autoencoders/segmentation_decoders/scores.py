"""Exercises on scores of masks: mean IoU from a confusion matrix, and a threshold chosen by IoU."""

from collections.abc import Callable, Sequence

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "08_autoencoders/segmentation_decoders"
Array = np.ndarray

# accuracy and mean IoU


def scores(counts: Array) -> tuple[float, float]:
    """Pixel accuracy, and the mean IoU of the classes that occur."""
    right = np.diag(counts)
    union = counts.sum(axis=0) + counts.sum(axis=1) - right
    occurs = union > 0
    return right.sum() / counts.sum(), (right[occurs] / union[occurs]).mean()


def _by_loop(counts: Array) -> tuple[float, float]:
    found = []
    for k in range(len(counts)):
        others = np.arange(len(counts)) != k
        union = counts[k, k] + counts[k, others].sum() + counts[others, k].sum()
        if union:
            found.append(counts[k, k] / union)
    return float(np.trace(counts) / np.sum(counts)), float(np.mean(found))


def _scored(mean: Callable[[Array, Array, Array], float]) -> Callable[[Array], tuple[float, float]]:
    """mean(right, pixels of the true class, pixels of the answered class), each (K,)."""

    def answer(counts: Array) -> tuple[float, float]:
        right, true, answered = np.diag(counts), counts.sum(axis=1), counts.sum(axis=0)
        with np.errstate(invalid="ignore", divide="ignore"):
            return right.sum() / counts.sum(), float(mean(right, true, answered))

    return answer


def _over(numerator: Array, denominator: Array) -> Array:
    """Quotients of the classes that have one."""
    return numerator[denominator > 0] / denominator[denominator > 0]


def _objects_only(right: Array, true: Array, answered: Array) -> float:
    found = _over(right[1:], (true + answered - right)[1:])
    return float(found.mean()) if found.size else float("nan")


def _mean_recall(counts: Array) -> tuple[float, float]:
    return float(_over(np.diag(counts), counts.sum(axis=1)).mean()), scores(counts)[1]


SCORES = Exercise(
    id="segmentation_decoders/scores",
    section=SECTION,
    title="Mean IoU",
    reference=scores,
    cases=[
        case(np.array([[6, 2], [1, 3]]), label="two classes"),
        case(np.array([[90, 0], [10, 0]]), label="everything called background"),
        case(np.array([[50, 3, 2], [4, 20, 1], [0, 5, 15]]), label="three classes"),
        case(np.array([[50, 3, 0], [4, 20, 0], [0, 0, 0]]), label="a class that occurs in neither map"),
        case(np.array([[40, 0, 7], [5, 30, 2], [0, 0, 0]]), label="a class that only the answers have"),
        case(np.array([[8, 0], [0, 0]]), label="one class, all right"),
    ],
    alternatives=[_by_loop],
    mistakes=[
        Mistake(
            _scored(lambda right, true, answered: np.nan_to_num(right / (true + answered - right)).mean()),
            "A class that occurs in neither map counts as an IoU of 0. It has none: leave it out of the mean.",
        ),
        Mistake(
            _scored(lambda right, true, answered: _over(right, true).mean()),
            "Each class is divided by its true pixels alone: that is the recall. Pixels wrongly given to it must count, too.",
        ),
        Mistake(
            _scored(lambda right, true, answered: _over(right, answered).mean()),
            "Each class is divided by the pixels answered alone: that is the precision. True pixels that were missed must count, too.",
        ),
        Mistake(
            _scored(lambda right, true, answered: _over(right, true + answered).mean()),
            "The intersection is in both sums, so it counts twice in your union. Take it off once.",
        ),
        Mistake(
            _scored(lambda right, true, answered: _over(2 * right, true + answered).mean()),
            "This is 2 I / (sum of the two areas), the Dice score. IoU divides I by the union.",
        ),
        Mistake(
            _scored(lambda right, true, answered: right.sum() / (true + answered - right).sum()),
            "Intersections and unions are added up before dividing, so that large classes decide. Divide class by class, then average.",
        ),
        Mistake(
            _scored(
                lambda right, true, answered: np.nansum(true * right / (true + answered - right)) / true.sum()
            ),
            "Each class is weighted by its pixels. In the mean IoU every class counts alike.",
        ),
        Mistake(
            _scored(
                lambda right, true, answered: (right[true > 0] / (true + answered - right)[true > 0]).mean()
            ),
            "A class that only the answers have is left out. Its union is not empty: its IoU is 0.",
        ),
        Mistake(
            _scored(_objects_only),
            "The background, class 0, is left out of the mean. It is a class like all others.",
        ),
        Mistake(
            _mean_recall,
            "Your first number is the mean of the classes' recalls. Pixel accuracy counts all pixels together.",
        ),
        Mistake(
            lambda counts: scores(counts)[::-1],
            "The right two numbers in the wrong order: the accuracy first.",
        ),
    ],
    hint="The union of class k: its row sum, plus its column sum, less what is in both.",
)

# a threshold


def best_threshold(probabilities: Array, masks: Array, thresholds: Sequence[float]) -> float:
    """The threshold of highest IoU, all pixels together; of equals the first."""
    found = []
    for threshold in thresholds:
        answer = probabilities >= threshold
        found.append((answer & masks).sum() / (answer | masks).sum())
    return thresholds[int(np.argmax(found))]


def _by_counts(probabilities: Array, masks: Array, thresholds: Sequence[float]) -> float:
    best, most = thresholds[0], -1.0
    for threshold in thresholds:
        true = np.sum(probabilities[masks] >= threshold)
        false = np.sum(probabilities[~masks] >= threshold)
        iou = true / (masks.sum() + false)
        if iou > most:
            best, most = threshold, iou
    return best


def _chosen(measure: Callable[[Array, Array], float], last: bool = False) -> Callable[..., float]:
    """The first (or last) threshold with the highest measure(answer, masks)."""

    def answer(probabilities: Array, masks: Array, thresholds: Sequence[float]) -> float:
        found = np.array([measure(probabilities >= threshold, masks) for threshold in thresholds])
        place = len(found) - 1 - found[::-1].argmax() if last else found.argmax()
        return thresholds[int(place)]

    return answer


def _iou(answer: Array, masks: Array) -> float:
    return (answer & masks).sum() / (answer | masks).sum()


def _by_picture(answer: Array, masks: Array) -> float:
    return float(np.mean([_iou(each, mask) for each, mask in zip(answer, masks, strict=True)]))


def _both_classes(answer: Array, masks: Array) -> float:
    union = (~answer | ~masks).sum()
    return (_iou(answer, masks) + ((~answer & ~masks).sum() / union if union else 1)) / 2


def _strictly(probabilities: Array, masks: Array, thresholds: Sequence[float]) -> float:
    return thresholds[int(np.argmax([_iou(probabilities > threshold, masks) for threshold in thresholds]))]


def _of_background(probabilities: Array, masks: Array, thresholds: Sequence[float]) -> float:
    return thresholds[int(np.argmax([_iou(probabilities < threshold, masks) for threshold in thresholds]))]


def _index(probabilities: Array, masks: Array, thresholds: Sequence[float]) -> int:
    return list(thresholds).index(best_threshold(probabilities, masks, thresholds))


def _value(probabilities: Array, masks: Array, thresholds: Sequence[float]) -> float:
    return _iou(probabilities >= best_threshold(probabilities, masks, thresholds), masks)


def _masks(rng: np.random.Generator) -> list[Case]:
    def pictures(n: int, side: int, object_at: float, spread: float, share: float) -> tuple[Array, Array]:
        masks = rng.random((n, side, side)) < share
        masks[:, 0, 0] = True  # no picture without an object
        noise = rng.normal(size=masks.shape)
        return np.clip(np.where(masks, object_at, 0.3) + spread * noise, 0, 1).round(2), masks

    steps = [round(0.05 * k, 2) for k in range(1, 20)]
    rare, small = pictures(4, 12, 0.6, 0.2, 0.08)
    uneven_p, uneven_m = pictures(2, 10, 0.6, 0.15, 0.5)
    uneven_m[1] = False
    uneven_m[1, :2, 0] = True
    uneven_p[1] = np.where(uneven_m[1], 0.9, uneven_p[1].clip(0.3, 0.75))
    on_step = np.array([[[0.2, 0.4, 0.6, 0.8]]])
    return [
        case(on_step, np.array([[[False, False, True, True]]]), [0.2, 0.4, 0.6, 0.8], label="on the step"),
        case(on_step, np.array([[[False, True, True, True]]]), [0.7, 0.3, 0.25, 0.35], label="two equals"),
        case(rare, small, steps, label="objects are rare"),
        case(uneven_p, uneven_m, steps, label="a large object and a small one"),
        case(*pictures(3, 12, 0.5, 0.2, 0.3), steps, label="hard to tell apart"),
        case(*pictures(3, 12, 0.5, 0.2, 0.6), steps, label="more object than background"),
    ]


THRESHOLD = Exercise(
    id="segmentation_decoders/threshold",
    section=SECTION,
    title="Where to cut",
    reference=best_threshold,
    cases=_masks,
    alternatives=[_by_counts],
    mistakes=[
        Mistake(
            _chosen(lambda answer, masks: (answer == masks).mean()),
            "This is the threshold of the highest pixel accuracy. Where objects are rare, it is too high.",
        ),
        Mistake(
            _chosen(_by_picture),
            "The IoUs of the pictures are averaged. Here all pixels are counted together, so a small object weighs little.",
        ),
        Mistake(
            _chosen(_both_classes),
            "The background's IoU is in the mean. Only the object's is asked for.",
        ),
        Mistake(
            _chosen(lambda answer, masks: (answer & masks).sum() / masks.sum()),
            "The intersection is divided by the true pixels only: the recall. It always takes the lowest threshold.",
        ),
        Mistake(
            _chosen(lambda answer, masks: (answer & masks).sum() / max(1, answer.sum())),
            "The intersection is divided by the pixels answered only: the precision. It prefers a few sure pixels.",
        ),
        Mistake(
            _chosen(_iou, last=True),
            "Of equal thresholds this takes the last one. The first is asked for.",
        ),
        Mistake(_strictly, "A probability equal to the threshold is the object's, too: >= and not >."),
        Mistake(
            _of_background, "Pixels below the threshold are taken for the object. It is those from it on."
        ),
        Mistake(_index, "This is the place of the threshold in the list. Return the threshold itself."),
        Mistake(_value, "This is the highest IoU. Return the threshold that reaches it."),
    ],
    hint="For each threshold: the pixels of answer & masks, over those of answer | masks.",
)
