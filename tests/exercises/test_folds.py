"""The folds that the section on cross-validation asks for are those of scikit-learn."""

import warnings

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import KFold, StratifiedKFold

from course_lib.exercises.ch03_regularization.cross_validation.folds import fold_numbers, stratified_folds

sizes = st.integers(2, 60).flatmap(lambda n: st.tuples(st.just(n), st.integers(2, n)))


@st.composite
def labels_and_folds(draw):
    """Labels of up to five classes, of which one at least has as many examples as there are folds."""
    k = draw(st.integers(2, 6))
    names = draw(st.lists(st.integers(-3, 9), min_size=1, max_size=5, unique=True))
    labels = [names[0]] * k + draw(st.lists(st.sampled_from(names), max_size=40))
    return np.array(draw(st.permutations(labels))), k


@settings(max_examples=200, deadline=None)
@given(sizes, st.integers(0, 99))
def test_folds_are_those_of_kfold_over_the_shuffled_examples(size, seed):
    n, k = size
    order = np.random.default_rng(seed).permutation(n)
    folds = fold_numbers(order, k)
    for number, (train, held) in enumerate(KFold(k, shuffle=False).split(np.zeros(n))):
        assert set(np.flatnonzero(folds == number)) == set(order[held]), f"fold {number} of {k}, {n} examples"
        assert set(np.flatnonzero(folds != number)) == set(order[train])


@settings(max_examples=200, deadline=None)
@given(labels_and_folds())
def test_stratified_folds_have_the_class_counts_of_stratified_kfold(drawn):
    y, k = drawn
    folds = stratified_folds(y, k)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The least populated class")
        parts = list(StratifiedKFold(k, shuffle=False).split(np.zeros(len(y)), y))
    for number, (_, held) in enumerate(parts):
        for label in np.unique(y):
            mine, theirs = np.sum(y[folds == number] == label), np.sum(y[held] == label)
            assert mine == theirs, (
                f"class {label} in fold {number} of {k}: {mine}, in StratifiedKFold {theirs}"
            )


@settings(max_examples=100, deadline=None)
@given(labels_and_folds())
def test_stratified_folds_share_every_class_out_evenly(drawn):
    y, k = drawn
    folds = stratified_folds(y, k)
    for label in [None, *np.unique(y)]:
        counts = np.bincount(folds if label is None else folds[y == label], minlength=k)
        assert np.ptp(counts) <= 1, f"label {label}: {counts} over {k} folds"
