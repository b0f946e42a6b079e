"""Exercises on detecting anomalies: who may be in which split, and where to put the threshold."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "08_autoencoders/applications"
Array = np.ndarray
Split = tuple[Array, Array]

# the split


def split(patient: Array, label: Array, held: Array) -> Split:
    """Normal beats of the other patients; all beats of the held-out ones."""
    is_held = np.isin(patient, held)
    return np.flatnonzero(~is_held & (label == 0)), np.flatnonzero(is_held)


def _lists(patient: Array, label: Array, held: Array) -> tuple[list[int], list[int]]:
    apart = set(np.asarray(held).tolist())
    train = [i for i, (p, y) in enumerate(zip(patient, label, strict=True)) if p not in apart and y == 0]
    return train, [i for i, p in enumerate(patient) if p in apart]


def _chosen(
    train: Callable[[Array, Array], Array], test: Callable[[Array, Array], Array]
) -> Callable[[Array, Array, Array], Split]:
    """Masks of train and test, from (is held out, is normal)."""

    def answer(patient: Array, label: Array, held: Array) -> Split:
        is_held, is_normal = np.isin(patient, held), label == 0
        return np.flatnonzero(train(is_held, is_normal)), np.flatnonzero(test(is_held, is_normal))

    return answer


def _masks(patient: Array, label: Array, held: Array) -> Split:
    is_held = np.isin(patient, held)
    return ~is_held & (label == 0), is_held


def _swapped(patient: Array, label: Array, held: Array) -> Split:
    train, test = split(patient, label, held)
    return test, train


def _first_only(patient: Array, label: Array, held: Array) -> Split:
    return split(patient, label, held[:1])


def _beats(rng: np.random.Generator) -> list[Case]:
    def beats(n: int, patients: int, held: list[int]) -> tuple[Array, Array, Array]:
        patient = rng.integers(0, patients, n)
        label = np.where(rng.random(n) < 0.4, rng.integers(1, 5, n), 0)
        patient[:4], label[:4] = [held[0], held[0], patients, patients], [0, 2, 0, 1]
        order = rng.permutation(n)
        return patient[order], label[order], np.array(held)

    return [
        case(np.array([7, 7, 8, 8]), np.array([0, 3, 0, 1]), np.array([8]), label="two patients"),
        case(*beats(12, 3, [1]), label="one patient of four held out"),
        case(*beats(25, 5, [0, 3]), label="two patients held out"),
        case(*beats(40, 6, [2, 4, 5]), label="three patients held out"),
    ]


SPLIT = Exercise(
    id="applications/anomaly_split",
    section=SECTION,
    title="Who may be where",
    reference=split,
    cases=_beats,
    alternatives=[_lists],
    mistakes=[
        Mistake(
            _chosen(lambda held, normal: ~held, lambda held, normal: held),
            "The training part holds anomalies. What is to be found would be learned as normal.",
        ),
        Mistake(
            _chosen(lambda held, normal: normal, lambda held, normal: ~normal),
            "The held-out patients are not held out: their normal beats train, and the test has no normal beats.",
        ),
        Mistake(
            _chosen(lambda held, normal: normal, lambda held, normal: held),
            "Normal beats of held-out patients are in both parts. That is the leak: their hearts are known.",
        ),
        Mistake(
            _chosen(lambda held, normal: ~held & normal, lambda held, normal: held & ~normal),
            "The test part has no normal beats. Without them nobody can count false alarms.",
        ),
        Mistake(
            _chosen(lambda held, normal: ~held & normal, lambda held, normal: held | ~normal),
            "Anomalies of the training patients are tested, too. Those come from hearts that are known.",
        ),
        Mistake(
            _chosen(lambda held, normal: ~held & ~normal, lambda held, normal: held),
            "The training part holds the anomalies alone. Train on what is normal: label 0.",
        ),
        Mistake(
            _chosen(lambda held, normal: held & normal, lambda held, normal: ~held),
            "The patients in held are trained on, and the others tested. It is the other way round.",
        ),
        Mistake(
            _first_only, "Only the first patient in held is held out. Hold out all: np.isin(patient, held)."
        ),
        Mistake(_swapped, "The right two parts in the wrong order: train first."),
        Mistake(_masks, "These are masks. Return the positions: np.flatnonzero."),
    ],
    hint="np.isin(patient, held) says which beats are held out. Only one part must be free of anomalies.",
)

# the threshold


def threshold(normal: Array, rate: float) -> float:
    """The smallest error at which no more than the allowed share of the normal beats raise an alarm."""
    return min(t for t in normal if np.mean(normal > t) <= rate)


def _by_sorting(normal: Array, rate: float) -> float:
    ordered = np.sort(normal)[::-1]
    return ordered[int(np.floor(rate * len(normal) + 1e-9))]


def _strict(normal: Array, rate: float) -> float:
    return min((t for t in normal if np.mean(normal > t) < rate), default=normal.max())


def _at_least(normal: Array, rate: float) -> float:
    return min((t for t in normal if np.mean(normal >= t) <= rate), default=normal.max() + 1)


def _lower_tail(normal: Array, rate: float) -> float:
    return max(t for t in normal if np.mean(normal < t) <= rate)


def _one_more(normal: Array, rate: float) -> float:
    return np.sort(normal)[::-1][min(int(rate * len(normal) + 1e-9) + 1, len(normal) - 1)]


def _errors(rng: np.random.Generator) -> list[Case]:
    return [
        case(np.array([3.0, 1.0, 2.0, 5.0]), 0.25, label="four errors, one alarm allowed"),
        case(rng.gamma(2, 1, 20).round(3), 0.1, label="20 errors, two alarms"),
        case(rng.gamma(2, 1, 20).round(3), 0.12, label="20 errors, two alarms and a bit"),
        case(rng.gamma(2, 1, 11).round(3), 0.0, label="no alarm allowed"),
        case(rng.integers(0, 5, 30) / 2, 0.2, label="many equal errors"),
        case(rng.gamma(2, 1, 32).round(3), 0.25, label="32 errors, eight alarms"),
    ]


THRESHOLD = Exercise(
    id="applications/threshold",
    section=SECTION,
    title="A threshold for so many false alarms",
    reference=threshold,
    cases=_errors,
    alternatives=[_by_sorting],
    mistakes=[
        Mistake(
            lambda normal, rate: np.quantile(normal, 1 - rate),
            "np.quantile interpolates between two errors. Return one of the errors themselves.",
        ),
        Mistake(
            lambda normal, rate: np.quantile(normal, 1 - rate, method="lower"),
            "One of the errors, but some cases raise more alarms than allowed: it counts gaps between errors.",
        ),
        Mistake(
            lambda normal, rate: np.quantile(normal, rate),
            "This is the quantile at rate from below. Alarms are the errors above the threshold.",
        ),
        Mistake(_strict, "One alarm fewer than allowed, where the share comes out even: at most means <=."),
        Mistake(_at_least, "An error equal to the threshold counts as an alarm here. Only larger ones do."),
        Mistake(_lower_tail, "This cuts off the smallest errors. Alarms are raised by the largest."),
        Mistake(_one_more, "One place too low in the sorted errors: one alarm more than allowed."),
        Mistake(
            lambda normal, rate: normal.max(),
            "This is the largest error of all: never an alarm on these beats, whatever rate allows.",
        ),
        Mistake(
            lambda normal, rate: normal.mean() + 2 * normal.std(),
            "Mean and two standard deviations ignore the rate, and reconstruction errors are not Gaussian.",
        ),
        Mistake(
            lambda normal, rate: rate * normal.max(),
            "A share of the largest error. The rate is a share of the beats, not of their errors.",
        ),
        Mistake(
            lambda normal, rate: np.mean(normal > np.quantile(normal, 1 - rate)),
            "This is the share of false alarms. Return the threshold, an error.",
        ),
    ],
    hint="Try every error as a threshold and keep the smallest with np.mean(normal > t) <= rate.",
)
