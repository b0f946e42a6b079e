"""The exercise on the top-k error of several networks together."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "06_architectures/comparison"

Scores = np.ndarray


def _softmax(z: Scores, axis: int = -1) -> Scores:
    e = np.exp(z - z.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def averaged_error(logits: Scores, y: np.ndarray, k: int) -> float:
    """Mean of the networks' probabilities; wrong where the true class is not among the k largest."""
    p = _softmax(np.asarray(logits, dtype=float)).mean(axis=0)
    best = np.argsort(-p, axis=1)[:, :k]
    return float(1 - (best == np.asarray(y)[:, None]).any(axis=1).mean())


def _by_rank(logits: Scores, y: np.ndarray, k: int) -> float:
    """How many classes are ahead of the true one?"""
    p = np.sum([_softmax(np.asarray(each, dtype=float)) for each in logits], axis=0)
    own = p[np.arange(len(y)), np.asarray(y)]
    return float(((p > own[:, None]).sum(axis=1) >= k).mean())


def _together(
    joined: Callable[[Scores], Scores] = lambda logits: _softmax(logits).mean(axis=0),
    number: Callable[[int], int] = lambda k: k,
    sign: int = -1,
    told: Callable[[float], float] = lambda error: error,
) -> Callable[[Scores, np.ndarray, int], float]:
    """A wrong error: how the networks are joined, how many guesses count, what is handed back."""

    def answer(logits: Scores, y: np.ndarray, k: int) -> float:
        p = joined(np.asarray(logits, dtype=float))
        best = np.argsort(sign * p, axis=1)[:, : number(k)]
        return told(float(1 - (best == np.asarray(y)[:, None]).any(axis=1).mean()))

    return answer


def _of_each(logits: Scores, y: np.ndarray, k: int) -> np.ndarray:
    """Whether each network (m, n) has the true class among its k best."""
    best = np.argsort(-np.asarray(logits, dtype=float), axis=2)[:, :, :k]
    return (best == np.asarray(y)[None, :, None]).any(axis=2)


def _votes(logits: Scores, y: np.ndarray, k: int) -> float:
    """How many networks have a class among their k best; ties by the lower class."""
    _, n, classes = np.shape(logits)
    best = np.argsort(-np.asarray(logits, dtype=float), axis=2)[:, :, :k]
    counts = np.zeros((n, classes))
    for each in best:
        np.add.at(counts, (np.arange(n)[:, None], each), 1)
    chosen = np.argsort(-counts, axis=1, kind="stable")[:, :k]
    return float(1 - (chosen == np.asarray(y)[:, None]).any(axis=1).mean())


def _cases(rng: np.random.Generator) -> list[Case]:
    sure = np.array([[[6.0, 0.0, 0.1]], [[0.0, 1.0, 0.5]], [[0.0, 1.1, 0.4]]])
    found = [
        case(
            np.array([[[1.0, 3.0, 2.0], [4.0, 0.0, 1.0]]]),
            np.array([1, 2]),
            1,
            label="one network, two images",
        ),
        case(sure, np.array([0]), 1, label="one network is sure, two are not"),
    ]
    for m, n, classes, k in [(2, 20, 8, 2), (5, 40, 30, 5), (7, 60, 100, 5), (3, 30, 12, 3)]:
        y = rng.integers(0, classes, n)
        logits = rng.normal(0, 1, (m, n, classes)) * rng.uniform(0.5, 8, (m, n, 1)) + rng.normal(
            0, 4, (m, n, 1)
        )
        logits[:, np.arange(n), y] += 1.5
        found.append(case(logits, y, k, label=f"{m} networks, {n} images, {classes} classes, k = {k}"))
    return found


AVERAGED = Exercise(
    id="comparison/averaged_error",
    section=SECTION,
    title="The error of a whole team",
    reference=averaged_error,
    cases=_cases,
    alternatives=[_by_rank],
    mistakes=[
        Mistake(
            _together(told=lambda error: 1 - error),
            "This is the top-k accuracy. The error is the share of images whose class is missing among the k.",
        ),
        Mistake(
            _together(joined=lambda logits: logits.mean(axis=0)),
            "The logits are averaged. Turn each network's logits into probabilities by a softmax first, then average.",
        ),
        Mistake(
            lambda logits, y, k: float(1 - _of_each(logits, y, k).mean()),
            "This is the mean of the networks' own errors. Average the probabilities first: the team gives one answer.",
        ),
        Mistake(
            lambda logits, y, k: float(1 - _of_each(logits, y, k).any(axis=0).mean()),
            "An image counts as right if any network has it right. Nobody knows which one to believe: average the probabilities.",
        ),
        Mistake(
            lambda logits, y, k: float((1 - _of_each(logits, y, k).mean(axis=1)).min()),
            "This is the error of the best single network. Average the probabilities of all.",
        ),
        Mistake(
            _votes,
            "The networks vote here. Add up their probabilities instead: one that is sure counts for more.",
        ),
        Mistake(
            _together(number=lambda k: 1),
            "Only the first guess counts here: that is the top-1 error. k guesses are allowed.",
        ),
        Mistake(
            _together(number=lambda k: 5),
            "Five guesses are allowed whatever k is.",
        ),
        Mistake(
            _together(sign=1),
            "These are the k classes with the smallest probabilities. Take the largest.",
        ),
        Mistake(
            _together(joined=lambda logits: _softmax(logits[0])),
            "Only the first network is asked. Average over all of them.",
        ),
        Mistake(
            _together(joined=lambda logits: _softmax(logits, axis=0).mean(axis=0)),
            "The softmax runs over the networks. It belongs to the classes, the last axis.",
        ),
        Mistake(
            _together(told=lambda error: 100 * error),
            "This is in percent. Return a share between 0 and 1.",
        ),
    ],
    hint="A softmax over the last axis, a mean over the first, then the k largest of each image.",
)

EXERCISES = [AVERAGED]
