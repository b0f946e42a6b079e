"""Exercises on making folds: plain ones, and stratified ones."""

import numpy as np

from course_lib.exercises import Exercise, Mistake, case

SECTION = "03_regularization/cross_validation"

# plain folds


def fold_numbers(n: int, k: int) -> np.ndarray:
    """Consecutive folds, the first n % k larger by one, as scikit-learn's ``KFold`` makes them."""
    return np.repeat(np.arange(k), n // k + (np.arange(k) < n % k))


FOLD_NUMBERS = Exercise(
    id="cross_validation/fold_numbers",
    section=SECTION,
    title="Make folds",
    reference=fold_numbers,
    cases=[
        case(6, 3, label="folds of equal size"),
        case(11, 3, label="two left over"),
        case(10, 4, label="two left over, four folds"),
        case(13, 5, label="three left over"),
        case(7, 7, label="leave one out"),
        case(9, 2, label="two folds of an odd number"),
        case(103, 10, label="ten folds of 103"),
    ],
    alternatives=[
        lambda n, k: [i for i, part in enumerate(np.array_split(np.arange(n), k)) for _ in part],
    ],
    mistakes=[
        Mistake(
            lambda n, k: np.arange(n) % k,
            "The folds are dealt out in turn. Here they should be consecutive: first all examples of fold 0, then "
            "those of fold 1.",
        ),
        Mistake(
            lambda n, k: np.minimum(np.arange(n) // (n // k), k - 1),
            "What is left over all goes into the last fold. Give one example more to each of the first folds.",
        ),
        Mistake(
            lambda n, k: np.arange(n) // -(-n // k),
            "All folds but the last get the rounded-up size, so the last one is too small or missing. Sizes should "
            "differ by one at most.",
        ),
        Mistake(
            lambda n, k: np.sort(k - 1 - fold_numbers(n, k)),
            "The larger folds come last here. The first n % k folds are the larger ones.",
        ),
        Mistake(
            lambda n, k: fold_numbers(n, k) + 1,
            "The folds are numbered from 1. Number them from 0.",
        ),
        Mistake(
            lambda n, k: np.arange(n) * k // n,
            "The sizes are right, but the larger folds stand in between. The first n % k folds are the larger ones.",
        ),
        Mistake(
            lambda n, k: np.repeat(np.arange(k), n // k),
            "The examples left over are in no fold. Every example must be judged once.",
        ),
    ],
    hint="How many folds have n // k + 1 examples? np.repeat repeats each number as often as you say.",
)

# stratified folds


def _by_class(y: np.ndarray) -> list[np.ndarray]:
    """Places of the examples of each class, classes in the order of their first appearance."""
    _, first = np.unique(y, return_index=True)
    return [np.flatnonzero(y == y[place]) for place in np.sort(first)]


def stratified_folds(y: np.ndarray, k: int) -> np.ndarray:
    """Deal the examples like cards, one class after the other, without starting again at a new class."""
    return _dealt(len(y), np.concatenate(_by_class(y)), np.arange(len(y)) % k)


def _dealt(n: int, order: np.ndarray, fold: np.ndarray) -> np.ndarray:
    folds = np.empty(n, dtype=int)
    folds[order] = fold
    return folds


def _one_by_one(y: np.ndarray, k: int) -> list[int]:
    folds, card = [0] * len(y), 0
    for label in dict.fromkeys(np.asarray(y).tolist()):
        for i, other in enumerate(y):
            if other == label:
                folds[i] = card % k
                card += 1
    return folds


def _starting_again(y: np.ndarray, k: int) -> np.ndarray:
    turns = np.concatenate([np.arange(len(places)) % k for places in _by_class(y)])
    return _dealt(len(y), np.concatenate(_by_class(y)), turns)


def _in_blocks(y: np.ndarray, k: int) -> np.ndarray:
    """The right number of each class in each fold, but one fold after the other, as scikit-learn does it."""
    dealt, folds = stratified_folds(y, k), np.empty(len(y), dtype=int)
    for places in _by_class(y):
        folds[places] = np.sort(dealt[places])
    return folds


STRATIFIED_FOLDS = Exercise(
    id="cross_validation/stratified_folds",
    section=SECTION,
    title="Deal out the classes",
    reference=stratified_folds,
    cases=[
        case(np.array([0, 0, 0, 1, 1, 1]), 3, label="two classes that go into three folds"),
        case(np.array([0, 1, 0, 1, 0, 1, 0, 1]), 2, label="classes that take turns"),
        case(np.array([0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2]), 3, label="classes that leave one over"),
        case(np.array([2, 2, 0, 1, 0, 2, 1, 0, 2, 1, 1, 2]), 3, label="the first class seen is not 0"),
        case(np.array([1, 1, 1, 0, 1, 1, 1, 1, 0, 1, 1, 0]), 3, label="a rare class"),
        case(np.array([5, 5, 5, 5, 5, 3, 3, 5, 5, 3]), 4, label="labels with gaps between them"),
    ],
    alternatives=[_one_by_one],
    mistakes=[
        Mistake(
            lambda y, k: np.arange(len(y)) % k,
            "The examples are dealt out without a look at their classes, so a class can end up in few folds.",
        ),
        Mistake(
            lambda y, k: fold_numbers(len(y), k),
            "These are plain consecutive folds. The labels do not enter.",
        ),
        Mistake(
            _starting_again,
            "Every class starts again at fold 0. Then the first folds collect what is left over of all classes; go on "
            "dealing where the last class ended.",
        ),
        Mistake(
            lambda y, k: _dealt(len(y), np.argsort(y, kind="stable"), np.arange(len(y)) % k),
            "The classes come in the order of their labels. They should come in the order in which they first appear.",
        ),
        Mistake(
            lambda y, k: np.arange(len(y))[np.argsort(np.concatenate(_by_class(y)))] // -(-len(y) // k),
            "The classes are laid one after the other and then cut into blocks: each fold gets whole stretches of one "
            "class. Deal instead.",
        ),
        Mistake(
            lambda y, k: (np.arange(len(y)) % k)[np.concatenate(_by_class(y))],
            "The fold numbers stand in the order of the sorted examples. Put each back at the place of its example.",
        ),
        Mistake(
            _in_blocks,
            "Every fold has the right number of each class, but gets them in a row. Deal one by one: the next example "
            "of a class goes into the next fold.",
        ),
        Mistake(
            lambda y, k: stratified_folds(y, k) + 1, "The folds are numbered from 1. Number them from 0."
        ),
    ],
    hint="Make a list of the places in the order of dealing. The example that comes as number j goes into fold j % k.",
)

EXERCISES = [FOLD_NUMBERS, STRATIFIED_FOLDS]
