import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_lib.data.splits import stratified


@given(
    counts=st.lists(st.integers(4, 60), min_size=1, max_size=6),
    shares=st.tuples(st.floats(0.05, 0.3), st.floats(0.05, 0.3)),
    order=st.randoms(use_true_random=False),
)
def test_parts_are_disjoint_complete_and_have_the_classes_in_proportion(counts, shares, order):
    labels = [label for label, count in enumerate(counts) for _ in range(count)]
    order.shuffle(labels)
    y = np.array(labels)
    sizes = {"validation": int(shares[0] * len(y)), "test": int(shares[1] * len(y))}
    parts = stratified(y, sizes)
    assert set(parts) == {"train", "validation", "test", "all"}
    together = np.concatenate([parts["train"], parts["validation"], parts["test"]])
    assert sorted(together) == list(range(len(y))) == list(parts["all"])
    for part, size in sizes.items():
        assert len(parts[part]) == size
        assert (np.diff(parts[part]) > 0).all(), "indices should ascend"
        for label, count in enumerate(counts):
            ideal = size * count / len(y)
            assert abs((y[parts[part]] == label).sum() - ideal) < 1


def test_the_same_labels_are_always_divided_the_same_way():
    y = np.arange(100) % 7
    first, second = (stratified(y, {"test": 20}) for _ in range(2))
    assert all(np.array_equal(first[part], second[part]) for part in first)


def test_a_part_is_a_random_one():
    y = np.zeros(1000, dtype=int)
    test = stratified(y, {"test": 500})["test"]
    assert 200 < (test < 500).sum() < 300, "half of it should come from the first half"


@pytest.mark.parametrize("size", [0, 10])
def test_a_part_may_be_nothing_or_everything(size):
    parts = stratified(np.arange(10) % 2, {"test": size})
    assert (len(parts["test"]), len(parts["train"])) == (size, 10 - size)
