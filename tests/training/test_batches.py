from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

from course_lib.training.batches import as_batches, checked

X, Y = torch.arange(10.0).reshape(10, 1), torch.arange(10)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


SOURCES = {
    "dataset": SimpleNamespace(x=X, y=Y),
    "pair": (X, Y),
    "list pair": [X, Y],
    "torch dataset": TensorDataset(X, Y),
}


@pytest.mark.parametrize("source", SOURCES)
def test_without_a_generator_the_order_is_kept_and_the_short_batch_too(source):
    batches = list(checked(as_batches(SOURCES[source], "train", 4), "train"))
    assert [len(x) for x, _ in batches] == [4, 4, 2], source
    assert torch.equal(torch.cat([y for _, y in batches]), Y), source


@pytest.mark.parametrize("source", SOURCES)
def test_with_a_generator_every_pass_is_another_permutation(source):
    batches = as_batches(SOURCES[source], "train", 4, generator())
    passes = [list(checked(batches, "train")) for _ in range(3)]
    orders = [torch.cat([y for _, y in one]).tolist() for one in passes]
    assert all(sorted(order) == Y.tolist() for order in orders), source
    assert len({tuple(order) for order in orders}) == 3, source
    assert all(torch.equal(x[:, 0].long(), y) for one in passes for x, y in one), (
        f"{source}: x and y part ways"
    )
    assert len(batches) == 3


def test_same_seed_same_order():
    first, second = (as_batches((X, Y), "train", 3, generator(4)) for _ in range(2))
    for (_, a), (_, b) in zip(first, second, strict=True):
        assert torch.equal(a, b)


@pytest.mark.parametrize("batch_size", [10, 11, 1000])
def test_one_batch_when_it_is_larger_than_the_data(batch_size):
    assert len(list(as_batches((X, Y), "train", batch_size, generator()))) == 1


@pytest.mark.parametrize(
    "batches",
    [
        DataLoader(TensorDataset(X, Y), batch_size=5),
        [(X[:5], Y[:5]), (X[5:], Y[5:])],
        [[X[:5], Y[:5]], [X[5:], Y[5:]]],
    ],
    ids=["loader", "tuples", "lists"],
)
def test_batches_are_taken_as_they_come(batches):
    found = list(checked(as_batches(batches, "train", 3, generator()), "train"))
    assert [y.tolist() for _, y in found] == [[0, 1, 2, 3, 4], [5, 6, 7, 8, 9]]


@pytest.mark.parametrize("batch_size", [0, -1, 1.0, True, "4", None])
def test_batch_size_is_checked(batch_size):
    with pytest.raises(ValueError, match="batch_size must be a whole number of at least 1"):
        as_batches((X, Y), "train", batch_size)


@pytest.mark.parametrize(
    ("data", "kind", "message"),
    [
        (5, TypeError, "train must be a dataset with .x and .y.*got int"),
        (X, TypeError, "train must be .*got Tensor"),
        ((X.numpy(), Y), TypeError, "train: x must be a torch tensor, got ndarray"),
        ((X, np.arange(10)), TypeError, "train: y must be a torch tensor, got ndarray"),
        ((X, torch.tensor(1)), ValueError, "train: y must have one entry per example"),
        ((X, Y[:9]), ValueError, "train: x has 10 examples and y has 9"),
        ((X[:0], Y[:0]), ValueError, "train has no examples"),
        (TensorDataset(X[:0], Y[:0]), ValueError, "train has no examples"),
    ],
)
def test_bad_data_is_named(data, kind, message):
    with pytest.raises(kind, match=message):
        as_batches(data, "train", 4)


@pytest.mark.parametrize(
    ("batches", "epoch", "kind", "message"),
    [
        ([], 1, ValueError, "train gave no batches: it is empty"),
        (iter([]), 2, ValueError, "train gave no batches in epoch 2.*can be read only once"),
        ([(X, Y), X], 1, TypeError, "train: batch 2 is a Tensor, expected a pair of tensors"),
        ([(X, Y, Y)], 1, TypeError, "train: batch 1 is a tuple of Tensor, Tensor, Tensor"),
        ([()], 1, TypeError, "train: batch 1 is a tuple of nothing"),
        ([(X, "labels")], 1, TypeError, "train: batch 1 is a tuple of Tensor, str"),
        ([(X[:0], Y[:0])], 1, ValueError, "train: batch 1 has no examples"),
    ],
)
def test_bad_batches_are_named(batches, epoch, kind, message):
    with pytest.raises(kind, match=message):
        list(checked(batches, "train", epoch))
