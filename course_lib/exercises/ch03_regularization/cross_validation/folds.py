"""Exercises on making folds: plain ones, and stratified ones."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Exercise, Mistake, case

SECTION = "03_regularization/cross_validation"

# plain folds


def _cut(n: int, k: int) -> np.ndarray:
    """Consecutive folds, the first n % k larger by one, as scikit-learn's ``KFold`` makes them."""
    return np.repeat(np.arange(k), n // k + (np.arange(k) < n % k))


def _put_back(order: np.ndarray, row: np.ndarray) -> np.ndarray:
    """The fold of each example, from the folds of the examples in a row."""
    folds = np.empty(len(order), dtype=int)
    folds[order] = row
    return folds


def fold_numbers(order: np.ndarray, k: int) -> np.ndarray:
    """Consecutive folds of the examples as they stand in ``order``."""
    return _put_back(order, _cut(len(order), k))


def _middle_larger(order: np.ndarray, k: int) -> np.ndarray:
    return _put_back(order, np.arange(len(order)) * k // len(order))


FOLD_NUMBERS = Exercise(
    id="cross_validation/fold_numbers",
    section=SECTION,
    title="Make folds",
    reference=fold_numbers,
    cases=[
        case(np.arange(6), 3, label="folds of equal size, nothing shuffled"),
        case(np.array([2, 0, 3, 1]), 2, label="four examples, shuffled"),
        case(np.array([6, 3, 9, 0, 8, 10, 1, 5, 2, 7, 4]), 3, label="two left over"),
        case(np.array([4, 9, 0, 2, 7, 1, 8, 3, 6, 5]), 4, label="two left over, four folds"),
        case(np.array([10, 2, 5, 12, 0, 7, 3, 11, 1, 9, 4, 8, 6]), 5, label="three left over"),
        case(np.array([3, 6, 1, 0, 5, 2, 4]), 7, label="leave one out"),
        case(np.array([8, 1, 6, 3, 0, 5, 7, 4, 2]), 2, label="two folds of an odd number"),
        case(np.arange(103)[::-1], 10, label="ten folds of 103, from the back"),
    ],
    alternatives=[
        lambda order, k: _cut(len(order), k)[np.argsort(order)],
        lambda order, k: [
            i
            for example in range(len(order))
            for i, part in enumerate(np.array_split(order, k))
            if example in part
        ],
    ],
    strict=True,
    mistakes=[
        Mistake(
            lambda order, k: _cut(len(order), k),
            "The order is not used: these are the folds of examples that stand as they came. Put the fold of place j at "
            "the entry order[j].",
        ),
        Mistake(
            lambda order, k: _cut(len(order), k)[order],
            "This takes the entry order[i] of the row for example i. It is the other way round: the example order[j] "
            "gets the fold of place j.",
        ),
        Mistake(
            lambda order, k: _put_back(order, np.arange(len(order)) % k),
            "The folds are dealt out in turn. Here they should be consecutive: first fold 0 gets all its examples, then "
            "fold 1.",
        ),
        Mistake(
            lambda order, k: _put_back(order, np.minimum(np.arange(len(order)) // (len(order) // k), k - 1)),
            "What is left over all goes into the last fold. Give one example more to each of the first folds.",
        ),
        Mistake(
            lambda order, k: _put_back(order, np.arange(len(order)) // -(-len(order) // k)),
            "All folds but the last get the rounded-up size, so the last one is too small or missing. Sizes should "
            "differ by one at most.",
        ),
        Mistake(
            lambda order, k: _put_back(order, np.sort(k - 1 - _cut(len(order), k))),
            "The larger folds come last here. The first n % k folds are the larger ones.",
        ),
        Mistake(
            lambda order, k: fold_numbers(order, k) + 1,
            "The folds are numbered from 1. Number them from 0.",
        ),
        Mistake(
            _middle_larger,
            "The sizes are right, but the larger folds stand in between. The first n % k folds are the larger ones.",
        ),
        Mistake(
            lambda order, k: [part.tolist() for part in np.array_split(order, k)],
            "These are the examples of each fold. Return it the other way round: the fold of each example.",
        ),
        Mistake(
            lambda order, k: np.repeat(np.arange(k), len(order) // k),
            "The examples left over are in no fold, and the order is not used. Every example must be judged once.",
        ),
    ],
    hint="Cut the row first: np.array_split(order, k) knows the sizes. Each part lists examples, which all get its number.",
)

# stratified folds


def _by_class(y: np.ndarray) -> list[np.ndarray]:
    """Places of the examples of each class, classes in the order of their first appearance."""
    _, first = np.unique(y, return_index=True)
    return [np.flatnonzero(y == y[place]) for place in np.sort(first)]


def stratified_folds(y: np.ndarray, k: int) -> np.ndarray:
    """Deal the examples like cards, one class after the other, without starting again at a new class."""
    return _put_back(np.concatenate(_by_class(y)), np.arange(len(y)) % k)


def _by(y: np.ndarray, k: int, rank: Callable[[list[int], int], int]) -> np.ndarray:
    """Dealt out with the classes in the order of ``rank(labels, label)``."""
    labels = y.tolist()
    classes = sorted(dict.fromkeys(labels), key=lambda label: rank(labels, label))
    return _put_back(np.concatenate([np.flatnonzero(y == label) for label in classes]), np.arange(len(y)) % k)


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
    return _put_back(np.concatenate(_by_class(y)), turns)


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
        case(np.array([1, 9, 1, 9, 6, 1, 4, 4, 6, 9, 9, 4, 9, 4]), 5, label="four classes of different size"),
    ],
    alternatives=[_one_by_one],
    strict=True,
    mistakes=[
        Mistake(
            lambda y, k: np.arange(len(y)) % k,
            "The examples are dealt out without a look at their classes, so a class can end up in few folds.",
        ),
        Mistake(
            lambda y, k: _cut(len(y), k),
            "These are plain consecutive folds. The labels do not enter.",
        ),
        Mistake(
            _starting_again,
            "Every class starts again at fold 0. Then the first folds collect what is left over of all classes; go on "
            "dealing where the last class ended.",
        ),
        Mistake(
            lambda y, k: _put_back(np.argsort(y, kind="stable"), np.arange(len(y)) % k),
            "The classes come in the order of their labels. They should come in the order in which they first appear.",
        ),
        Mistake(
            lambda y, k: _by(y, k, lambda labels, label: -label),
            "The class with the largest label is dealt first. Go by where each class first appears.",
        ),
        Mistake(
            lambda y, k: _by(y, k, lambda labels, label: -labels.count(label)),
            "The largest class is dealt first. The classes should come in the order in which they first appear.",
        ),
        Mistake(
            lambda y, k: _by(y, k, lambda labels, label: labels.count(label)),
            "The smallest class is dealt first. The classes should come in the order in which they first appear.",
        ),
        Mistake(
            lambda y, k: _by(y, k, lambda labels, label: labels[::-1].index(label)),
            "The class that is seen last is dealt first. The classes should come in the order in which they first appear.",
        ),
        Mistake(
            lambda y, k: _by(y, k, lambda labels, label: -labels[::-1].index(label)),
            "The classes come in the order in which they are seen last. Go by where each first appears.",
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
